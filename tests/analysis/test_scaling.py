"""Fits find the laws that made the points, and the best size is the best."""

import numpy as np
import pytest

from llm_notes.analysis.scaling import (
    CHINCHILLA,
    CHINCHILLA_AGAIN,
    ParametricLoss,
    PowerLaw,
    bootstrap_fits,
    fit_parametric,
    fit_power_law,
)

P = np.repeat([8e3, 2e4, 4e4, 8e4, 2e5], 3)
N = np.tile([4e4, 8e4, 1.6e5], 5)
TRUE = ParametricLoss(0.9, 300, 0.5, 200, 0.4)


def test_fit_power_law_finds_the_law_of_its_points():
    law = PowerLaw(20.0, 0.3, 1.2)
    x = np.geomspace(1e3, 1e6, 7)
    assert fit_power_law(x, law(x)) == pytest.approx(law, rel=1e-2)
    straight = PowerLaw(5.0, 0.25, 0.0)
    assert fit_power_law(x, straight(x), floor=0.0) == pytest.approx(straight, rel=1e-3)


def test_fit_parametric_finds_the_law_of_its_points():
    found = fit_parametric(P, N, TRUE(P, N))
    assert found == pytest.approx(TRUE, rel=1e-2)
    given = fit_parametric(P, N, TRUE(P, N), floor=0.9)
    assert given == pytest.approx(TRUE, rel=1e-2)


def test_weights_of_a_fit_are_never_negative():
    rising = fit_power_law([1.0, 2.0, 4.0, 8.0], [1.0, 1.1, 1.2, 1.3])
    assert rising.a == 0 and rising.c == pytest.approx(1.15)


def test_bootstrap_fits_surround_the_law():
    noise = np.random.default_rng(1).normal(scale=0.01, size=len(P))
    columns = [P, N, TRUE(P, N) + noise]
    draw = np.random.default_rng(0)
    fits = bootstrap_fits(fit_parametric, columns, draw, n_resamples=20)
    assert len(fits) == 20
    low, high = np.quantile([f(3e5, 1.6e5) for f in fits], [0, 1])
    assert low - 0.05 < TRUE(3e5, 1.6e5) < high + 0.05
    again = bootstrap_fits(fit_parametric, columns, np.random.default_rng(0), 20)
    assert fits == again


@pytest.mark.parametrize("law", [CHINCHILLA, CHINCHILLA_AGAIN, TRUE])
def test_best_is_the_minimum_at_its_budget(law):
    for flops in (1e12, 1e21):
        best_p, best_n = law.best(flops)
        assert 6 * best_p * best_n == pytest.approx(flops)
        around = best_p * np.array([0.9, 1.1])
        assert (law(around, flops / 6 / around) > law(best_p, best_n)).all()


def test_too_few_or_impossible_points_are_refused():
    with pytest.raises(ValueError, match="cannot tell 3 numbers"):
        fit_power_law([1.0, 2.0], [1.0, 0.9])
    with pytest.raises(ValueError, match="above 0"):
        fit_power_law([0.0, 1.0, 2.0], [3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="all its numbers"):
        fit_parametric(P, N[:3], TRUE(P, N))
