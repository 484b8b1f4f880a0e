"""The k best documents of a list of scores, in an order that never depends on chance.

Knows only scores, one for each document. Shape: N documents.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Hit(NamedTuple):
    """A document that was found, and its score (the higher, the better)."""

    document: int
    score: float


def top_k(scores: ArrayLike, k: int) -> NDArray[np.int64]:
    """The numbers of the k highest scores, the best first: (min(k, N),).

    Of equal scores the lower number comes first. Only what may be among the best k is
    sorted, so it takes O(N + k log k) steps as long as few scores are equal.

    Raises ValueError when k < 1, there is no score, or one is not a number.
    """
    scores = np.asarray(scores)
    if scores.ndim != 1 or not len(scores):
        raise ValueError(
            f"scores must be (N,) with at least one document, got shape {scores.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError("a score is NaN, which is neither better nor worse than any")
    require_k(k)
    k = min(k, len(scores))
    last_place = len(scores) - k
    threshold = np.partition(scores, last_place)[last_place]
    candidates = np.flatnonzero(scores >= threshold)[::-1]  # the last number first
    # Sorted upwards and turned, not negated: bytes and booleans have no negative.
    order = np.argsort(scores[candidates], kind="stable")[::-1]
    return candidates[order[:k]]


def best_hits(scores: ArrayLike, k: int) -> list[Hit]:
    """`top_k` with the scores beside the numbers."""
    scores = np.asarray(scores)
    return [Hit(int(i), float(scores[i])) for i in top_k(scores, k)]


def require_k(k: int) -> None:
    """Raise ValueError unless at least one document is asked for."""
    if k < 1:
        raise ValueError(f"k is {k}; ask for at least one document")
