"""Contrastive objective: a vector is to be nearer to its partner than to all others.

Shapes: B queries, S keys, D width.
"""

import torch
from torch import Tensor

from llm_notes.training.losses.language import cross_entropy


def info_nce(
    queries: Tensor, keys: Tensor, temperature: float = 0.05, symmetric: bool = False
) -> Tensor:
    r"""In-batch contrast (InfoNCE, van den Oord et al. 2018; SimCSE, Gao et al. 2021).

    $$L = -\frac1B \sum_i \log \frac{e^{\cos(q_i, k_i)/\tau}}
      {\sum_{j=1}^{S} e^{\cos(q_i, k_j)/\tau}}$$

    Args:
        queries: (B, D).
        keys: (S, D) with S >= B; key i belongs to query i, and all others (those after
            the B-th are hard negatives) do not.
        temperature: tau.
        symmetric: also ask each key for its query, and take the mean (Radford et al.
            2021); needs S = B.

    Returns:
        a scalar, at least 0; log S when all vectors are the same.

    Raises:
        ValueError: when shapes do not fit, or the temperature is not positive.
    """
    n, n_keys = len(queries), len(keys)
    if queries.dim() != 2 or keys.dim() != 2 or queries.size(1) != keys.size(1):
        raise ValueError(
            f"queries {tuple(queries.shape)} and keys {tuple(keys.shape)} must be "
            "matrices of the same width"
        )
    if n_keys < n or (symmetric and n_keys != n):
        raise ValueError(
            f"{n_keys} keys for {n} queries: each query needs its key, and the "
            "symmetric form has no other keys"
        )
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be above 0")
    cosines = _unit(queries) @ _unit(keys).T  # (B, S)
    partners = torch.arange(n, device=queries.device)
    loss = cross_entropy(cosines / temperature, partners)
    if symmetric:
        loss = (loss + cross_entropy(cosines.T / temperature, partners)) / 2
    return loss


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)  # zero stays zero
