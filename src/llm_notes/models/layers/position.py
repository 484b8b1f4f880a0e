"""Where a token stands: a learned table that is added, or a rotation of q and k.

Attention by itself does not see order. A table (GPT-2, BERT) has to learn each place
on its own; a rotation makes scores depend on distance from the first step on.
"""

import torch
from torch import Tensor, nn


class LearnedPosition(nn.Module):
    """A table of one vector for each position up to `context_length` (GPT-2, BERT).

    `forward` maps positions (T,) to vectors (T, D), to be added to the tokens'.
    """

    def __init__(self, context_length: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(context_length, d_model))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, positions: Tensor) -> Tensor:
        return nn.functional.embedding(positions, self.weight)


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

    Raises:
        ValueError: when `d_head` is odd.
    """

    def __init__(
        self, d_head: int, context_length: int, base: float = 10_000.0
    ) -> None:
        super().__init__()
        if d_head % 2:
            raise ValueError(f"d_head = {d_head} must be even: numbers turn in pairs")
        speeds = base ** (-torch.arange(0, d_head, 2) / d_head)  # (K/2,)
        angles = torch.arange(context_length)[:, None] * speeds  # (context, K/2)
        angles = torch.cat([angles, angles], dim=-1)  # both numbers of a pair
        # Computed, not learned, so they are left out of checkpoints.
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """Rotate x (..., T, K), whose positions are first ... first + T - 1."""
        here = slice(first, first + x.size(-2))
        a, b = x.chunk(2, dim=-1)
        return x * self.cos[here] + torch.cat([-b, a], dim=-1) * self.sin[here]
