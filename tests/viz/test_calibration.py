import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from llm_notes.viz.calibration import plot_reliability, reliability_bins

# Two bins of two: 0.1 and 0.3 with one right, 0.8 and 1.0 with both right.
CONFIDENCE = np.array([0.1, 0.8, 0.3, 1.0])
CORRECT = np.array([False, True, True, True])


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


def test_markers_stand_at_confidence_and_accuracy_and_grow_with_the_share():
    confidence, correct = [0.9, 0.9, 0.9, 0.2], [1, 1, 0, 0]
    ax = plot_reliability(reliability_bins(confidence, correct, n_bins=3))
    lines, markers, _ = ax.collections
    assert markers.get_offsets().tolist() == pytest.approx(
        np.array([[0.2, 0.0], [0.9, 2 / 3]])
    )
    small, large = markers.get_sizes()
    assert small < large
    spans = np.array([segment[:, 1] for segment in lines.get_segments()])
    assert spans == pytest.approx(np.array([[0.0, 0.2], [2 / 3, 0.9]]))


def test_compared_models_share_one_diagonal_and_differ_in_shape_and_fill():
    bins = reliability_bins(CONFIDENCE, CORRECT)
    ax = plot_reliability(bins, "before")
    assert plot_reliability(bins, "_after$x$", ax=ax) is ax
    assert len(ax.get_lines()) == 1
    texts = ax.get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["before", "_after$x$"]
    first, second = ax.collections[1], ax.collections[4]
    assert first.get_facecolor().tolist() != second.get_facecolor().tolist()
    assert len(first.get_paths()[0]) != len(second.get_paths()[0])


def test_without_labels_there_is_no_legend():
    assert plot_reliability(reliability_bins([0.5], [True])).get_legend() is None


def test_given_axes_leave_pyplot_alone():
    mine, ax = plt.subplots()
    current = plt.figure()
    plot_reliability(reliability_bins(CONFIDENCE, CORRECT), ax=ax)
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
