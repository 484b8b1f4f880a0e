r"""Hybrid search: one ranking from several, such as BM25's and a dense one.

BM25 finds the rare word that an encoder has never seen, and an encoder the synonym.
Their scores live on different scales, so either only the ranks are used, or the scores
are brought to one scale first. Shape: N documents.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.inference.retrieval.top_k import Hit
from llm_notes.metrics.references import plain_list


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int | Hit]],
    k: int = 60,
    weights: Sequence[float] | None = None,
) -> list[Hit]:
    r"""Join rankings by rank alone (Cormack, Clarke, Büttcher 2009).

    $$\mathrm{RRF}(d) = \sum_{r} \frac{w_r}{k + \mathrm{rank}_r(d)}$$

    over the rankings r that hold d, ranks counted from 1.

    Args:
        rankings: documents, or hits of a search, the best first; some may be empty.
        k: how little the first places differ; 60 in the paper.
        weights: w, one for each ranking; all 1 when not given.

    Returns:
        every document of any ranking, the best first, of equal ones the lower number.

    Raises:
        ValueError: when there is no ranking, a document is twice in one, k is
            negative, or weights are not one for each or not all above 0.
    """
    weights = _weights(weights, len(rankings), "ranking")
    if k < 0:
        raise ValueError(f"k is {k}; it must be 0 or more")
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        documents = plain_list(h.document if isinstance(h, Hit) else h for h in ranking)
        if len(set(documents)) < len(documents):
            raise ValueError("a document is twice in one ranking; it has one place")
        for rank, document in enumerate(documents, 1):
            scores[document] = scores.get(document, 0.0) + weight / (k + rank)
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Hit(int(document), score) for document, score in ordered]


def weighted_sum(
    scores: Sequence[ArrayLike],
    weights: Sequence[float] | None = None,
    normalise: Literal["min-max", "z-score", "none"] = "min-max",
) -> NDArray[np.float64]:
    """Join scores (N,) of several searches; `best_hits` ranks the result (N,).

    Args:
        scores: for each search, the scores of the same N documents.
        weights: one for each search; all 1 when not given.
        normalise: "min-max" brings each search's scores to 0 ... 1, "z-score" to mean
            0 and standard deviation 1, "none" leaves them. Scores that are all equal
            become 0.

    Raises:
        ValueError: when there is no search, shapes differ or hold no document, a score
            is not finite, weights are not one for each or not all above 0, or
            `normalise` is another word.
    """
    if normalise not in ("min-max", "z-score", "none"):
        raise ValueError(
            f"normalise is {normalise!r}; there are 'min-max', 'z-score' and 'none'"
        )
    weights = _weights(weights, len(scores), "search")
    arrays = [np.asarray(row, dtype=float) for row in scores]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 1 or not arrays[0].size:
        raise ValueError(
            f"scores have shapes {sorted(shapes)}; each search must score the same "
            "documents, at least one"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("a score is infinite or NaN and cannot be added to others")
    parts = [_normalised(array, normalise) for array in arrays]
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


def _normalised(scores: NDArray[np.float64], normalise: str) -> NDArray[np.float64]:
    if normalise == "none":
        return scores
    if scores.min() == scores.max():
        return np.zeros_like(scores)
    if normalise == "min-max":
        return (scores - scores.min()) / (scores.max() - scores.min())
    return (scores - scores.mean()) / scores.std()


def _weights(weights: Sequence[float] | None, n: int, what: str) -> Sequence[float]:
    if not n:
        raise ValueError(f"there is no {what} to join; pass at least one")
    weights = [1.0] * n if weights is None else list(weights)
    if len(weights) != n or not all(weight > 0 for weight in weights):
        raise ValueError(
            f"weights are {weights}; there must be one above 0 for each {what}, {n}"
        )
    return weights
