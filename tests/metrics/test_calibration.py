"""Bins hold what they should, and the calibration error equals its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import expected_calibration_error, reliability_bins

# Two bins of two: 0.1 and 0.3 with one right, 0.8 and 1.0 with both right.
CONFIDENCE = np.array([0.1, 0.8, 0.3, 1.0])
CORRECT = np.array([False, True, True, True])

# Quarters and eighths: on the edges of bins as often as not, and with ties.
PREDICTIONS = st.lists(
    st.tuples(st.sampled_from([0, 0.125, 0.25, 0.5, 0.7, 0.75, 1]), st.booleans()),
    min_size=1,
    max_size=25,
)


def test_bins_hold_shares_confidences_and_accuracies():
    bins = reliability_bins(CONFIDENCE, CORRECT, n_bins=2)
    assert bins.share == pytest.approx([0.5, 0.5])
    assert bins.confidence == pytest.approx([0.2, 0.9])
    assert bins.accuracy == pytest.approx([0.5, 1.0])


def test_the_expected_error_weighs_gaps_by_share():
    bins = reliability_bins(CONFIDENCE, CORRECT, n_bins=2)
    assert bins.expected_error == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)
    uneven = reliability_bins([0.9, 0.9, 0.9, 0.2], [1, 1, 1, 0], n_bins=2)
    assert uneven.expected_error == pytest.approx(0.75 * 0.1 + 0.25 * 0.2)


def test_empty_bins_count_for_nothing():
    bins = reliability_bins(CONFIDENCE, CORRECT, n_bins=50)
    assert np.isnan(bins.accuracy).sum() == 46
    expected = np.abs(CORRECT - CONFIDENCE).mean()
    assert bins.expected_error == pytest.approx(expected)


def test_a_model_that_draws_its_own_answers_is_calibrated():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=200_000)
    honest = reliability_bins(confidence, rng.uniform(size=200_000) < confidence)
    assert honest.expected_error < 0.005
    too_sure = reliability_bins(
        np.sqrt(confidence), rng.uniform(size=200_000) < confidence
    )
    assert too_sure.expected_error == pytest.approx(2 / 3 - 1 / 2, abs=0.01)


def test_a_rounding_error_above_one_is_still_a_probability():
    bins = reliability_bins([1.0000001], [True])
    assert bins.share[-1] == 1


def test_torch_tensors_are_accepted():
    bins = reliability_bins(torch.tensor(CONFIDENCE), torch.tensor(CORRECT), n_bins=2)
    assert bins.accuracy == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("confidence", "correct", "n_bins", "message"),
    [
        ([0.5], [True, False], 10, r"shapes \(1,\) and \(2,\)"),
        ([], [], 10, r"shapes \(0,\)"),
        ([[0.5]], [[True]], 10, r"shapes \(1, 1\)"),
        ([0.5, 1.5], [True, True], 10, "from 0.5 to 1.5"),
        ([-0.1, 0.5], [True, True], 10, "from -0.1 to 0.5"),
        ([float("nan")], [True], 10, "probabilities"),
        ([0.5], [True], 0, "n_bins is 0"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(confidence, correct, n_bins, message):
    with pytest.raises(ValueError, match=message):
        reliability_bins(confidence, correct, n_bins)


@given(PREDICTIONS, st.integers(1, 12))
@settings(deadline=None, max_examples=100)
def test_bins_of_equal_width_give_the_error_of_the_formula(predictions, n_bins):
    expected = 0.0
    for m in range(n_bins):
        inside = [
            (p, c) for p, c in predictions if min(int(p * n_bins), n_bins - 1) == m
        ]
        # n / N |acc - conf| is the size of the sum of differences, over N.
        expected += abs(sum(c - p for p, c in inside)) / len(predictions)
    confidence, correct = zip(*predictions, strict=True)
    error = expected_calibration_error(confidence, correct, n_bins)
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


def test_bins_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="'equal-size'"):
        expected_calibration_error([0.5], [1], 2, "equal-size")
