"""The state of every global random generator: what a run draws from without asking."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Python's, NumPy's and PyTorch's states, of the CPU and of each GPU.

    Draws on Apple's GPUs (MPS) are left out: a run there goes on with other noise.
    """
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global one
    state = {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Go on drawing where `random_state` was taken.

    GPUs that are not there now, or were not there then, are left as they are.
    """
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        saved = state.get("cuda", [])[: torch.cuda.device_count()]
        for device, one in enumerate(saved):
            torch.cuda.set_rng_state(one, device)
