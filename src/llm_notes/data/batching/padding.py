"""Rows of different lengths as one tensor, and what every batch has in common.

Padding is always on the right. A mask comes from the lengths and never from the id of
the padding, because some models (T5) use that id as a real token too.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

# A target that no loss counts: what torch's cross_entropy ignores unless told else.
IGNORE = -100


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows one below the other, filled up to the longest with `value`.

    Args:
        rows: B rows of integers, at least one.
        value: what stands where a row has ended.

    Returns:
        (B, T) int64 with T the greatest length.

    Raises:
        ValueError: when there is no row.
    """
    if not rows:
        raise ValueError("there are no rows; a batch needs at least one")
    padded = torch.full((len(rows), max(map(len, rows))), value)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = as_ids(ids)
    return padded


def real_mask(lengths: Sequence[int]) -> Tensor:
    """(B, 1, 1, T) boolean, True where a row has a token: it broadcasts over heads."""
    ends = torch.tensor(lengths)[:, None]  # (B, 1)
    return (torch.arange(max(lengths)) < ends)[:, None, None]


def as_ids(token_ids: Iterable[int]) -> Tensor:
    """(N,) int64. Raises TypeError for what is no integer: nothing is rounded."""
    if not isinstance(token_ids, Tensor):
        return torch.from_numpy(np.array(array("q", token_ids)))
    if token_ids.is_floating_point():
        raise TypeError(f"token_ids is {token_ids.dtype}; ids are whole numbers")
    return token_ids.long()


def require_ids(**token_ids: int) -> None:
    """Refuse a special id below zero. Raises ValueError with its name."""
    for name, token_id in token_ids.items():
        if token_id < 0:
            raise ValueError(f"{name} is {token_id}; token ids begin at 0")
