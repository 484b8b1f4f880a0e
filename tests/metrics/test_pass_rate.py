"""pass@k equals the count of all choices of k samples."""

from itertools import combinations

import numpy as np
import pytest

from llm_notes.metrics import mean_pass_at_k, pass_at_k

CASES = [(n, c, k) for n in (1, 4, 7) for c in range(n + 1) for k in range(1, n + 1)]


@pytest.mark.parametrize(("n", "c", "k"), CASES)
def test_pass_at_k_equals_counting_every_choice(n, c, k):
    choices = list(combinations([True] * c + [False] * (n - c), k))
    expected = sum(map(any, choices)) / len(choices)
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_equals_the_product_of_the_paper():
    n, c, k = 200, 3, 100
    product = 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))
    assert pass_at_k(n, c, k) == pytest.approx(product)
    assert 0 < pass_at_k(100_000, 1, 1) == pytest.approx(1e-5, rel=1e-12)


def test_its_mean_over_draws_is_the_chance_of_k_new_samples():
    generator = np.random.default_rng(0)
    chance, n, k = 0.3, 6, 3
    draws = generator.binomial(n, chance, size=4000)
    mean = mean_pass_at_k([(n, int(c)) for c in draws], k)
    assert mean == pytest.approx(1 - (1 - chance) ** k, abs=0.02)
    # The estimate that puts c / n in the place of the chance is too low.
    assert np.mean(1 - (1 - draws / n) ** k) < mean - 0.02


def test_the_mean_runs_over_problems_with_any_number_of_samples():
    assert mean_pass_at_k([(2, 1), (4, 4), (3, 0)], 1) == pytest.approx(0.5)


def test_numbers_that_do_not_fit_are_named():
    for n, k in [(3, 4), (3, 0), (0, 1)]:
        with pytest.raises(ValueError, match=f"k is {k} and n_samples {n}"):
            pass_at_k(n, 0, k)
    for c in (-1, 4):
        with pytest.raises(ValueError, match=f"n_correct is {c}"):
            pass_at_k(3, c, 1)
    with pytest.raises(ValueError, match="no problems"):
        mean_pass_at_k([], 1)
