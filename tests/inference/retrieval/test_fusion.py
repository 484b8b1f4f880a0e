"""Rankings are joined as the formulas say, whatever the order of the searches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.inference.retrieval import (
    BM25,
    DenseIndex,
    Hit,
    best_hits,
    reciprocal_rank_fusion,
    weighted_sum,
)


def test_fusion_adds_reciprocal_ranks():
    fused = reciprocal_rank_fusion([[7, 3, 5], [3, 8]])
    assert fused == [
        Hit(3, pytest.approx(1 / 62 + 1 / 61)),
        Hit(7, pytest.approx(1 / 61)),
        Hit(8, pytest.approx(1 / 62)),
        Hit(5, pytest.approx(1 / 63)),
    ]


def test_fusion_takes_another_constant_and_weights():
    fused = reciprocal_rank_fusion([[7, 3], [3]], k=0, weights=[3, 0.5])
    assert fused == [Hit(7, 3), Hit(3, pytest.approx(3 / 2 + 1 / 2))]


def test_equal_sums_come_in_order_of_their_numbers():
    fused = reciprocal_rank_fusion([[9, 2], [2, 9], [], [4]], k=60)
    assert [hit.document for hit in fused] == [2, 9, 4]


@given(
    st.lists(st.lists(st.integers(0, 6), unique=True), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=50)
def test_the_order_of_searches_does_not_matter(rankings, random):
    before = dict(reciprocal_rank_fusion(rankings))
    random.shuffle(rankings)
    after = dict(reciprocal_rank_fusion(rankings))
    assert after == pytest.approx(before)
    assert set(before) == {document for ranking in rankings for document in ranking}


def test_scores_are_brought_to_one_scale():
    first, second = [2.0, 6.0, 4.0], [30.0, 10.0, 10.0]
    summed = weighted_sum([first, second], [1, 2])
    assert summed.tolist() == pytest.approx([0 + 2, 1 + 0, 0.5 + 0])
    assert weighted_sum([first, second]).tolist() == pytest.approx([1, 1, 0.5])
    plain = weighted_sum([first, second], [1, 0.1], "none")
    assert plain.tolist() == pytest.approx([5, 7, 5])
    z = weighted_sum([first, second], [1, 2], "z-score")
    expected = sum(
        w * (np.array(s) - np.mean(s)) / np.std(s) for w, s in [(1, first), (2, second)]
    )
    assert z.tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("normalise", ["min-max", "z-score"])
def test_normalised_sums_do_not_depend_on_scale_or_shift(normalise):
    first, second = np.array([2.0, 6.0, 5.0]), np.array([3.0, 1.0, 1.0])
    before = weighted_sum([first, second], normalise=normalise)
    after = weighted_sum([100 * first - 7, second / 9], normalise=normalise)
    np.testing.assert_allclose(after, before, atol=1e-12)


@pytest.mark.parametrize("normalise", ["min-max", "z-score"])
def test_a_search_that_finds_all_alike_says_nothing(normalise):
    assert weighted_sum([[3, 3], [0, 1]], normalise=normalise).argmax() == 1
    assert weighted_sum([[0.1] * 3], normalise=normalise).tolist() == [0, 0, 0]


def test_words_and_vectors_together_find_what_each_alone_misses():
    texts = ["a big cat", "a large dog", "the xylophone", "a small mouse"]
    size = {"big": 1.0, "large": 1.0, "huge": 1.0, "small": -1.0}
    animal = {"cat": 1.0, "dog": 1.0, "mouse": 1.0}

    def encode(batch):
        tables = (size, animal)
        return [
            [sum(table.get(word, 0) for word in text.split()) for table in tables]
            for text in batch
        ]

    words, vectors = BM25(texts), DenseIndex.from_texts(texts, encode)
    query = "huge xylophone"
    rankings = [words.search(query), vectors.search(query)]
    assert [hit.document for hit in rankings[0]] == [2]
    fused = [hit.document for hit in reciprocal_rank_fusion(rankings)]
    assert set(fused[:2]) <= {0, 1, 2}
    assert 2 in fused[:2]
    summed = weighted_sum([words.scores(query), vectors.scores(encode([query]))[0]])
    assert [hit.document for hit in best_hits(summed, 3)] == [2, 0, 1]


def test_what_cannot_be_joined_is_named():
    with pytest.raises(ValueError, match="no ranking to join"):
        reciprocal_rank_fusion([])
    with pytest.raises(ValueError, match="twice in one ranking"):
        reciprocal_rank_fusion([[1, 1]])
    with pytest.raises(ValueError, match="k is -1"):
        reciprocal_rank_fusion([[1]], k=-1)
    for weights in ([1], [1, 0], [1, float("nan")]):
        with pytest.raises(ValueError, match="weights are"):
            reciprocal_rank_fusion([[1], [2]], weights=weights)
        with pytest.raises(ValueError, match="weights are"):
            weighted_sum([[1], [2]], weights)
    with pytest.raises(ValueError, match="no search to join"):
        weighted_sum([])
    for scores in ([[1, 2], [1]], [[[1]]], [[], []]):
        with pytest.raises(ValueError, match="scores have shapes"):
            weighted_sum(scores)
    with pytest.raises(ValueError, match="infinite or NaN"):
        weighted_sum([[1, np.inf]])
    with pytest.raises(ValueError, match="normalise is 'softmax'"):
        weighted_sum([[1, 2]], normalise="softmax")


def test_rankings_may_be_tensors():
    rankings = [[1, 2], [2, 3]]
    tensors = [torch.tensor(ranking) for ranking in rankings]
    assert reciprocal_rank_fusion(tensors) == reciprocal_rank_fusion(rankings)
    with pytest.raises(ValueError, match="twice in one ranking"):
        reciprocal_rank_fusion([torch.tensor([1, 1])])
