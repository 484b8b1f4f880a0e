"""Rows of tokens: empty cells stay empty, marks are told, wrong marks refused."""

import pytest

from llm_notes.viz.description import ATTRIBUTE
from llm_notes.viz.token_rows import plot_token_rows

ROWS = {"reads": ["the", "cat", "sat"], "predicts": ["cat", None, "on", "<end>"]}


def test_there_is_a_cell_for_each_token_and_none_for_none():
    ax = plot_token_rows(ROWS, {"reads": [1]}, lines_after=["reads"])
    assert len(ax.patches) == 6
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("cat") == 2 and "predicts" in texts


def test_marks_stand_in_the_table_and_have_another_ground():
    ax = plot_token_rows(ROWS, {"predicts": [0, 3]})
    told = getattr(ax, ATTRIBUTE)
    assert told.head == ("row", "1", "2", "3", "4")
    assert told.rows[0] == ("reads", "the", "cat", "sat", "")
    assert told.rows[1] == ("predicts", "[cat]", "", "on", "[<end>]")
    grounds = [patch.get_facecolor() for patch in ax.patches]
    assert len(set(grounds)) == 2 and grounds[0] != grounds[3]


def test_a_long_token_is_cut():
    ax = plot_token_rows({"reads": ["internationalisation"]})
    assert "interna…" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), "needs a row"),
        (({"a": []},), "needs a row"),
        ((ROWS, {"reads": [3]}), "no cells"),
        ((ROWS, {"other": [0]}), "no cells"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_token_rows(*arguments)
    with pytest.raises(ValueError, match="no row is called"):
        plot_token_rows(ROWS, lines_after=["x"])
