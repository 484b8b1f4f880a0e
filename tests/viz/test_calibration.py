import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.metrics import reliability_bins
from llm_notes.viz.calibration import plot_reliability

# Two bins of two: 0.1 and 0.3 with one right, 0.8 and 1.0 with both right.
CONFIDENCE = np.array([0.1, 0.8, 0.3, 1.0])
CORRECT = np.array([False, True, True, True])


def test_markers_stand_at_confidence_and_accuracy_and_grow_with_the_share():
    confidence, correct = [0.9, 0.9, 0.9, 0.2], [1, 1, 0, 0]
    ax = plot_reliability(*reliability_bins(confidence, correct, n_bins=3))
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
    ax = plot_reliability(*bins, "before")
    assert plot_reliability(*bins, "_after$x$", ax=ax) is ax
    assert len(ax.get_lines()) == 1
    texts = ax.get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["before", "_after$x$"]
    first, second = ax.collections[1], ax.collections[4]
    assert first.get_facecolor().tolist() != second.get_facecolor().tolist()
    assert len(first.get_paths()[0]) != len(second.get_paths()[0])


def test_without_labels_there_is_no_legend():
    assert plot_reliability(*reliability_bins([0.5], [True])).get_legend() is None


def test_given_axes_leave_pyplot_alone():
    mine, ax = plt.subplots()
    current = plt.figure()
    plot_reliability(*reliability_bins(CONFIDENCE, CORRECT), ax=ax)
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
