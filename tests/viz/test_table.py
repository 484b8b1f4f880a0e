"""A table shows what a cell computed."""

import numpy as np
import pytest
import torch

from llm_notes.viz import table


def test_numbers_are_shown_with_three_significant_digits():
    text = str(table(["model", "bits"], ["GPT", 1.61864], ["bigram", 2.5]))
    assert text.splitlines() == [
        "| model | bits |",
        "|---|---|",
        "| GPT | 1.62 |",
        "| bigram | 2.50 |",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (1234567, "1,234,567"),
        (np.int64(1200), "1,200"),
        (np.float32(0.5), "0.500"),
        (12345.6, "12,346"),
        (2e-7, "2.0e−07"),
    ],
)
def test_whole_numbers_keep_all_digits(cell, shown):
    assert f"| {shown} |" in str(table(["n"], [cell]))


def test_text_that_holds_a_bar_or_a_line_end_stays_in_its_cell():
    lines = str(table(["token"], ["a|b\nc"], [True])).splitlines()
    assert lines[2:] == [r"| a\|b c |", "| True |"]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="3 cells, the header has 2"):
        table(["a", "b"], [1, 2, 3])


def test_a_column_without_a_name_is_refused():
    with pytest.raises(ValueError, match="has no name"):
        table(["", "bits"], ["GPT", 1.6])


def test_rows_may_be_counted_out_once():
    rows = (iter([name, n]) for name, n in (("a", 1), ("b", 2)))
    assert str(table(iter(["name", "n"]), *rows)).splitlines()[2:] == [
        "| a | 1 |",
        "| b | 2 |",
    ]


def test_an_empty_row_is_too_short():
    with pytest.raises(ValueError, match="0 cells, the header has 2"):
        table(["a", "b"], [])


def test_rows_in_one_list_are_refused():
    rows = [["GPT", 1.6], ["bigram", 2.5]]
    with pytest.raises(ValueError, match=r"table\(header, \*rows\)"):
        table(["model", "bits"], rows)


@pytest.mark.parametrize("one", [torch.tensor(0.25), np.array(0.25)])
def test_an_array_of_one_number_is_a_number(one):
    assert "| 0.250 |" in str(table(["p"], [one]))


def test_a_notebook_shows_markdown_and_a_terminal_the_same():
    shown = table(["a"], [1])
    assert shown._repr_markdown_() == repr(shown) == "| a |\n|---|\n| 1 |"
