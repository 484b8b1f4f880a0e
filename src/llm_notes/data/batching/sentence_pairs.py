"""Pairs of sentences for BERT's second task: does the one follow the other?

Sentences come as ids, in documents (Devlin et al. 2019, section 3.1). Masking is a
separate step: `masked.mask_tokens` on the ids of the batch.
Shapes: B batch, T length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from llm_notes.data.batching.padding import (
    TensorBatch,
    pad_rows,
    real_mask,
    require_id,
)

Sentence = Sequence[int]


class SentencePair(NamedTuple):
    """Two sentences, and whether the second one came from another document."""

    first: Sentence
    second: Sentence
    is_random: bool


@dataclass(frozen=True)
class SentencePairBatch(TensorBatch):
    """[CLS] first [SEP] second [SEP], padded.

    Args:
        token_ids: (B, T).
        segment_ids: (B, T), 0 up to the first [SEP], 1 after it, 0 at the padding.
        mask: (B, 1, 1, T) boolean, True where there is a token.
        labels: (B,) int64, 0 where the second sentence follows the first, 1 where it is
            a random one: the order of BERT's two logits.
    """

    token_ids: Tensor
    segment_ids: Tensor
    mask: Tensor
    labels: Tensor


def draw_sentence_pairs(
    documents: Sequence[Sequence[Sentence]], generator: torch.Generator
) -> list[SentencePair]:
    """Each sentence with the next one, or, half of the time, with a random one.

    A random one comes from another document, drawn first; then the sentence in it.
    A coin is thrown for each sentence that has a next one.

    Args:
        documents: at least two, each a list of sentences.
        generator: throws the coins.

    Returns:
        One pair for each sentence but the last of its document, in their order.

    Raises:
        ValueError: for fewer than two documents that have a sentence, or when none has
            two, so that there is no pair.
    """
    documents = [document for document in documents if document]
    if len(documents) < 2:
        raise ValueError(
            f"{len(documents)} documents have sentences; a random sentence comes from "
            "another document, so at least 2 are needed"
        )
    if max(map(len, documents)) < 2:
        raise ValueError(
            f"all {len(documents)} documents have one sentence; a pair needs a "
            "document of 2 or more"
        )
    pairs = []
    for own, document in enumerate(documents):
        for first, following in pairwise(document):
            if _draw(2, generator):
                pairs.append(SentencePair(first, following, is_random=False))
                continue
            # One of the others, equally likely: step over this document's own place.
            other = _draw(len(documents) - 1, generator)
            other += other >= own
            sentence = documents[other][_draw(len(documents[other]), generator)]
            pairs.append(SentencePair(first, sentence, is_random=True))
    return pairs


def collate_sentence_pairs(
    pairs: Sequence[SentencePair],
    *,
    context_length: int,
    cls_id: int,
    sep_id: int,
    pad_id: int,
) -> SentencePairBatch:
    """One batch of pairs, as BERT reads them.

    A pair that is too long loses tokens at the ends of its sentences, always from the
    one that is longer at that point.

    Raises ValueError for no pair, an empty sentence, a negative id, or a context too
    short for both.
    """
    for name, token_id in (("cls_id", cls_id), ("sep_id", sep_id), ("pad_id", pad_id)):
        require_id(name, token_id)
    if context_length < 5:
        raise ValueError(
            f"context_length is {context_length}; a token of each sentence and the "
            "three special ones need 5"
        )
    rows, segments = [], []
    for number, pair in enumerate(pairs):
        if not (len(pair.first) and len(pair.second)):
            raise ValueError(f"pair {number} has an empty sentence; it needs a token")
        first, second = _truncate(pair.first, pair.second, context_length - 3)
        rows.append([cls_id, *first, sep_id, *second, sep_id])
        segments.append([0] * (len(first) + 2) + [1] * (len(second) + 1))
    token_ids = pad_rows(rows, pad_id)
    require_id("the smallest id of a sentence", int(token_ids.min()))
    return SentencePairBatch(
        token_ids=token_ids,
        segment_ids=pad_rows(segments, 0),
        mask=real_mask([len(row) for row in rows]),
        labels=torch.tensor([int(pair.is_random) for pair in pairs]),
    )


def _truncate(a: Sentence, b: Sentence, room: int) -> tuple[Sentence, Sentence]:
    """What is left when the longer one gives tokens until both fit into `room`."""
    n_b = min(len(b), max(room - len(a), room // 2))
    n_a = min(len(a), room - n_b)
    return a[:n_a], b[:n_b]


def _draw(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(n, (), generator=generator))
