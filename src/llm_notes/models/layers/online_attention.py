"""Attention in one pass over the keys, without the table of weights.

The softmax's largest score, its sum and the weighted sum of values are carried along
and corrected when a larger score turns up (Milakov and Gimelshein 2018). It shows what
fused kernels do (FlashAttention, Dao et al. 2022) and does not compete with them: it
knows no mask, no dropout and no backward pass of its own.
"""

import math

import torch
from torch import Tensor


def online_attention(
    q: Tensor, k: Tensor, v: Tensor, tile: int = 64, scale: float | None = None
) -> tuple[Tensor, Tensor]:
    r"""`scaled_dot_product_attention`, some keys at a time.

    For each new score e with its value v, from m = -inf, l = 0, o = 0:

    $$m' = \max(m, e), \qquad l' = l\, e^{m - m'} + e^{e - m'}, \qquad
      o' = o\, e^{m - m'} + e^{e - m'} v$$

    and at the end the output is o / l. A tile of keys is one step.

    Args:
        q: (..., T, K) queries.
        k: (..., S, K) keys, S at least 1.
        v: (..., S, W) values.
        tile: keys in one step; no array is larger than (..., T, tile) or the output.
        scale: what scores are multiplied by; 1 / sqrt(K) when not given.

    Returns:
        output: (..., T, W), and the log-sum-exp of each query's scores (..., T), from
        which weights can be computed again: exp(score - log-sum-exp).

    Raises:
        ValueError: when there is no key, or the tile is below 1.
    """
    if tile < 1 or k.size(-2) < 1:
        raise ValueError(
            f"tile = {tile} and {k.size(-2)} keys: both must be at least 1"
        )
    scale = 1 / math.sqrt(q.size(-1)) if scale is None else scale
    largest = torch.full_like(q[..., :1], -math.inf)  # (..., T, 1)
    total = torch.zeros_like(largest)
    output = torch.zeros_like(q[..., :1] * v[..., :1, :])  # (..., T, W)
    for start in range(0, k.size(-2), tile):
        keys = k[..., start : start + tile, :]
        values = v[..., start : start + tile, :]
        scores = q @ keys.transpose(-2, -1) * scale  # (..., T, tile)
        new = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        shrink = (largest - new).exp()  # 0 in the first step: exp(-inf)
        weights = (scores - new).exp()
        total = total * shrink + weights.sum(dim=-1, keepdim=True)
        output = output * shrink + weights @ values
        largest = new
    return output / total, (largest + total.log()).squeeze(-1)
