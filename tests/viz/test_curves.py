import math

import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz import plot_training
from llm_notes.viz.curves import smoothed

STEPS = np.arange(0, 100)
LOSSES = 3 + np.sin(STEPS)


def legend_labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_smoothing_is_a_centred_mean_cut_at_the_ends():
    assert smoothed([1, 2, 6, 4], window=3) == pytest.approx([1.5, 3, 4, 5])
    assert smoothed([1, 2, 6], window=1) == pytest.approx([1, 2, 6])


def test_raw_smoothed_and_validation_losses_are_drawn():
    ax = plot_training(STEPS, LOSSES, [0, 50], [4, 3], window=5)
    raw, smooth, validation = ax.get_lines()
    assert raw.get_ydata() == pytest.approx(LOSSES)
    assert raw.get_alpha() < 0.5
    assert smooth.get_ydata() == pytest.approx(smoothed(LOSSES, 5))
    assert validation.get_xdata().tolist() == [0, 50]
    assert validation.get_marker() not in ("", "None", None)
    assert legend_labels(ax) == ["train", "validation"]
    assert ax.get_xlabel() == "step"
    assert ax.get_ylabel() == "loss (nats per token)"


def test_runs_differ_in_colour_and_marker():
    ax = plot_training(STEPS, LOSSES, [0], [4], label="gpt")
    assert plot_training(STEPS, LOSSES + 1, [0], [5], label="rnn", ax=ax) is ax
    lines = ax.get_lines()
    assert lines[1].get_color() != lines[4].get_color()
    assert lines[2].get_marker() != lines[5].get_marker()
    assert legend_labels(ax) == [
        "gpt: train", "gpt: validation", "rnn: train", "rnn: validation",
    ]  # fmt: skip


def test_baselines_are_horizontal_lines_with_literal_labels():
    ax = plot_training(STEPS, LOSSES, baselines={"_a$b$": 4.5, "uniform": 6.0})
    assert [line.get_ydata()[0] for line in ax.get_lines()[2:]] == [4.5, 6.0]
    assert legend_labels(ax) == ["train", "_a$b$", "uniform"]
    assert not any(text.get_parse_math() for text in ax.get_legend().get_texts())


def test_the_right_axis_is_in_bits_per_byte():
    ax = plot_training(STEPS, LOSSES, bytes_per_token=3.0)
    ax.figure.draw_without_rendering()
    (right,) = ax.child_axes
    assert right.get_ylabel() == "bits per byte"
    expected = np.array(ax.get_ylim()) / (3.0 * math.log(2))
    assert right.get_ylim() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (([1, 2], [1, 2, 3]), r"\(2,\).*\(3,\)"),
        (([], []), r"\(0,\)"),
        (([1], [1], [1, 2], [1]), r"validation.*\(2,\).*\(1,\)"),
        (([1], [1], [1], None), "or neither"),
    ],
)
def test_curves_of_unequal_length_are_refused(arguments, numbers):
    with pytest.raises(ValueError, match=numbers):
        plot_training(*arguments)


def test_bytes_per_token_must_be_positive():
    with pytest.raises(ValueError, match="above 0, got 0"):
        plot_training(STEPS, LOSSES, bytes_per_token=0)


def test_given_axes_leave_pyplot_alone():
    mine, ax = plt.subplots()
    current = plt.figure()
    plot_training(STEPS, LOSSES, ax=ax)
    assert plt.gcf() is current
    assert plt.get_fignums() == [mine.number, current.number]
