"""Rotary position: turn queries and keys by angles that grow with their place (RoPE).

A table that is added has to learn each place on its own; a rotation makes scores
depend on distance from the first step on. Two layouts of the pairs are in use, which
differ by a permutation; and three ways to stretch the angles to longer contexts than
a model was trained on. It knows nothing of attention.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


class RotaryScaling(Protocol):
    """A rule that makes slower angles for a longer context."""

    def __call__(self, speeds: Tensor) -> Tensor:
        """New angles per position, from those of the trained context: (K/2,)."""

    @property
    def magnitude(self) -> float:
        """What rotated queries and keys are multiplied by."""


@dataclass(frozen=True)
class LinearScaling:
    """Divide every angle by `factor` (position interpolation, Chen et al. 2023)."""

    factor: float
    magnitude: float = 1.0

    def __call__(self, speeds: Tensor) -> Tensor:
        return speeds / self.factor


@dataclass(frozen=True)
class Llama3Scaling:
    r"""Divide slow angles by `factor`, keep fast ones, blend between (Llama 3.1).

    A pair whose wavelength is below context / high turns often within the trained
    context and is kept; above context / low it is divided; between, the two are mixed
    in proportion to the number of turns (Grattafiori et al. 2024).

    Args:
        factor: how many times longer than `context_length` the new context is.
        context_length: the context of pretraining.
        low, high: turns within that context at which blending begins and ends.
    """

    factor: float = 8.0
    context_length: int = 8192
    low: float = 1.0
    high: float = 4.0
    magnitude: float = 1.0

    def __call__(self, speeds: Tensor) -> Tensor:
        turns = self.context_length * speeds / (2 * math.pi)
        kept = ((turns - self.low) / (self.high - self.low)).clamp(0, 1)
        return kept * speeds + (1 - kept) * speeds / self.factor


@dataclass(frozen=True)
class YarnScaling:
    r"""YaRN: blend by pair number, and sharpen the scores (Peng et al. 2023).

    Pairs that make more than `fast` turns within the trained context are kept, those
    that make fewer than `slow` are divided by `factor`; between, the share falls
    linearly with the number of the pair (section 3.2, "NTK-by-parts"). Scores grow by
    the square of `magnitude` = 0.1 ln(factor) + 1 (equation 22).

    Args:
        factor: how many times longer than `context_length` the new context is.
        context_length: the context of pretraining.
        base: the base of the angles that are scaled.
        fast, slow: turns within the trained context.
    """

    factor: float
    context_length: int
    base: float = 10_000.0
    fast: float = 32.0
    slow: float = 1.0

    @property
    def magnitude(self) -> float:
        return 0.1 * math.log(self.factor) + 1 if self.factor > 1 else 1.0

    def __call__(self, speeds: Tensor) -> Tensor:
        n_pairs = len(speeds)

        def pair_that_turns(turns: float) -> float:
            wavelength = self.context_length / turns
            return n_pairs * math.log(wavelength / (2 * math.pi), self.base)

        first = max(math.floor(pair_that_turns(self.fast)), 0)
        last = min(math.ceil(pair_that_turns(self.slow)), 2 * n_pairs - 1)
        width = max(last - first, 1e-3)  # a step, where both ends fall together
        pairs = torch.arange(n_pairs, dtype=torch.float32)
        kept = 1 - ((pairs - first) / width).clamp(0, 1)
        return kept * speeds + (1 - kept) * speeds / self.factor


class RotaryPosition(nn.Module):
    r"""Rotate queries and keys by an angle that grows with the position (RoPE).

    $$R_t\, x = x \odot \cos(t\,\theta) + \mathrm{half}(x) \odot \sin(t\,\theta), \qquad
      \theta_i = \mathrm{base}^{-2i/K}$$

    (Su et al. 2021, equation 34, in the half-split layout of Hugging Face: number i
    is paired with number i + K/2, and half maps (a, b) to (-b, a).) A product of two
    rotated vectors depends only on their distance: $(R_t q) \cdot (R_s k)$ is a
    function of $t - s$. There is nothing to learn.

    Args:
        d_head: K, the width of one head; even.
        context_length: the most positions.
        base: sets the slowest rotation.
        scaling: slows the angles for a context beyond the trained one.
        interleaved: the layout of the paper, where number 2i is paired with 2i + 1.

    Raises:
        ValueError: when `d_head` is odd.
    """

    def __init__(
        self,
        d_head: int,
        context_length: int,
        base: float = 10_000.0,
        scaling: RotaryScaling | None = None,
        interleaved: bool = False,
    ) -> None:
        super().__init__()
        if d_head % 2:
            raise ValueError(f"d_head = {d_head} must be even: numbers turn in pairs")
        self.interleaved = interleaved
        # In this order of operations the angles equal those of Hugging Face bit for
        # bit; a rounding error of the speeds is multiplied by the position.
        speeds = 1 / base ** (torch.arange(0, d_head, 2) / d_head)  # (K/2,)
        magnitude = 1.0
        if scaling is not None:
            speeds, magnitude = scaling(speeds), scaling.magnitude
        angles = torch.arange(context_length)[:, None] * speeds  # (context, K/2)
        # Both numbers of a pair turn by the same angle.
        if interleaved:
            angles = angles.repeat_interleave(2, dim=-1)
        else:
            angles = torch.cat([angles, angles], dim=-1)
        # Computed, not learned, so they are left out of checkpoints.
        self.register_buffer("cos", magnitude * angles.cos(), persistent=False)
        self.register_buffer("sin", magnitude * angles.sin(), persistent=False)

    def forward(self, x: Tensor, positions: Tensor | None = None) -> Tensor:
        """Rotate each vector by its position.

        Args:
            x: (B, H, T, K), or (..., T, K) where positions are (T,).
            positions: (T,) or (B, T) integers; 0 ... T - 1 when not given.

        Returns:
            the rotated vectors, of the same shape.

        Raises:
            ValueError: when the width of x is not K, or more positions than
                `context_length` are asked for.
        """
        if x.size(-1) != self.cos.size(-1):
            raise ValueError(
                f"x has width {x.size(-1)}, the rotation d_head = {self.cos.size(-1)}"
            )
        if positions is None:
            n_positions, longest = x.size(-2), self.cos.size(0)
            if n_positions > longest:
                raise ValueError(
                    f"{n_positions} positions, and the rotation has context_length = "
                    f"{longest}"
                )
            cos, sin = self.cos[:n_positions], self.sin[:n_positions]
        else:
            cos, sin = self.cos[positions], self.sin[positions]  # (..., T, K)
        if cos.dim() == 3:
            cos, sin = cos[:, None], sin[:, None]  # (B, 1, T, K): all heads alike
        # In the dtype of x: the angles may be kept in float32 beside half precision.
        return (x * cos + self._quarter_turn(x) * sin).to(x.dtype)

    def _quarter_turn(self, x: Tensor) -> Tensor:
        """Turn each pair (a, b) into (-b, a)."""
        if self.interleaved:
            a, b = x[..., 0::2], x[..., 1::2]
            return torch.stack([-b, a], dim=-1).flatten(-2)
        a, b = x.chunk(2, dim=-1)
        return torch.cat([-b, a], dim=-1)


def half_split_from_interleaved(weight: Tensor, n_heads: int) -> Tensor:
    """Reorder the rows of a query or key projection from one layout to the other.

    A model whose projections are reordered gives the same scores with the half-split
    rotation as it gave with the interleaved one: both q and k are permuted alike.

    Args:
        weight: (n_heads * K, D) weights or (n_heads * K,) biases for the interleaved
            layout (Meta's Llama files).
        n_heads: heads in the projection.

    Returns:
        the same rows for the half-split layout (Hugging Face's files).
    """
    heads = weight.unflatten(0, (n_heads, -1, 2))  # (heads, K/2, 2, ...)
    return heads.transpose(1, 2).flatten(0, 2)


def interleaved_from_half_split(weight: Tensor, n_heads: int) -> Tensor:
    """The inverse of `half_split_from_interleaved`."""
    heads = weight.unflatten(0, (n_heads, 2, -1))  # (heads, 2, K/2, ...)
    return heads.transpose(1, 2).flatten(0, 2)
