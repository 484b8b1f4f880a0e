"""Who may look at whom: boolean masks, True means "may attend".

The convention is that of `torch.nn.functional.scaled_dot_product_attention`.
(`torch.nn.MultiheadAttention` uses the opposite one.)
"""

import torch
from torch import Tensor


def causal_mask(
    n_queries: int, n_keys: int | None = None, device: torch.device | None = None
) -> Tensor:
    """Each query sees itself and what came before it.

    With more keys than queries (a cache holds the past), the queries are the *last*
    positions, so query t sees keys 0 ... n_keys - n_queries + t.

    Args:
        n_queries: T, positions that ask.
        n_keys: S, positions that can be looked at; T when not given.

    Returns:
        (T, S) boolean tensor, True where attention is allowed.

    Raises:
        ValueError: when there are more queries than keys.
    """
    n_keys = n_queries if n_keys is None else n_keys
    if n_queries > n_keys:
        raise ValueError(
            f"{n_queries} queries cannot be the last positions of {n_keys} keys: "
            "a causal mask needs n_keys >= n_queries"
        )
    allowed = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return allowed.tril(diagonal=n_keys - n_queries)


def padding_mask(lengths: Tensor, n_keys: int) -> Tensor:
    """Real tokens may be looked at, the padding behind them may not.

    Args:
        lengths: (B,) number of real tokens in each sequence.
        n_keys: S, the padded length.

    Returns:
        (B, 1, 1, S) boolean tensor that broadcasts over heads and queries.

    Raises:
        ValueError: when a length is below 1 (its softmax would have no key left)
            or above `n_keys`.
    """
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 1 or longest > n_keys:
        raise ValueError(
            f"lengths must lie between 1 and n_keys = {n_keys}, "
            f"got {shortest} to {longest}"
        )
    positions = torch.arange(n_keys, device=lengths.device)  # (S,)
    return (positions < lengths[:, None])[:, None, None, :]
