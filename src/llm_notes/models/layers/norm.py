"""Normalisation: keeps the scale of each token's vector in hand, token by token.

It knows nothing of other tokens: position and batch never mix here.
"""

import torch
from torch import Tensor, nn


class LayerNorm(nn.Module):
    r"""Layer normalisation (Ba, Kiros, Hinton 2016, equation 4).

    $$\mathrm{LN}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \odot g + b$$

    with mean and (biased) variance over the last axis. Input and output: (..., D).

    Args:
        d_model: width D of the vectors that are normalised.
        eps: added to the variance, so that a constant vector stays finite.
        bias: whether to learn the shift b beside the gain g.
    """

    def __init__(self, d_model: int, eps: float = 1e-5, bias: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        # PyTorch's fused kernel does the formula above in one pass over memory;
        # the tests hold it equal to the formula written out.
        return nn.functional.layer_norm(
            x, self.weight.shape, self.weight, self.bias, self.eps
        )


class RMSNorm(nn.Module):
    r"""Root-mean-square normalisation (Zhang & Sennrich 2019, equation 4).

    $$\mathrm{RMSNorm}(x) = \frac{x}{\sqrt{\sum_i x_i^2 / D + \varepsilon}} \odot g$$

    LayerNorm without the mean and the shift: T5, Llama and most models since. On the
    vectors of one head, (..., K), it is the "QK-norm" of Qwen3 (Henry et al. 2020).

    Args:
        d_model: width of the vectors that are normalised.
        eps: added to the mean square, so that a vector of zeros stays finite.
    """

    def __init__(self, d_model: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.rms_norm(x, self.weight.shape, self.weight, self.eps)
