"""LoRA: a large matrix stays as it is, and a small product is learned beside it.

Works on any module that holds linear layers, chosen by their names. It knows no task
and no trainer: an adapted model is trained like any other, with fewer parameters.
"""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

FILE_FORMAT = "llm_notes.lora"


class LoRALinear(nn.Module):
    r"""A linear layer with a low-rank update (Hu et al. 2022, equation 3).

    $$h = W_0 x + b + \frac{\alpha}{r}\, B A\, x$$

    W_0 and b are frozen. A (r, Din) begins random and B (Dout, r) zero, so that the
    layer begins as it was.

    Args:
        linear: the layer, which is kept and frozen.
        rank: r.
        alpha: the update is multiplied by alpha / r, so that a learning rate fits
            several ranks.
        dropout: share of the inputs of A that is dropped while training.
        generator: draws A.

    Raises:
        ValueError: for a rank below 1 or above the layer's smaller side, or a dropout
            outside [0, 1).
    """

    def __init__(
        self,
        linear: nn.Linear,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_out, n_in = linear.weight.shape
        if not 1 <= rank <= min(n_in, n_out):
            raise ValueError(
                f"rank is {rank}; for a layer of {n_in} x {n_out} it must lie between "
                f"1 and {min(n_in, n_out)}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; it must lie in [0, 1)")
        self.linear = linear.requires_grad_(False)
        self.alpha, self.scale, self.is_merged = alpha, alpha / rank, False
        self.dropout = nn.Dropout(dropout)
        like = {"dtype": linear.weight.dtype, "device": linear.weight.device}
        start = torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in)
        self.lora_a = nn.Parameter(start.to(**like))
        self.lora_b = nn.Parameter(torch.zeros(n_out, rank, **like))

    def forward(self, x: Tensor) -> Tensor:
        """(..., Din) to (..., Dout)."""
        output = self.linear(x)
        if self.is_merged:
            return output
        # Two thin products; B A itself would be as large as the layer.
        return output + self.dropout(x) @ self.lora_a.T @ self.lora_b.T * self.scale

    @property
    def update(self) -> Tensor:
        """(Dout, Din), what is added to the layer's weight."""
        return self.scale * self.lora_b @ self.lora_a

    @property
    def weight(self) -> Tensor:
        """(Dout, Din), the adapted weight, for code that reads it by itself."""
        return (
            self.linear.weight if self.is_merged else self.linear.weight + self.update
        )

    @property
    def bias(self) -> Tensor | None:
        """(Dout,), the layer's own."""
        return self.linear.bias

    @torch.no_grad()
    def merge(self) -> None:
        """Add the update to the weight: the layer then costs no more than before."""
        if not self.is_merged:
            self.linear.weight += self.update
            self.is_merged = True

    @torch.no_grad()
    def unmerge(self) -> None:
        """Take the update out again, up to rounding."""
        if self.is_merged:
            self.linear.weight -= self.update
            self.is_merged = False


def add_lora(
    model: nn.Module,
    rank: int,
    alpha: float,
    pattern: str = r"\b[qv]_proj$",
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> list[str]:
    """Adapt some linear layers of a model in place, and freeze all the rest.

    Args:
        model: any module. What else is to be trained, such as a new head, has to be
            unfrozen afterwards.
        rank, alpha, dropout: see `LoRALinear`.
        pattern: a regular expression; layers in whose names it finds something are
            adapted. The default are queries and values, as in the paper.
        generator: draws the matrices A.

    Returns:
        the names of the adapted layers.

    Raises:
        ValueError: when the model is adapted already, no layer fits the pattern, or a
            setting is out of range. The model is then as it was.
    """
    if dict(lora_layers(model)):
        raise ValueError("the model is adapted already; remove_lora(model) comes first")
    chosen = {
        name: LoRALinear(module, rank, alpha, dropout, generator)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and re.search(pattern, name)
    }
    if not chosen:
        linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear)]
        raise ValueError(
            f"no linear layer fits {pattern!r}; the model has {', '.join(linear)}"
        )
    model.requires_grad_(False)
    for name, layer in chosen.items():
        _replace(model, name, layer.requires_grad_(True))
        layer.linear.requires_grad_(False)
    return list(chosen)


def lora_layers(model: nn.Module) -> Iterable[tuple[str, LoRALinear]]:
    """The adapted layers and their names."""
    return ((n, m) for n, m in model.named_modules() if isinstance(m, LoRALinear))


def merge_lora(model: nn.Module) -> None:
    """Merge all adapted layers; see `LoRALinear.merge`."""
    for _, layer in lora_layers(model):
        layer.merge()


def unmerge_lora(model: nn.Module) -> None:
    """Undo `merge_lora`, to go on learning or to load another adapter."""
    for _, layer in lora_layers(model):
        layer.unmerge()


def remove_lora(model: nn.Module, keep: bool = True) -> None:
    """Put plain linear layers back, so that all names are the model's own again.

    Args:
        model: adapted in place before.
        keep: whether the updates stay, merged into the weights. All parameters need a
            gradient afterwards.
    """
    for name, layer in list(lora_layers(model)):
        layer.merge() if keep else layer.unmerge()
        _replace(model, name, layer.linear)
    model.requires_grad_(True)


def lora_parameter_count(shapes: Iterable[tuple[int, int]], rank: int) -> int:
    """Parameters of the updates by formula: r (Din + Dout) for each adapted layer."""
    return sum(rank * (n_in + n_out) for n_in, n_out in shapes)


def save_adapter(path: str | Path, model: nn.Module) -> Path:
    """Write A and B of each adapted layer, and nothing else, to a safetensors file.

    Raises:
        ValueError: when the model is not adapted.
    """
    path, layers = Path(path), dict(lora_layers(model))
    if not layers:
        raise ValueError("the model has no adapted layer; add_lora(model, ...) first")
    tensors = {
        f"{name}.{part}": getattr(layer, part).detach().contiguous()
        for name, layer in layers.items()
        for part in ("lora_a", "lora_b")
    }
    alphas = json.dumps({name: layer.alpha for name, layer in layers.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")  # a failed save leaves the old file
    safetensors.torch.save_file(
        tensors, draft, {"format": FILE_FORMAT, "alpha": alphas}
    )
    draft.replace(path)
    return path


def load_adapter(path: str | Path, model: nn.Module) -> list[str]:
    """Adapt a plain model as `save_adapter` has found it.

    Args:
        path: the file.
        model: of the same shape as the one that was saved, not adapted.

    Returns:
        the names of the adapted layers.

    Raises:
        ValueError: when the file holds no adapter, or one for other layers.
    """
    with safetensors.safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
        if about.get("format") != FILE_FORMAT:
            raise ValueError(
                f"{path} holds no adapter: save_adapter has not written it"
            )
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if dict(lora_layers(model)):
        raise ValueError("the model is adapted already; remove_lora(model) comes first")
    modules, layers = dict(model.named_modules()), {}
    for name, alpha in json.loads(about["alpha"]).items():
        a, b = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
        linear = modules.get(name)
        shape = (b.size(0), a.size(1))
        if not isinstance(linear, nn.Linear) or tuple(linear.weight.shape) != shape:
            raise ValueError(
                f"{path} adapts {name!r}, a linear layer of {shape[1]} x {shape[0]}, "
                "which the model does not have: load the model it was made for"
            )
        layers[name] = LoRALinear(linear, a.size(0), alpha)
        with torch.no_grad():
            layers[name].lora_a.copy_(a)
            layers[name].lora_b.copy_(b)
    model.requires_grad_(False)
    for name, layer in layers.items():
        _replace(model, name, layer)
    return list(layers)


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
