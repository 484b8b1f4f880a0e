"""What LoRA has learned as a small file beside the model it was learned for.

A safetensors file holds A and B of each adapted layer, and in its head what else the
layers need. It knows layers (`lora`), no task and no trainer.
"""

import json
from pathlib import Path

import safetensors
import torch
from torch import Tensor, nn

from llm_notes.training.durable import new_file, write_tensors
from llm_notes.training.lora import LoRALinear, insert_lora, lora_layers

FILE_FORMAT = "llm_notes.lora"


def save_adapter(path: str | Path, model: nn.Module) -> Path:
    """Write A and B of each adapted layer, and nothing else, to a safetensors file.

    A save that fails leaves the file that stood there before.

    Raises:
        ValueError: when the model is not adapted.
        OSError: when the file cannot be written.
    """
    path, layers = Path(path), dict(lora_layers(model))
    if not layers:
        raise ValueError("the model has no adapted layer; add_lora(model, ...) first")
    tensors = {
        f"{name}.{part}": getattr(layer, part).detach().contiguous()
        for name, layer in layers.items()
        for part in ("lora_a", "lora_b")
    }
    about = {
        "format": FILE_FORMAT,
        "alpha": json.dumps({n: layer.alpha for n, layer in layers.items()}),
        "dropout": json.dumps({n: layer.dropout.p for n, layer in layers.items()}),
    }
    with new_file(path) as draft:
        write_tensors(draft, tensors, about)
    return path


def load_adapter(path: str | Path, model: nn.Module) -> list[str]:
    """Adapt a plain model as `save_adapter` has found it, its dropout included.

    Args:
        path: the file. Files from before dropout was saved are read without it.
        model: of the same shape as the one that was saved, not adapted.

    Returns:
        the names of the adapted layers.

    Raises:
        ValueError: when the file holds no adapter, or one for other layers, or the
            model is adapted already. The model is then as it was.
    """
    about, tensors = _read(Path(path))
    if dict(lora_layers(model)):
        raise ValueError("the model is adapted already; remove_lora(model) comes first")
    alphas, modules = json.loads(about["alpha"]), dict(model.named_modules())
    dropouts = json.loads(about.get("dropout", "{}"))
    for name in alphas:  # all of them before the first one is frozen
        shape = (tensors[f"{name}.lora_b"].size(0), tensors[f"{name}.lora_a"].size(1))
        linear = modules.get(name)
        if not isinstance(linear, nn.Linear) or tuple(linear.weight.shape) != shape:
            raise ValueError(
                f"{path} adapts {name!r}, a linear layer of {shape[1]} x {shape[0]}, "
                "which the model does not have: load the model it was made for"
            )
    layers = {}
    for name, alpha in alphas.items():
        a, b = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
        layer = LoRALinear(modules[name], a.size(0), alpha, dropouts.get(name, 0.0))
        with torch.no_grad():
            layer.lora_a.copy_(a)
            layer.lora_b.copy_(b)
        layers[name] = layer
    insert_lora(model, layers)
    return list(layers)


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What stands in the head of an adapter's file, and its tensors."""
    no_adapter = f"{path} holds no adapter: save_adapter has not written it"
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise ValueError(f"{no_adapter}, or it is cut short ({error})") from error
    if about.get("format") != FILE_FORMAT:
        raise ValueError(no_adapter)
    return about, tensors
