import numpy as np
import pytest
from matplotlib.patches import Rectangle

from llm_notes.viz import figure_svg
from llm_notes.viz.next_token import plot_next_token

TOKENS = ["a", " ", "$x$", "\n", "b"]
LABELS = ["p", "q", "r"]
P = np.array([0.2, 0.7, 0.1])


def cells(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]


def test_cells_tell_unread_unknown_and_known_tokens_apart():
    figure = plot_next_token(TOKENS, 4, 2, P, LABELS, top=3)
    looks = [
        (c.get_facecolor(), c.get_edgecolor(), c.get_hatch()) for c in cells(figure)
    ]
    assert len(looks) == len(TOKENS) + 1
    unread, unknown, known, asked = looks[0], looks[1], looks[3], looks[5]
    assert looks == [unread, unknown, unknown, known, known, asked]
    assert len({unread, unknown, known, asked}) == 4


def test_a_model_of_order_one_reads_nothing():
    figure = plot_next_token(TOKENS, 0, 0, P, LABELS, top=3)
    assert len({c.get_edgecolor() for c in cells(figure)[:-1]}) == 1
    assert {c.get_hatch() for c in cells(figure)} == {None}


def test_tokens_are_shown_literally_and_the_last_cell_asks():
    figure = plot_next_token(TOKENS, 4, 2, P, LABELS, top=3)
    texts = figure.axes[0].texts
    assert [t.get_text() for t in texts] == ["a", "␣", "$x$", "↵", "b", "?"]
    assert not any(t.get_parse_math() for t in texts)
    assert "$x$" in figure_svg(figure)


def test_bars_are_the_most_probable_tokens():
    bars = plot_next_token(TOKENS, 4, 2, P, LABELS, top=2).axes[1]
    assert [t.get_text() for t in bars.get_yticklabels()] == ["q", "p"]
    assert [b.get_width() for b in bars.containers[0]] == pytest.approx([0.7, 0.2])


@pytest.mark.parametrize(("n_read", "n_known"), [(6, 2), (2, 3), (2, -1)])
def test_lengths_that_contradict_each_other_are_refused(n_read, n_known):
    with pytest.raises(ValueError, match=f"n_known = {n_known}, n_read = {n_read}"):
        plot_next_token(TOKENS, n_read, n_known, P, LABELS)
