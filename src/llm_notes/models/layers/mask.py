"""Who may look at whom: boolean masks, True means "may attend".

The convention is that of `torch.nn.functional.scaled_dot_product_attention`.
(`torch.nn.MultiheadAttention` uses the opposite one.) Masks are combined with `&`.
"""

import torch
from torch import Tensor


def causal_mask(
    n_queries: int,
    n_keys: int | None = None,
    device: torch.device | None = None,
    window: int | None = None,
) -> Tensor:
    """Each query sees itself and what came before it.

    With more keys than queries (a cache holds the past), the queries are the *last*
    positions, so query t sees keys 0 ... n_keys - n_queries + t.

    Args:
        n_queries: T, positions that ask.
        n_keys: S, positions that can be looked at; T when not given.
        window: how many keys a query sees at most, itself included (sliding-window
            attention, Beltagy et al. 2020); all of them when not given.

    Returns:
        (T, S) boolean tensor, True where attention is allowed.

    Raises:
        ValueError: when there are more queries than keys, or the window is empty.
    """
    n_keys = n_queries if n_keys is None else n_keys
    if n_queries > n_keys:
        raise ValueError(
            f"{n_queries} queries cannot be the last positions of {n_keys} keys: "
            "a causal mask needs n_keys >= n_queries"
        )
    allowed = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    allowed = allowed.tril(diagonal=n_keys - n_queries)
    if window is None:
        return allowed
    if window < 1:
        raise ValueError(f"window must be at least 1, got {window}")
    return allowed.triu(diagonal=n_keys - n_queries - window + 1)


def padding_mask(lengths: Tensor, n_keys: int, left: bool = False) -> Tensor:
    """Real tokens may be looked at, the padding may not.

    Args:
        lengths: (B,) number of real tokens in each sequence.
        n_keys: S, the padded length.
        left: whether the padding stands before the tokens, as for generation, where
            the last position has to be a real one; else behind them.

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
    if left:
        positions = positions.flip(0)
    return (positions < lengths[:, None])[:, None, None, :]


def real_positions(mask: Tensor) -> Tensor:
    """The place of each token among the real ones of its sequence.

    With padding on the left, the first real token stands at position 0, as it does
    alone. What padding gets does not matter: nobody looks at it.

    Args:
        mask: (B, 1, 1, S) as `padding_mask` gives it.

    Returns:
        (B, S) integers.
    """
    return (mask[:, 0, 0].long().cumsum(dim=-1) - 1).clamp(min=0)


def document_mask(document_ids: Tensor) -> Tensor:
    """Tokens see their own document only, where several are packed into one row.

    Args:
        document_ids: (B, T) integers, equal within a document.

    Returns:
        (B, 1, T, T) boolean tensor that broadcasts over heads.
    """
    return (document_ids[:, :, None] == document_ids[:, None, :])[:, None]
