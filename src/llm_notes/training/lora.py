"""LoRA: a large matrix stays as it is, and a small product is learned beside it.

Works on any module that holds linear layers, chosen by their names. It knows no task,
no trainer and no file (`adapter_files`): an adapted model is trained like any other,
with fewer parameters.
"""

import math
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    r"""A linear layer with a low-rank update (Hu et al. 2022, equation 3).

    $$h = W_0 x + b + \frac{\alpha}{r}\, B A\, x$$

    W_0 and b are frozen. A (r, Din) begins random and B (Dout, r) zero, so that the
    layer begins as it was. A state dict also says whether the update is merged into its
    W_0, so that the layer which loads it does not add it once more.

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
        _require_fit(linear, rank, dropout)
        n_out, n_in = linear.weight.shape
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

    def get_extra_state(self) -> Tensor:
        """For a state dict: whether its weight holds the update, a boolean scalar."""
        return torch.tensor(self.is_merged)

    def set_extra_state(self, state: Tensor) -> None:
        self.is_merged = bool(state)

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
    linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}
    chosen = {n: m for n, m in linear.items() if re.search(pattern, n)}
    if not chosen:
        raise ValueError(
            f"no linear layer fits {pattern!r}; the model has {', '.join(linear)}"
        )
    for module in chosen.values():  # all of them before the first one is frozen
        _require_fit(module, rank, dropout)
    layers = {
        name: LoRALinear(module, rank, alpha, dropout, generator)
        for name, module in chosen.items()
    }
    insert_lora(model, layers)
    return list(layers)


def insert_lora(model: nn.Module, layers: Mapping[str, LoRALinear]) -> None:
    """Put adapted layers in the places of their names, and freeze all the rest."""
    model.requires_grad_(False)
    for name, layer in layers.items():
        _replace(model, name, layer)


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


def _require_fit(linear: nn.Linear, rank: int, dropout: float) -> None:
    n_out, n_in = linear.weight.shape
    if not 1 <= rank <= min(n_in, n_out):
        raise ValueError(
            f"rank is {rank}; for a layer of {n_in} x {n_out} it must lie between "
            f"1 and {min(n_in, n_out)}"
        )
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; it must lie in [0, 1)")


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
