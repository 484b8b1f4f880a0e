"""The wall's figure: a mark for each error, none lost, zero included."""

import matplotlib.pyplot as plt
import pytest

from llm_notes.viz.parity import FLOOR, plot_parity


def test_each_error_has_its_mark_in_the_row_of_its_name():
    ax = plot_parity(["a", "b", "c"], [1e-7, 0.0, 2e-6], [3e-7, None, 0.0], 1e-5)
    outputs, diamonds = ax.lines[1], ax.lines[2]
    assert list(outputs.get_xdata()) == [1e-7, FLOOR, 2e-6]
    assert list(diamonds.get_xdata()) == [3e-7, FLOOR]
    assert [round(float(y)) for y in diamonds.get_ydata()] == [0, 2]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.lines[0].get_xdata()[0] == 1e-5
    assert ax.yaxis_inverted()
    plt.close(ax.figure)


def test_a_name_without_its_errors_is_refused():
    with pytest.raises(ValueError, match="2 names, 1 and 2 errors"):
        plot_parity(["a", "b"], [0.0], [0.0, 0.0], 1e-5)
