"""Where a token stands, as a vector that is added to the token's own.

Attention by itself does not see order. A table (GPT-2, BERT) has to learn each place
on its own; sinusoids (the 2017 Transformer) are fixed. Rotations, which are not added,
are in `rotary`, and biases of scores in `position_bias`.
"""

import torch
from torch import Tensor, nn


class LearnedPosition(nn.Module):
    """A table of one vector for each position up to `context_length` (GPT-2, BERT).

    `forward` maps positions (T,) or (B, T) to vectors (..., T, D).
    """

    def __init__(self, context_length: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(context_length, d_model))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, positions: Tensor) -> Tensor:
        return nn.functional.embedding(positions, self.weight)


class SinusoidalPosition(nn.Module):
    r"""Sines and cosines of falling frequency (Vaswani et al. 2017, section 3.5).

    $$P_{t,2i} = \sin(t\, \theta_i), \qquad P_{t,2i+1} = \cos(t\, \theta_i), \qquad
      \theta_i = 10000^{-2i/D}$$

    `forward` maps positions (T,) or (B, T) to vectors (..., T, D). There is nothing to
    learn, and a step from t to t + s is a rotation that depends on s only.

    Raises:
        ValueError: when `d_model` is odd.
    """

    def __init__(self, context_length: int, d_model: int) -> None:
        super().__init__()
        if d_model % 2:
            raise ValueError(f"d_model = {d_model} must be even: sines with cosines")
        speeds = 10_000.0 ** (-torch.arange(0, d_model, 2) / d_model)  # (D/2,)
        angles = torch.arange(context_length)[:, None] * speeds
        table = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
        self.register_buffer("table", table, persistent=False)  # (context, D)

    def forward(self, positions: Tensor) -> Tensor:
        return self.table[positions]
