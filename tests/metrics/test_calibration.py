"""The calibration error equals its definition, and that of the reliability diagram."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import expected_calibration_error
from llm_notes.viz.calibration import reliability_bins

# Quarters and eighths: on the edges of bins as often as not, and with ties.
PREDICTIONS = st.lists(
    st.tuples(st.sampled_from([0, 0.125, 0.25, 0.5, 0.7, 0.75, 1]), st.booleans()),
    min_size=1,
    max_size=25,
)


@given(PREDICTIONS, st.integers(1, 12))
@settings(deadline=None, max_examples=100)
def test_bins_of_equal_width_agree_with_the_reliability_diagram(predictions, n_bins):
    confidence, correct = zip(*predictions, strict=True)
    error = expected_calibration_error(confidence, correct, n_bins)
    expected = reliability_bins(confidence, correct, n_bins).expected_error
    assert error == pytest.approx(expected)
    assert 0 <= error <= 1


def test_bins_of_equal_mass_hold_equally_many():
    confidence = np.array([0.9, 0.1, 0.95, 0.3, 0.99, 0.2, 0.85])
    correct = np.array([1, 0, 0, 1, 1, 1, 0])
    order = confidence.argsort()
    bins = [order[:3], order[3:5], order[5:]]  # 7 into 3, the first one larger
    expected = sum(
        len(b) / 7 * abs(correct[b].mean() - confidence[b].mean()) for b in bins
    )
    error = expected_calibration_error(confidence, correct, 3, "equal-mass")
    assert error == pytest.approx(expected)


@given(PREDICTIONS, st.integers(1, 5), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_of_predictions_does_not_matter(predictions, n_bins, random):
    for bins in ("equal-width", "equal-mass"):
        before = expected_calibration_error(
            *zip(*predictions, strict=True), n_bins, bins
        )
        random.shuffle(predictions)
        after = expected_calibration_error(
            *zip(*predictions, strict=True), n_bins, bins
        )
        assert after == pytest.approx(before)


@pytest.mark.parametrize("bins", ["equal-width", "equal-mass"])
def test_one_bin_compares_the_means(bins):
    error = expected_calibration_error([0.9, 0.5, 0.7], [1, 0, 0], 1, bins)
    assert error == pytest.approx(0.7 - 1 / 3)


@pytest.mark.parametrize("bins", ["equal-width", "equal-mass"])
def test_a_calibrated_model_errs_by_chance_only(bins):
    generator = np.random.default_rng(0)
    confidence = generator.uniform(size=20_000)
    correct = generator.uniform(size=20_000) < confidence
    assert expected_calibration_error(confidence, correct, 10, bins) < 0.02
    # One that is right half as often as it says is off by half its confidence.
    sure = generator.uniform(size=20_000) < confidence / 2
    error = expected_calibration_error(confidence, sure, 10, bins)
    assert error == pytest.approx(0.25, abs=0.02)


def test_predictions_that_cannot_be_scored_are_named():
    with pytest.raises(ValueError, match="shapes \\(2,\\) and \\(1,\\)"):
        expected_calibration_error([0.5, 0.5], [1])
    with pytest.raises(ValueError, match="at least one"):
        expected_calibration_error([], [])
    for wrong in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="must be probabilities"):
            expected_calibration_error([wrong, 0.5], [1, 0])
    with pytest.raises(ValueError, match="n_bins is 0"):
        expected_calibration_error([0.5], [1], 0)
    with pytest.raises(ValueError, match="'equal-size'"):
        expected_calibration_error([0.5], [1], 2, "equal-size")
