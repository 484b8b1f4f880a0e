"""The gradients of attention, written out: what back-propagation does in one layer.

The Jacobian of a softmax, and the gradients by queries, keys and values in closed form.
Knows no loss: it takes the gradient that arrives at the output.
"""

import math

import torch
from torch import Tensor

from llm_notes.models.layers.attention import scaled_dot_product_attention


def softmax_jacobian(weights: Tensor) -> Tensor:
    r"""Derivatives of a softmax's weights by its scores.

    $$J = \mathrm{diag}(p) - p\, p^\top$$

    Args:
        weights: (..., S) what the softmax gave, p.

    Returns:
        (..., S, S); entry (i, j) is the derivative of weight i by score j. It is
        symmetric, its rows sum to zero, and its rank is one less than the number of
        weights above zero.
    """
    return torch.diag_embed(weights) - weights[..., :, None] * weights[..., None, :]


def attention_gradients(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    upstream: Tensor,
    mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Gradients of a loss by queries, keys and values, from that by the output.

    With weights P, upstream gradient G and scale c,

    $$\nabla V = P^\top G, \qquad
      E = P \odot (G V^\top - \mathrm{rowsum}(P \odot G V^\top)), \qquad
      \nabla Q = c\, E K, \qquad \nabla K = c\, E^\top Q$$

    where E is the gradient by the scores.

    Args:
        q, k, v, mask, scale: as in `scaled_dot_product_attention`.
        upstream: (..., T, W) gradient of the loss by the output.

    Returns:
        gradients of the shapes of q (..., T, K), k (..., S, K) and v (..., S, W).

    Raises:
        ValueError: when the upstream gradient has another shape than the output.
    """
    output, weights = scaled_dot_product_attention(q, k, v, mask, scale=scale)
    if upstream.shape != output.shape:
        raise ValueError(
            f"the upstream gradient has shape {tuple(upstream.shape)}, and the output "
            f"{tuple(output.shape)}: they must be equal"
        )
    scale = 1 / math.sqrt(q.size(-1)) if scale is None else scale
    by_v = weights.transpose(-2, -1) @ upstream  # (..., S, W)
    by_weights = upstream @ v.transpose(-2, -1)  # (..., T, S)
    average = (weights * by_weights).sum(dim=-1, keepdim=True)
    by_scores = weights * (by_weights - average)  # (..., T, S)
    by_q = scale * by_scores @ k  # (..., T, K)
    by_k = scale * by_scores.transpose(-2, -1) @ q  # (..., S, K)
    return by_q, by_k, by_v
