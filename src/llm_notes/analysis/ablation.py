"""A model with a part taken away: what is missed shows what the part was for.

Works on every model that is built of the package's blocks, by replacing the part with
one that does nothing. It trains nothing and judges nothing.
"""

from typing import Any

import torch
from torch import Tensor, nn

from llm_notes.models.layers.block import Block, PreNormBlock
from llm_notes.models.layers.cross_block import CrossBlock, PreNormCrossBlock
from llm_notes.models.layers.position import LearnedPosition, SinusoidalPosition

PARTS = ("residual", "norm", "feed-forward", "self-attention", "positions")


class Nothing(nn.Module):
    """Adds nothing: zeros of the shape of x, as a part of a block returns them."""

    def __init__(self, with_weights: bool = False) -> None:
        super().__init__()
        self.with_weights = with_weights

    def forward(self, x: Tensor, *_: Any, **__: Any) -> Any:
        zeros = torch.zeros_like(x)
        return (zeros, None) if self.with_weights else zeros


class InsteadOfAdding(nn.Module):
    r"""A part without its residual connection: part(x) - x.

    The block adds its input, $x + (f(x) - x) = f(x)$, so f(x) alone is left. That is
    so where the part reads the stream itself, as in a post-norm block. In a pre-norm
    block it reads the norm of the stream, and the norm is taken in here.
    """

    def __init__(self, part: nn.Module, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.part, self.norm = part, nn.Identity() if norm is None else norm

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        result = self.part(self.norm(x), *args, **kwargs)
        if isinstance(result, tuple):
            return result[0] - x, *result[1:]
        return result - x


def without(model: nn.Module, *parts: str) -> nn.Module:
    """Take parts out of all blocks of a model, in place, and return it.

    Args:
        model: a module that holds blocks of `layers.block` or `layers.cross_block`.
        parts: any of "residual", "norm" (those of the blocks), "feed-forward",
            "self-attention", and "positions" (the vectors that are added).

    Raises:
        ValueError: for an unknown part, or when the model has none of a kind.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"there is no part {part!r}; known are {', '.join(PARTS)}")
    # Norms go first, since without a residual they move into the part that reads them;
    # residuals next, since what is not there is passed by and not multiplied by zero.
    for part in sorted(parts, key=("norm", *PARTS).index):
        is_kind = _is_place if part == "positions" else _is_block
        found = [*filter(is_kind, model.modules())]
        if not found:
            raise ValueError(f"{type(model).__name__} has nothing to take {part} from")
        for module in found:
            _TAKE[part](module)
    return model


def _is_block(module: nn.Module) -> bool:
    return isinstance(module, Block | CrossBlock)


def _is_place(module: nn.Module) -> bool:
    return isinstance(module, LearnedPosition | SinusoidalPosition)


def _take_norm(block: nn.Module) -> None:
    for name in list(block._modules):
        if name.endswith("_norm"):
            setattr(block, name, nn.Identity())


def _take_residual(block: nn.Module) -> None:
    before = isinstance(block, PreNormBlock | PreNormCrossBlock)
    for name in [n for n in block._modules if not n.endswith("_norm")]:
        norm = getattr(block, f"{name}_norm") if before else None
        setattr(block, name, InsteadOfAdding(getattr(block, name), norm))
        if before:
            setattr(block, f"{name}_norm", nn.Identity())


def _take_feed_forward(block: nn.Module) -> None:
    block.feed_forward = Nothing()


def _take_self_attention(block: nn.Module) -> None:
    block.attention = Nothing(with_weights=True)


def _take_positions(module: nn.Module) -> None:
    if isinstance(module, LearnedPosition):
        nn.init.zeros_(module.weight)
        module.weight.requires_grad_(False)
    else:
        module.table.zero_()


_TAKE = {
    "norm": _take_norm,
    "residual": _take_residual,
    "feed-forward": _take_feed_forward,
    "self-attention": _take_self_attention,
    "positions": _take_positions,
}
