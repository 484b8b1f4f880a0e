"""From logits to a token: pure functions that reshape a distribution, then a draw.

Each filter maps logits (..., V) to logits (..., V); a token that is ruled out gets
minus infinity, which is probability zero. They can be chained in any order; the usual
one is temperature, top-k, top-p.
"""

import torch
from torch import Tensor


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    r"""Sharpen (below 1) or flatten (above 1) a distribution: $z / \tau$.

    Temperature 0 is the limit: everything but the largest logit is ruled out (the
    first of equals is kept), so sampling becomes greedy.

    Raises:
        ValueError: for a negative temperature.
    """
    if temperature < 0:
        raise ValueError(f"temperature must be 0 or above, got {temperature}")
    if temperature == 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.full_like(logits, -torch.inf).scatter(-1, best, 0.0)
    return logits / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k likeliest tokens (Fan, Lewis, Dauphin 2018); ties with the last stay.

    Raises:
        ValueError: for k below 1.
    """
    if k < 1:
        raise ValueError(f"top_k must be at least 1, got {k}")
    kth_best = logits.topk(min(k, logits.size(-1))).values[..., -1:]  # (..., 1)
    return logits.masked_fill(logits < kth_best, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens that holds probability p.

    This is nucleus sampling (Holtzman et al. 2020): the token that crosses p is kept,
    so at least one always is.

    Raises:
        ValueError: for p outside (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"top_p must lie in (0, 1], got {p}")
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # held by likelier tokens
    ruled_out = torch.zeros_like(before, dtype=torch.bool)
    ruled_out = ruled_out.scatter(-1, order, before >= p)
    return logits.masked_fill(ruled_out, -torch.inf)


def filter_logits(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """The three filters in their usual order; None leaves one out."""
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    return logits


def sample(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw one token from each distribution: logits (B, V) to ids (B, 1)."""
    return torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)
