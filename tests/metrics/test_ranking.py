"""Scores of rankings equal their formulas, written out."""

from itertools import permutations
from math import log2

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import (
    mean_reciprocal_rank,
    ndcg_at_k,
    recall_at_k,
    reciprocal_rank,
)

RANKING = [4, 2, 0, 9]


def test_recall_is_the_share_of_relevant_documents_found():
    assert recall_at_k(RANKING, {2, 9, 7}, 2) == pytest.approx(1 / 3)
    assert recall_at_k(RANKING, [2, 9, 7, 7], 4) == pytest.approx(2 / 3)
    assert recall_at_k(RANKING, {2}, 1) == 0
    assert recall_at_k([], {2}, 3) == 0


def test_the_reciprocal_rank_is_that_of_the_first_relevant_document():
    assert reciprocal_rank(RANKING, {0, 9}) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, {4}) == 1
    assert reciprocal_rank(RANKING, {7}) == 0
    mean = mean_reciprocal_rank([RANKING, RANKING, ["a"]], [{0}, {7}, {"a"}])
    assert mean == pytest.approx((1 / 3 + 0 + 1) / 3)


def test_ndcg_divides_by_the_gain_of_the_best_order():
    grades = {2: 3, 9: 1, 7: 2}
    found = 3 / log2(3) + 1 / log2(5)
    best = 3 / log2(2) + 2 / log2(3) + 1 / log2(4)
    assert ndcg_at_k(RANKING, grades, 4) == pytest.approx(found / best)
    assert ndcg_at_k(RANKING, grades, 2) == pytest.approx(
        3 / log2(3) / (3 + 2 / log2(3))
    )
    exponential = 7 / log2(3) + 1 / log2(5)
    best = 7 + 3 / log2(3) + 1 / log2(4)
    assert ndcg_at_k(RANKING, grades, 4, "exponential") == pytest.approx(
        exponential / best
    )


@given(
    st.dictionaries(st.integers(0, 4), st.integers(0, 3), min_size=1).filter(
        lambda grades: any(grades.values())
    ),
    st.integers(1, 6),
    st.sampled_from(["linear", "exponential"]),
)
@settings(deadline=None, max_examples=30)
def test_ndcg_is_largest_when_grades_fall(grades, k, gain):
    scores = {
        order: ndcg_at_k(order, grades, k, gain) for order in permutations(grades)
    }
    assert all(0 <= score <= 1 + 1e-12 for score in scores.values())
    best = tuple(sorted(grades, key=grades.get, reverse=True))
    assert scores[best] == pytest.approx(1)


def test_rankings_and_judgements_may_be_arrays_and_tensors():
    scores = torch.tensor([0.1, 0.4, 0.3, 0.2])
    best = scores.topk(3).indices  # 1, 2, 3
    for ranking in (best, best.numpy(), list(best)):
        assert recall_at_k(ranking, np.array([0, 2]), 3) == 1 / 2
        assert reciprocal_rank(ranking, torch.tensor([3, 2])) == 1 / 2
        assert mean_reciprocal_rank([ranking], [[3]]) == pytest.approx(1 / 3)
        assert ndcg_at_k(ranking, {1: 1, 0: 1}, 1) == 1
    with pytest.raises(ValueError, match="ranked twice"):
        recall_at_k(torch.tensor([1, 1]), [1], 1)


def test_what_cannot_be_scored_is_named():
    with pytest.raises(ValueError, match="no document is relevant"):
        recall_at_k(RANKING, [], 1)
    with pytest.raises(ValueError, match="no document is relevant"):
        ndcg_at_k(RANKING, {4: 0}, 1)
    with pytest.raises(ValueError, match="no document is relevant"):
        mean_reciprocal_rank([RANKING], [[]])
    for call in (
        lambda: recall_at_k([1, 1], [1], 1),
        lambda: reciprocal_rank([1, 1], [1]),
        lambda: ndcg_at_k([1, 1], {1: 1}, 1),
    ):
        with pytest.raises(ValueError, match="ranked twice"):
            call()
    for call in (
        lambda: recall_at_k(RANKING, [1], 0),
        lambda: ndcg_at_k(RANKING, {1: 1}, 0),
    ):
        with pytest.raises(ValueError, match="k is 0"):
            call()
    for grade in (-1, float("nan")):
        with pytest.raises(ValueError, match="0 or more"):
            ndcg_at_k(RANKING, {4: 1, 2: grade}, 1)
    with pytest.raises(ValueError, match="gain is 'log'"):
        ndcg_at_k(RANKING, {4: 1}, 1, "log")
    with pytest.raises(ValueError, match="1 rankings are to be scored by 2"):
        mean_reciprocal_rank([RANKING], [[1], [2]])
    with pytest.raises(ValueError, match="no rankings"):
        mean_reciprocal_rank([], [])
