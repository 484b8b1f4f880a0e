"""The feed-forward layer: each token's vector is transformed on its own.

It knows nothing of other positions; attention is where tokens meet.
"""

from torch import Tensor, nn


class FeedForward(nn.Module):
    r"""Two linear maps with GELU between (Vaswani et al. 2017, equation 2).

    $$\mathrm{FFN}(x) = \mathrm{GELU}(x W_1 + b_1) W_2 + b_2$$

    GELU in the tanh form of Hendrycks & Gimpel (2016), as GPT-2 uses it.
    Input and output: (..., D); inside: (..., F).
    """

    def __init__(
        self, d_model: int, d_ff: int, bias: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.gelu(self.up_proj(x), approximate="tanh")  # (..., F)
        return self.dropout(self.down_proj(hidden))
