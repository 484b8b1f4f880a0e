"""Paired tests equal the count of all cases, and err as rarely as they promise."""

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import (
    bleu_from_statistics,
    bleu_statistics,
    bootstrap_interval,
    corpus_bleu,
    mcnemar_exact,
    paired_bootstrap,
    paired_permutation,
)

VALUES = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=7
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(VALUES)
@settings(deadline=None, max_examples=80)
def test_few_examples_are_tested_by_counting_all_sign_flips(values):
    a, b = (np.array(column, dtype=float) for column in zip(*values, strict=True))
    means = [abs(np.mean(signs * (a - b))) for signs in product((1, -1), repeat=len(a))]
    expected = np.mean(np.array(means) >= abs(np.mean(a - b)) - 1e-12)
    test = paired_permutation(a, b)
    assert test.p_value == pytest.approx(expected)
    assert test.difference == pytest.approx(np.mean(a) - np.mean(b))
    back = paired_permutation(b, a)
    assert back == pytest.approx((-test.difference, test.p_value))


def test_drawn_exchanges_come_near_the_exact_p_value():
    # 14 differences of size 1, 11 of them for A: a coin that falls 11 times or more.
    a, b = np.zeros(14), np.array([-1.0] * 11 + [1.0] * 3)
    expected = 2 * sum(comb(14, i) for i in range(4)) / 2**14
    test = paired_permutation(a, b, rng(), n_resamples=20_000)
    assert test.p_value == pytest.approx(expected, abs=0.006)


def test_drawn_exchanges_never_give_a_p_value_of_zero():
    test = paired_permutation(np.ones(40), np.zeros(40), rng(), n_resamples=99)
    assert test == pytest.approx((1, 1 / 100))
    assert paired_bootstrap(np.ones(40), np.zeros(40), rng(), None, 99).p_value == 0.01


def test_examples_that_do_not_differ_do_not_count():
    a, b = [1.0, 1.0, 0.0, *[0.5] * 50], [0.0, 0.0, 0.0, *[0.5] * 50]
    assert paired_permutation(a, b).p_value == pytest.approx(2 / 4)
    assert paired_permutation([1.0] * 50, [1.0] * 50) == (0, 1)


def test_exchanging_sentences_tests_bleu():
    ours = ["the cat sat on the mat", "a dog is", "it is here now"]
    theirs = ["the cat sat", "a dog was", "it was now"]
    references = ["the cat sat on a mat", "a dog is there", "it is here"]
    a, b = (bleu_statistics(texts, references) for texts in (ours, theirs))
    test = paired_permutation(a, b, score=bleu_from_statistics)
    differences = []
    for swaps in product((False, True), repeat=3):
        pairs = [
            (y, x) if swap else (x, y)
            for x, y, swap in zip(ours, theirs, swaps, strict=True)
        ]
        first, second = zip(*pairs, strict=True)
        differences.append(
            corpus_bleu(first, references) - corpus_bleu(second, references)
        )
    assert test.difference == pytest.approx(differences[0])
    extreme = np.abs(differences) >= abs(differences[0]) - 1e-9
    assert test.p_value == pytest.approx(extreme.mean())


@pytest.mark.parametrize("method", [paired_bootstrap, paired_permutation])
def test_equal_systems_are_called_different_as_rarely_as_promised(method):
    generator, n_trials = rng(1), 300
    n_called = 0
    for _ in range(n_trials):
        hard = generator.normal(size=40)  # what both systems find hard
        a, b = hard + generator.normal(size=(2, 40))
        n_called += method(a, b, generator, n_resamples=199).p_value <= 0.1
    # Three standard errors of a share of 0.1 in 300 trials are 0.05.
    assert n_called / n_trials == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("method", [paired_bootstrap, paired_permutation])
def test_a_small_difference_shows_when_it_is_paired(method):
    hard = rng(2).normal(scale=10, size=60)
    noise = rng(3).normal(scale=0.1, size=60)
    test = method(hard + 0.5 + noise, hard, rng(), n_resamples=999)
    assert test.difference == pytest.approx(0.5, abs=0.1)
    assert test.p_value == pytest.approx(1 / 1000)


def test_the_same_seed_gives_the_same_p_value():
    a, b = rng(4).normal(size=(2, 30))
    for method in (paired_bootstrap, paired_permutation):
        assert method(a, b, rng(5)) == method(a, b, rng(5))


@pytest.mark.parametrize(
    ("only_a", "only_b", "p_value"),
    [(0, 0, 1), (5, 5, 1), (1, 0, 1), (6, 0, 2 / 2**6), (2, 7, 2 * 46 / 2**9)],
)
def test_mcnemar_counts_coins(only_a, only_b, p_value):
    a = [True] * only_a + [False] * only_b + [True, True, False]
    b = [False] * only_a + [True] * only_b + [True, True, False]
    test = mcnemar_exact(a, b)
    assert test == pytest.approx(((only_a - only_b) / len(a), p_value))


def test_mcnemar_equals_the_exact_sign_flips_of_right_and_wrong():
    a, b = rng(6).integers(2, size=(2, 16))
    assert 4 < (a != b).sum() <= 12
    assert mcnemar_exact(a, b) == pytest.approx(paired_permutation(a, b))


@pytest.mark.parametrize("power", [-40, 40])
def test_the_unit_of_the_scores_decides_nothing(power):
    a, b = rng(7).normal(size=(2, 9))
    scaled = paired_permutation(a * 2.0**power, b * 2.0**power)
    assert scaled.p_value == paired_permutation(a, b).p_value < 1


def test_a_score_that_is_no_number_for_some_sample_is_refused():
    a, b = [[1, 1], [0, 0], [0, 0]], [[0, 1], [0, 0], [0, 0]]

    def share(sums):
        with np.errstate(invalid="ignore"):
            return sums[:, 0] / sums[:, 1]

    with pytest.raises(ValueError, match="score of a resample is infinite or no n"):
        paired_bootstrap(a, b, rng(), share)
    with pytest.raises(ValueError, match="score of a resample is infinite or no n"):
        bootstrap_interval(a, rng(), share)


@pytest.mark.parametrize("scores", [[[True]], [0.5], [float("nan")]])
def test_mcnemar_takes_right_and_wrong_only(scores):
    with pytest.raises(ValueError, match="booleans, or 0 and 1"):
        mcnemar_exact(scores, scores)


def test_what_cannot_be_tested_is_named():
    for method in (paired_bootstrap, paired_permutation):
        with pytest.raises(ValueError, match="shapes \\(2,\\) and \\(1,\\)"):
            method([1.0, 2.0], [1.0], rng())
        with pytest.raises(ValueError, match="at least one example"):
            method([], [], rng())
        # No comparison with NaN holds, so p would be as small as it can be.
        with pytest.raises(ValueError, match="infinity or NaN"):
            method([1.0, 2.0], [1.0, np.nan], rng())
        with pytest.raises(ValueError, match="n_resamples is 0"):
            method(np.ones(20), np.zeros(20), rng(), n_resamples=0)
    with pytest.raises(ValueError, match="shapes"):
        mcnemar_exact([True], [True, False])
    with pytest.raises(ValueError, match="20 examples differ, too many"):
        paired_permutation(np.ones(20), np.zeros(20))
