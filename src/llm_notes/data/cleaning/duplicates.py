"""Copies and near-copies among documents, and the steps that keep the first of each.

Text that stands in a corpus many times is learned by heart, and leaks from the training
part into the held-out one (Lee et al. 2022). This module knows documents as texts;
signatures come from `minhash`.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from llm_notes.data.cleaning.minhash import (
    candidate_pairs,
    jaccard,
    minhash_signature,
    require_bands,
    shingles,
)
from llm_notes.data.cleaning.report import Removed
from llm_notes.data.cleaning.words import words_and_marks


class SimilarPair(NamedTuple):
    """Two documents, by their places, and the Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


def collapse_white_space(text: str) -> str:
    """The text with one space for each run of white space, and none at its ends."""
    return " ".join(text.split())


def drop_exact_duplicates(documents: Sequence[str]) -> list[str | Removed]:
    """Keep the first of all documents that differ in white space only.

    A hash of 16 bytes stands for each text, so memory does not grow with its length.
    """
    first: dict[bytes, int] = {}
    results: list[str | Removed] = []
    for index, text in enumerate(documents):
        key = collapse_white_space(text).encode("utf-8", "surrogatepass")
        earlier = first.setdefault(blake2b(key, digest_size=16).digest(), index)
        results.append(
            text if earlier == index else Removed(f"a copy of document {earlier}")
        )
    return results


def near_duplicate_pairs(
    documents: Sequence[str],
    threshold: float = 0.8,
    *,
    n_tokens: int = 5,
    n_bands: int = 20,
    n_rows: int = 5,
    seed: int = 0,
) -> list[SimilarPair]:
    """The pairs that banding proposes and whose true similarity is high enough.

    Shingles are runs of words and of marks. Without the marks, `x < y` and `x > y`
    would be copies of each other.

    Every pair returned is right. A pair of similarity s is missed with probability
    1 - `candidate_probability(s, n_bands, n_rows)`: at the default sizes 0.04 % for
    s = 0.8. Documents with fewer than `n_tokens` tokens are in no pair; short phrases
    recur in honest prose.

    Args:
        documents: texts.
        threshold: the least Jaccard similarity that counts, in (0, 1].
        n_tokens: words and marks in a shingle.
        n_bands, n_rows: the signature has n_bands * n_rows numbers.
        seed: chooses the hash functions.

    Returns:
        Pairs in the order of their places, first < second.

    Raises:
        ValueError: for a threshold outside (0, 1] or sizes below 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must lie in (0, 1]")
    require_bands(n_bands, n_rows)
    sets = [shingles(words_and_marks(text), n_tokens) for text in documents]
    places = [index for index, a in enumerate(sets) if a]
    signatures = np.empty((len(places), n_bands * n_rows), dtype=np.uint64)
    for row, index in enumerate(places):
        signatures[row] = minhash_signature(sets[index], n_bands * n_rows, seed)
    found = []
    for a, b in sorted(candidate_pairs(signatures, n_bands, n_rows)):
        similarity = jaccard(sets[places[a]], sets[places[b]])
        if similarity >= threshold:
            found.append(SimilarPair(places[a], places[b], similarity))
    return found


def clusters(
    n_documents: int, pairs: Iterable[tuple[int, int] | SimilarPair]
) -> list[list[int]]:
    """The groups that pairs link together, each sorted, by their first members.

    Links carry over: when a is like b and b like c, all three are one group, even
    where a and c are less alike. Documents in no pair are left out.

    Raises ValueError for a place outside 0 ... n_documents - 1.
    """
    parent = list(range(n_documents))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]  # halve the way for the next search
            index = parent[index]
        return index

    for a, b, *_ in pairs:
        if not (0 <= a < n_documents and 0 <= b < n_documents):
            raise ValueError(
                f"pair ({a}, {b}) names a document outside 0 to {n_documents - 1}"
            )
        low, high = sorted((root(a), root(b)))
        parent[high] = low  # so that a root is the first of its group
    members: dict[int, list[int]] = {}
    for index in range(n_documents):
        members.setdefault(root(index), []).append(index)
    return [group for group in members.values() if len(group) > 1]


def drop_near_duplicates(
    documents: Sequence[str],
    threshold: float = 0.8,
    *,
    n_tokens: int = 5,
    n_bands: int = 20,
    n_rows: int = 5,
    seed: int = 0,
) -> list[str | Removed]:
    """Keep the first document of each group of near-duplicates.

    Arguments and errors are those of `near_duplicate_pairs`; groups are `clusters`.
    """
    pairs = near_duplicate_pairs(
        documents,
        threshold,
        n_tokens=n_tokens,
        n_bands=n_bands,
        n_rows=n_rows,
        seed=seed,
    )
    results: list[str | Removed] = list(documents)
    for first, *others in clusters(len(documents), pairs):
        for index in others:
            results[index] = Removed(f"in a group with document {first}")
    return results
