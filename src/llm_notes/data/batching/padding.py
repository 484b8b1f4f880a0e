"""Rows of different lengths as one tensor, and what every batch has in common.

Padding is always on the right. A mask comes from the lengths and never from the id of
the padding, because some models (T5) use that id as a real token too.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Self

import numpy as np
import torch
from torch import Tensor

# A target that no loss counts: what torch's cross_entropy ignores unless told else.
IGNORE = -100
# What fits into int64. An unsigned integer of 64 bits does not, and a truth value is
# a mask that took the wrong way.
_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")


class TensorBatch:
    """Tensors that move together: the base of the batches, which are dataclasses."""

    def to(self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        return type(self)(*(getattr(self, f.name).to(device) for f in fields(self)))


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows one below the other, filled up to the longest with `value`.

    Args:
        rows: B rows of integers, at least one.
        value: what stands where a row has ended.

    Returns:
        (B, T) int64 with T the greatest length.

    Raises:
        ValueError: when there is no row, or what stands in one is no whole number.
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
    """(N,) int64. Raises ValueError for what is no whole number: nothing is rounded."""
    if isinstance(token_ids, Tensor):
        require_whole(token_ids)
        return token_ids.long()
    try:
        # `iter`: of bytes, `array` would take eight at a time for one number.
        return torch.from_numpy(np.array(array("q", iter(token_ids))))
    except (TypeError, OverflowError) as error:
        raise ValueError(
            f"token ids must be whole numbers below 2**63: {error}"
        ) from error


def require_whole(token_ids: Tensor | np.ndarray) -> None:
    """Refuse what is no tensor or array of whole numbers. Raises ValueError."""
    if not isinstance(token_ids, Tensor | np.ndarray):
        raise ValueError(
            f"token_ids is a {type(token_ids).__name__}; give a tensor or an array"
        )
    dtype = token_ids.dtype
    name = str(dtype) if isinstance(dtype, torch.dtype) else dtype.name
    if name.removeprefix("torch.") not in _WHOLE:
        raise ValueError(
            f"token_ids is {name}; ids are whole numbers: {', '.join(_WHOLE)}"
        )


def require_id(name: str, token_id: int) -> None:
    """Refuse an id below zero. Raises ValueError with its name."""
    if token_id < 0:
        raise ValueError(f"{name} is {token_id}; token ids begin at 0")
