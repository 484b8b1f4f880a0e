"""Source and target sequences as batches, for an encoder-decoder.

The decoder reads the target one place late: `target_in` begins with the start token,
`target_out` ends with the end token, and place t of the one predicts place t of the
other (teacher forcing). The module knows ids only.
Shapes: B batch, S source length, T target length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llm_notes.data.batching.padding import (
    IGNORE,
    TensorBatch,
    as_ids,
    pad_rows,
    real_mask,
    require_id,
)

Pair = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class PairBatch(TensorBatch):
    """What one step of an encoder-decoder reads.

    Args:
        source: (B, S) ids for the encoder.
        target_in: (B, T) ids for the decoder, beginning with the start token.
        target_out: (B, T) what it has to predict, ending with the end token; IGNORE at
            the padding.
        source_mask: (B, 1, 1, S) boolean, True where the source has a token.
        target_mask: (B, 1, 1, T) boolean, True where the target has one.
        indices: (B,) the place of each pair in the list that the batch was made from.
    """

    source: Tensor
    target_in: Tensor
    target_out: Tensor
    source_mask: Tensor
    target_mask: Tensor
    indices: Tensor

    @property
    def padding_share(self) -> float:
        """The share of places, in source and target, that hold no token."""
        n_real = int(self.source_mask.sum() + self.target_mask.sum())
        return 1 - n_real / (self.source_mask.numel() + self.target_mask.numel())


def collate_pairs(
    pairs: Sequence[Pair],
    *,
    bos_id: int,
    eos_id: int,
    pad_id: int,
    end_source: bool = False,
    indices: Sequence[int] | None = None,
) -> PairBatch:
    """One batch of pairs, padded on the right.

    Args:
        pairs: (source ids, target ids), without start and end tokens. A target may be
            empty; a source may not, since the decoder has to look at something.
        bos_id: what the decoder begins with (T5 uses its padding id).
        eos_id: what ends a target.
        pad_id: fills up; no mask and no loss looks at it.
        end_source: end sources with `eos_id` too, as T5 does.
        indices: places of the pairs in a larger list; 0 ... B - 1 when not given.

    Raises:
        ValueError: for no pair, an empty source, a negative id, or more or fewer
            indices than pairs.
    """
    for name, token_id in (("bos_id", bos_id), ("eos_id", eos_id), ("pad_id", pad_id)):
        require_id(name, token_id)
    for index, (source, _) in enumerate(pairs):
        if not len(source):
            raise ValueError(f"the source of pair {index} is empty; it needs a token")
    if indices is None:
        indices = range(len(pairs))
    elif len(indices) != len(pairs):
        raise ValueError(
            f"{len(indices)} indices for {len(pairs)} pairs; give one for each"
        )
    tail = [eos_id] if end_source else []
    sources = [[*source, *tail] for source, _ in pairs]
    target_in = pad_rows([[bos_id, *target] for _, target in pairs], pad_id)
    source = pad_rows(sources, pad_id)
    for name, ids in (("source", source), ("target", target_in)):
        require_id(f"the smallest id of a {name}", int(ids.min()))
    return PairBatch(
        source=source,
        target_in=target_in,
        target_out=pad_rows([[*target, eos_id] for _, target in pairs], IGNORE),
        source_mask=real_mask([len(source) for source in sources]),
        target_mask=real_mask([len(target) + 1 for _, target in pairs]),
        indices=as_ids(indices),
    )


def pair_batches(
    pairs: Sequence[Pair],
    batch_size: int,
    *,
    bos_id: int,
    eos_id: int,
    pad_id: int,
    end_source: bool = False,
    generator: torch.Generator | None = None,
    n_bucket: int = 1,
) -> Iterator[PairBatch]:
    """Go through all pairs once, in batches.

    A batch is padded to its longest pair, so batches of pairs of like length hold less
    padding. With `n_bucket` above 1, the (shuffled) pairs of that many batches are
    sorted by length, cut into batches, and all batches shuffled. What meets in a batch
    is then less random: larger buckets save more and mix less.

    Args:
        pairs: (source ids, target ids).
        batch_size: the greatest number of pairs in a batch.
        bos_id, eos_id, pad_id, end_source: as for `collate_pairs`.
        generator: draws the order; when not given, it is that of the list (of the
            lengths within a bucket).
        n_bucket: batches that are sorted together; 1 sorts nothing.

    Yields:
        Batches that hold each pair once; the last one drawn may be smaller.

    Raises:
        ValueError: when called, for sizes below 1 or no pair.
    """
    for name, value in (("batch_size", batch_size), ("n_bucket", n_bucket)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    if not pairs:
        raise ValueError("there are no pairs; a batch needs at least one")

    def batches() -> Iterator[PairBatch]:
        for indices in _order(pairs, batch_size, generator, n_bucket):
            yield collate_pairs(
                [pairs[index] for index in indices],
                bos_id=bos_id,
                eos_id=eos_id,
                pad_id=pad_id,
                end_source=end_source,
                indices=indices,
            )

    return batches()


def _order(
    pairs: Sequence[Pair],
    batch_size: int,
    generator: torch.Generator | None,
    n_bucket: int,
) -> list[list[int]]:
    """Which pairs make up which batch."""
    order = list(range(len(pairs)))
    if generator is not None:
        order = torch.randperm(len(pairs), generator=generator).tolist()
    if n_bucket == 1:
        return _cut(order, batch_size)
    batches: list[list[int]] = []
    for bucket in _cut(order, batch_size * n_bucket):
        bucket.sort(key=lambda index: (len(pairs[index][0]), len(pairs[index][1])))
        batches += _cut(bucket, batch_size)
    if generator is not None:
        shuffled = torch.randperm(len(batches), generator=generator).tolist()
        batches = [batches[index] for index in shuffled]
    return batches


def _cut(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
