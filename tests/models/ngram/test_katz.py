"""Katz back-off against hand counts and its definition."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.models.ngram import KatzNGram
from llm_notes.parity.counting import (
    good_turing_discounts,
    katz_by_definition,
    skewed_text,
)

V = 5
texts = st.lists(st.integers(0, 4), min_size=4, max_size=80)


def repeated(counts) -> list[int]:
    """A text that has token i counts[i] times."""
    return [token for token, count in enumerate(counts) for _ in range(count)]


def test_good_turing_discounts_of_counts_counted_by_hand():
    # n_1 = 10, n_2 = 4, n_3 = 2 and k = 2: 1* = 2 * 4 / 10, 2* = 3 * 2 / 4, and
    # 3 n_3 / n_1 = 0.6 is taken off, above and below the line.
    text = repeated([1] * 10 + [2] * 4 + [3] * 2 + [9])
    model = KatzNGram(1, 20, trusted_above=2).fit(text)
    d_1, d_2 = (0.8 / 1 - 0.6) / 0.4, (1.5 / 2 - 0.6) / 0.4
    assert model.discounts == (pytest.approx((d_1, d_2)),)
    p = model.probabilities()
    n_tokens = 10 + 8 + 6 + 9
    assert p[0] == pytest.approx(d_1 / n_tokens)
    assert p[10] == pytest.approx(2 * d_2 / n_tokens)
    assert p[14] == pytest.approx(3 / n_tokens)  # seen more than k times: trusted
    assert p[16] == pytest.approx(9 / n_tokens)
    left = 10 * (1 - d_1) + 8 * (1 - d_2)
    assert p[17:] == pytest.approx([left / n_tokens / 3] * 3)
    # That is what Good and Turing give to the unseen: n_1 / N.
    assert left == pytest.approx(10)


def test_an_order_whose_estimate_fails_takes_a_smaller_k():
    # With k = 5, n_5 = 0 makes 5* undefined; k = 4 would need n_4; k = 3: d_3 < 0;
    # k = 2 works.
    text = repeated([1] * 10 + [2] * 4 + [3] * 2 + [9])
    model = KatzNGram(1, 20, trusted_above=5).fit(text)
    smaller = KatzNGram(1, 20, trusted_above=2).fit(text)
    assert len(smaller.discounts[0]) == 2
    assert model.discounts == smaller.discounts


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([3, 3, 4], id="nothing seen once"),
        pytest.param([1, 1, 2, 2, 2], id="2* would be 0, 1* more than 1"),
        pytest.param([1, 1, 2, 3], id="3 n_3 > n_1"),
    ],
)
def test_where_no_k_works_one_more_is_counted_for_the_unseen(counts):
    model = KatzNGram(1, 8).fit(repeated(counts))
    assert model.discounts == ((),)
    n_tokens = sum(counts)
    p = model.probabilities()
    assert p[: len(counts)] == pytest.approx(np.array(counts) / (n_tokens + 1))
    n_unseen = 8 - len(counts)
    assert p[len(counts) :] == pytest.approx(1 / (n_tokens + 1) / n_unseen)


def test_an_unseen_follower_is_judged_by_the_shorter_context():
    # No discount in so small a text. After 0 come 1 (twice) and 2: p = 2/4 and 1/4,
    # and 1/4 is left for 0, 3 and 4, in proportion to their unigrams.
    text = [0, 1, 0, 1, 0, 2, 3]
    model = KatzNGram(2, V).fit(text)
    assert model.discounts == ((), ())
    unigram = np.array([3 / 8, 2 / 8, 1 / 8, 1 / 8, 1 / 8])
    assert model.probabilities() == pytest.approx(unigram)
    alpha = (1 / 4) / (3 / 8 + 1 / 8 + 1 / 8)
    after_0 = [alpha * 3 / 8, 2 / 4, 1 / 4, alpha / 8, alpha / 8]
    assert model.probabilities([0]) == pytest.approx(after_0)
    # 3 ends the text and 4 was never seen: both ask the unigram.
    assert model.probabilities([3]) == pytest.approx(unigram)
    assert model.probabilities([4]) == pytest.approx(unigram)


def test_a_context_that_all_tokens_follow_keeps_all_probability():
    # The discounts of the first test, and nobody is unseen.
    text = repeated([1] * 10 + [2] * 4 + [3] * 2)
    model = KatzNGram(1, 16, trusted_above=2).fit(text)
    d_1, d_2 = model.discounts[0]
    kept = np.array([d_1] * 10 + [2 * d_2] * 4 + [3] * 2)
    assert d_1 < 1
    assert model.probabilities() == pytest.approx(kept / kept.sum())


@settings(deadline=None, max_examples=40)
@given(text=texts, order=st.integers(1, 3), k=st.integers(0, 5))
def test_it_equals_its_definition(text, order, k):
    model = KatzNGram(order, V, trusted_above=k).fit(text)
    definition = katz_by_definition(V, k)
    for length in range(order):
        for context in product(range(V), repeat=length):
            p = model.probabilities(context)
            assert p == pytest.approx(definition(text, context), abs=1e-10)


def test_it_equals_its_definition_where_good_turing_works():
    text = skewed_text(1500, 40, seed=3)
    model = KatzNGram(3, 40).fit(text)
    assert [len(d) for d in model.discounts[1:]] == [5, 5]
    tokens = text.tolist()
    expected = good_turing_discounts(Counter(pairwise(tokens)), 5)
    assert model.discounts[1] == pytest.approx(list(expected.values()))
    definition = katz_by_definition(40)
    for context in [(), (0,), (9,), (0, 0), (9, 9), (3, 7), (1, 2), (39, 1)]:
        p = model.probabilities(context)
        assert p == pytest.approx(definition(tokens, context), abs=1e-12)
        assert p.sum() == pytest.approx(1, abs=1e-12)


def test_a_negative_k_is_refused():
    with pytest.raises(ValueError, match="trusted_above is -1"):
        KatzNGram(2, 5, trusted_above=-1)
