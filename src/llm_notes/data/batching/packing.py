"""Many short documents in rows of one length, without one seeing another.

Padding each document to the context wastes most of it; concatenating them lets a token
look at a text that has nothing to do with its own. Packed rows say which document each
token belongs to, so that a mask can keep them apart (`models.layers.mask.document_mask`
makes it from `document_ids`). The module knows ids only.
Shapes: R rows, T length (`context_length`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from torch import Tensor

from llm_notes.data.batching.padding import IGNORE, TensorBatch, as_ids, require_id

NO_DOCUMENT = -1


@dataclass(frozen=True)
class PackedRows(TensorBatch):
    """Rows of several documents each.

    Args:
        token_ids: (R, T) what the model reads.
        targets: (R, T) the next token of the same document; IGNORE at the padding.
        document_ids: (R, T) the document's place in the list, -1 at the padding.
        positions: (R, T) the place of a token in its piece; 0 at the padding.
    """

    token_ids: Tensor
    targets: Tensor
    document_ids: Tensor
    positions: Tensor

    def __len__(self) -> int:
        return len(self.token_ids)

    @property
    def padding_share(self) -> float:
        """The share of places that hold no token."""
        return (self.document_ids == NO_DOCUMENT).float().mean().item()

    def rows(self, indices: Tensor | slice) -> Self:
        """Some of the rows, as a batch."""
        return type(self)(*(getattr(self, f.name)[indices] for f in fields(self)))


def pack_documents(
    documents: Sequence[Sequence[int]], context_length: int, pad_id: int
) -> PackedRows:
    """Put documents into rows, each into the first row where it fits.

    A document of n tokens fills n - 1 places: its last token is a target only, so that
    no place is without one and no target crosses into another document. Longer ones
    are cut into pieces of `context_length` places; a piece begins with the token that
    was the last target of the one before, so each token after the first is a target
    once. Positions begin at 0 in each piece.

    Args:
        documents: ids, at least two in each. To teach where documents begin and end,
            put your own start and end ids around them.
        context_length: T.
        pad_id: fills up; no mask and no loss looks at it.

    Returns:
        Rows in the order in which they were opened.

    Raises:
        ValueError: for no document, one of fewer than two tokens, or a negative id.
    """
    require_id("pad_id", pad_id)
    if context_length < 1:
        raise ValueError(f"context_length is {context_length}; it must be at least 1")
    pieces: list[tuple[int, Tensor]] = []  # (document, its inputs and last target)
    for number, document in enumerate(documents):
        ids = as_ids(document)
        if len(ids) < 2:
            raise ValueError(
                f"document {number} has {len(ids)} tokens; it takes 2 to predict one"
            )
        require_id(f"the smallest id of document {number}", int(ids.min()))
        for start in range(0, len(ids) - 1, context_length):
            pieces.append((number, ids[start : start + context_length + 1]))
    if not pieces:
        raise ValueError("there are no documents; a row needs at least one")

    rows = first_fit([len(piece) - 1 for _, piece in pieces], context_length)
    shape = (len(rows), context_length)
    token_ids = torch.full(shape, pad_id)
    targets = torch.full(shape, IGNORE)
    document_ids = torch.full(shape, NO_DOCUMENT)
    positions = torch.zeros(shape, dtype=torch.long)
    for row, members in enumerate(rows):
        start = 0
        for number, piece in (pieces[member] for member in members):
            stop = start + len(piece) - 1
            token_ids[row, start:stop] = piece[:-1]
            targets[row, start:stop] = piece[1:]
            document_ids[row, start:stop] = number
            positions[row, start:stop] = torch.arange(stop - start)
            start = stop
    return PackedRows(token_ids, targets, document_ids, positions)


def first_fit(sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Put things, in their order, each into the first box that still has room.

    It takes at most 1.7 times the least possible number (Dósa and Sgall 2013).

    Args:
        sizes: whole numbers from 1 to `capacity`.
        capacity: of each box.

    Returns:
        For each box the places of its things in `sizes`.

    Raises:
        ValueError: for a size that fits into no box.
    """
    free = np.full(len(sizes), capacity)  # there are never more boxes than things
    boxes: list[list[int]] = []
    for index, size in enumerate(sizes):
        if not 1 <= size <= capacity:
            raise ValueError(
                f"thing {index} has size {size}; allowed are 1 to {capacity}"
            )
        # The first True: the box behind the last one is empty, so there is one.
        box = int(np.argmax(free[: len(boxes) + 1] >= size))
        if box == len(boxes):
            boxes.append([])
        boxes[box].append(index)
        free[box] -= size
    return boxes
