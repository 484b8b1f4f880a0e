"""Paths over a loss: drawn as they are, cut where they run away, told in words."""

import numpy as np
import pytest

from llm_notes.viz.descent import plot_descent
from llm_notes.viz.description import ATTRIBUTE

X, Y = np.linspace(-2, 2, 9), np.linspace(-1, 1, 5)
HEIGHTS = X**2 + 5 * Y[:, None] ** 2
PATH = np.array([[-1.5, 0.8], [-1.0, -0.4], [0.0, 0.1]])


def test_a_path_is_drawn_where_it_went():
    ax = plot_descent(X, Y, HEIGHTS, {"SGD": PATH, "Adam": PATH / 2})
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), PATH)
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), PATH / 2)
    assert ax.get_xlim() == (-2, 2) and ax.get_ylim() == (-1, 1)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["SGD", "Adam"]


def test_a_path_that_runs_away_is_cut_and_told():
    path = np.array([[0.0, 0.5], [0.0, -4e6], [0.0, 9e9]])
    ax = plot_descent(X, Y, HEIGHTS, {"SGD": path}, minimum=(0.5, 0.25))
    assert np.abs(ax.lines[0].get_ydata()).max() <= 3
    told = getattr(ax, ATTRIBUTE)
    assert "SGD ends at (0, 9" in told.text and "0.5, 0.25" in told.text
    assert len(told.rows) == 3


@pytest.mark.parametrize(
    ("heights", "paths", "message"),
    [
        (HEIGHTS.T, {"a": PATH}, "5 rows for y and 9"),
        (HEIGHTS, {}, "at least one path"),
        (HEIGHTS, {"a": PATH.T}, "must be"),
        (HEIGHTS, {"a": PATH + np.inf}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(heights, paths, message):
    with pytest.raises(ValueError, match=message):
        plot_descent(X, Y, heights, paths)
