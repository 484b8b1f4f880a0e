"""What a plot function says of its figure, and how numbers become text."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz.alternative import alternatives
from llm_notes.viz.description import MAX_ROWS, MAX_TEXT, cell, describe, number, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1.0, "1"), (0.62345, "0.623"), (123456, "123,456"),
        (12345.6, "12,300"), (2.5e-7, "2.5e-07"), (-0.5, "-0.5"), (1e15, "1e+15"),
        (float("nan"), ""), (float("inf"), ""), (np.float32(0.1), "0.1"),
    ],
)  # fmt: skip
def test_a_number_has_three_digits_and_whole_ones_stay_whole(value, text):
    assert number(value) == text


def test_a_cell_has_four_digits_and_no_marks_between_thousands():
    assert [cell(v) for v in (123456, 0.123456, None, float("nan"), " a\n")] == [
        "123456", "0.1235", "", "", "␣a↵",
    ]  # fmt: skip


def test_a_span_leaves_out_what_is_no_number():
    assert span([3, float("nan"), 0.25]) == "0.25 to 3"


def test_what_is_said_of_a_panel_replaces_what_is_read_from_it():
    _, ax = plt.subplots()
    ax.plot([1, 2], [3, 4])
    describe(ax, "first")
    describe(ax, "A line.", ("x", "y"), [(1, 3.0), (2, None)])
    (panel,) = alternatives(ax.figure)
    assert panel.text == "A line."
    assert (panel.head, panel.rows) == (("x", "y"), (("1", "3"), ("2", "")))


def test_without_a_table_the_one_that_is_drawn_is_read():
    _, ax = plt.subplots()
    ax.plot([1, 2], [3, 4], label="a")
    describe(ax, "It rises.")
    (panel,) = alternatives(ax.figure)
    assert (panel.text, panel.head) == ("It rises.", ("x", "a"))


def test_a_description_of_the_figure_covers_its_panels():
    figure, axes = plt.subplots(2)
    axes[0].plot([1, 2], [3, 4])
    describe(axes[1], "a panel")
    describe(figure, "both")
    assert [panel.text for panel in alternatives(figure)] == ["both"]


def test_long_texts_and_tables_are_cut_and_the_text_says_so():
    _, ax = plt.subplots()
    describe(ax, "word " * 200, ("i",), [(i,) for i in range(MAX_ROWS + 7)])
    (panel,) = alternatives(ax.figure)
    assert len(panel.rows) == MAX_ROWS and len(panel.text) <= MAX_TEXT
    assert panel.text.endswith(f"… The table shows the first {MAX_ROWS} of 407 rows.")


def test_a_row_that_does_not_fit_its_head_is_refused():
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="row 1 has 3 cells and the head 2"):
        describe(ax, "text", ("a", "b"), [(1, 2), (1, 2, 3)])
