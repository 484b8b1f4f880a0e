r"""Ranked search results against what was relevant: recall@k, MRR and nDCG@k.

A ranking is a sequence of documents' numbers (or names), the best first. Knows no
documents, and nothing of how they were ranked.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from math import log2
from typing import Literal

from llm_notes.metrics.references import plain_list, require_same_number

Ranking = Sequence[Hashable]


def recall_at_k(ranking: Ranking, relevant: Collection[Hashable], k: int) -> float:
    """The share of the relevant documents among the first k, 0 to 1.

    It can reach 1 only when k is at least the number of relevant documents.

    Raises ValueError when nothing is relevant, a document is ranked twice, or k < 1.
    """
    ranking, wanted = _checked(ranking, relevant, k)
    return len(set(ranking[:k]) & wanted) / len(wanted)


def reciprocal_rank(ranking: Ranking, relevant: Collection[Hashable]) -> float:
    """1 / rank of the first relevant document, counted from 1; 0 if there is none.

    Raises ValueError when nothing is relevant, or a document is ranked twice.
    """
    ranking, wanted = _checked(ranking, relevant)
    ranks = (rank for rank, found in enumerate(ranking, 1) if found in wanted)
    first = next(ranks, None)
    return 1 / first if first else 0.0


def mean_reciprocal_rank(
    rankings: Sequence[Ranking], relevant: Sequence[Collection[Hashable]]
) -> float:
    """MRR, the mean of `reciprocal_rank` over queries (Voorhees 1999), 0 to 1.

    Args:
        rankings: one for each query.
        relevant: the relevant documents of each query.

    Raises ValueError when their numbers differ or are 0, and as `reciprocal_rank`.
    """
    require_same_number(rankings, relevant, "rankings")
    return sum(map(reciprocal_rank, rankings, relevant)) / len(rankings)


def ndcg_at_k(
    ranking: Ranking,
    relevance: Mapping[Hashable, float],
    k: int,
    gain: Literal["linear", "exponential"] = "linear",
) -> float:
    r"""Discounted gain of the first k, over that of the best possible order, 0 to 1.

    $$\mathrm{DCG@}k = \sum_{i=1}^{k} \frac{g(r_i)}{\log_2(i + 1)}, \qquad
      \mathrm{nDCG@}k = \frac{\mathrm{DCG@}k}{\text{the largest DCG@}k}$$

    (Järvelin and Kekäläinen 2002), with g(r) = r, or 2^r - 1 (Burges et al. 2005),
    which sets the best documents further apart.

    Args:
        relevance: grades of the documents, at least 0; those not named have 0.

    Raises:
        ValueError: when no grade is above 0, one is negative, a document is ranked
            twice, k < 1, or `gain` is another word.
    """
    if gain not in ("linear", "exponential"):
        raise ValueError(f"gain is {gain!r}; there are 'linear' and 'exponential'")
    if any(not grade >= 0 for grade in relevance.values()):
        raise ValueError("grades of relevance must be 0 or more; one is not")
    some_gain = [name for name, grade in relevance.items() if grade > 0]
    ranking, _ = _checked(ranking, some_gain, k)

    def dcg(grades: Iterable[float]) -> float:
        gains = (r if gain == "linear" else 2**r - 1 for r in grades)
        return sum(g / log2(rank + 1) for rank, g in enumerate(gains, 1))

    best = sorted(relevance.values(), reverse=True)[:k]
    return dcg(relevance.get(found, 0) for found in ranking[:k]) / dcg(best)


def _checked(ranking: Ranking, relevant: Collection, k: int = 1) -> tuple[list, set]:
    """The ranking as a list, and the relevant documents as a set."""
    ranking, wanted = plain_list(ranking), set(plain_list(relevant))
    if k < 1:
        raise ValueError(f"k is {k}; at least the first document has to be looked at")
    if not wanted:
        raise ValueError(
            "no document is relevant to this query, so no ranking of it is right or "
            "wrong; leave the query out"
        )
    if len(set(ranking)) < len(ranking):
        raise ValueError("a document is ranked twice; each has one place in a ranking")
    return ranking, wanted
