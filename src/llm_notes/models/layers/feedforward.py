"""The feed-forward layer: each token's vector is transformed on its own.

It knows nothing of other positions; attention is where tokens meet.
"""

from collections.abc import Callable

from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU in the tanh form (Hendrycks & Gimpel 2016), as GPT-2 uses it."""
    return nn.functional.gelu(x, approximate="tanh")


def relu_squared(x: Tensor) -> Tensor:
    """max(x, 0)² (So et al. 2021, Primer)."""
    return nn.functional.relu(x).square()


class FeedForward(nn.Module):
    r"""Two linear maps with a bend between (Vaswani et al. 2017, equation 2).

    $$\mathrm{FFN}(x) = f(x W_1 + b_1)\, W_2 + b_2$$

    Input and output: (..., D); inside: (..., F).

    Args:
        d_model, d_ff: D and F.
        bias: whether the linear maps have one.
        dropout: share of outputs dropped while training.
        activation: f; `gelu_tanh`, `relu_squared`, or one of `torch.nn.functional`.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        bias: bool = True,
        dropout: float = 0.0,
        activation: Activation = gelu_tanh,
    ) -> None:
        super().__init__()
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)
        self.activation = activation
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.activation(self.up_proj(x))  # (..., F)
        return self.dropout(self.down_proj(hidden))


class GatedFeedForward(nn.Module):
    r"""One map opens or closes the other (Shazeer 2020, equation 6).

    $$\mathrm{FFN}(x) = \big(f(x W_g) \odot x W_u\big)\, W_d$$

    With f = SiLU it is SwiGLU (Llama), with GELU it is GEGLU (T5 1.1).
    Input and output: (..., D); inside: (..., F).

    Args:
        d_model, d_ff: D and F.
        dropout: share of outputs dropped while training.
        activation: f.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        dropout: float = 0.0,
        activation: Activation = nn.functional.silu,
    ) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)
        self.activation = activation
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.activation(self.gate_proj(x))  # (..., F)
        return self.dropout(self.down_proj(gate * self.up_proj(x)))
