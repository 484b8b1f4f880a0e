"""What a run needs before any model exists: seed, device, dtype, size, a folder.

Nothing else may collect here. This module knows no model, no data and no figure.
"""

import os
import random
from pathlib import Path

import numpy as np
import torch
from torch import nn


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators.

    The package itself draws from explicit generators only. The global ones are
    what PyTorch uses to initialise weights and to drop units out.

    Raises ValueError unless 0 <= seed < 2**32, the range that NumPy accepts.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}; allowed are 0 to 2**32 - 1")
    random.seed(seed)
    # The legacy call on purpose: it seeds the global state that other code uses.
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)  # every device's generator, not only the CPU's


def best_device() -> torch.device:
    """The fastest kind of device there is: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def best_dtype(device: torch.device | str) -> torch.dtype:
    """The dtype in which matrix products on `device` are fast and safe to train in.

    bfloat16 on CUDA from compute capability 8.0 (Ampere) on, where it is native;
    float16 on older CUDA devices, which then needs a loss scaler; float32 on all
    others, where half precision saves little time and loses digits.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return torch.float32
    major, _minor = torch.cuda.get_device_capability(device)
    return torch.bfloat16 if major >= 8 else torch.float16


def count_parameters(module: nn.Module, trainable_only: bool = False) -> int:
    """The number of scalars in a module's parameters; a shared tensor counts once."""
    # `parameters()` names every Parameter object once, however often it is used.
    return sum(
        parameter.numel()
        for parameter in module.parameters()
        if parameter.requires_grad or not trainable_only
    )


def home() -> Path:
    """The folder for what the book makes or fetches: data sets and checkpoints.

    It is the environment variable LLM_NOTES_HOME where that is set and not empty,
    else ~/.cache/llm_notes. The folder is not created here.
    """
    chosen = os.environ.get("LLM_NOTES_HOME")
    if chosen:
        return Path(chosen).expanduser()
    return Path.home() / ".cache" / "llm_notes"
