import pytest
from matplotlib.patches import Rectangle

from llm_notes.viz import figure_svg
from llm_notes.viz.pieces import plot_pieces

TEXT = "a $b"
CUTS = {
    "letters": [(0, 1, True), (1, 2, True), (2, 3, True), (3, 4, True)],
    "words": [(0, 1, True), (2, 4, False)],
}


def cells(ax):
    return [p for p in ax.patches if isinstance(p, Rectangle)]


def test_each_piece_is_a_cell_in_the_row_of_its_cut():
    drawn = cells(plot_pieces(TEXT, CUTS))
    rows = [round(c.get_y() + c.get_height() / 2) for c in drawn]
    assert rows == [0, 0, 0, 0, 1, 1]
    assert [round(c.get_x()) for c in drawn] == [0, 1, 2, 3, 0, 2]
    assert [round(c.get_width()) for c in drawn] == [1, 1, 1, 1, 1, 2]


def test_neighbours_differ_and_what_is_unknown_is_hatched():
    drawn = cells(plot_pieces(TEXT, CUTS))
    looks = [(c.get_facecolor(), c.get_hatch()) for c in drawn]
    assert looks[0] != looks[1] and looks[0] == looks[2]
    assert [hatch for _, hatch in looks] == [None] * 5 + ["////"]
    assert plot_pieces(TEXT, CUTS).get_legend() is not None
    known = {"letters": CUTS["letters"]}
    assert plot_pieces(TEXT, known).get_legend() is None


def test_letters_stand_in_every_row_and_lost_ones_are_grey():
    texts = plot_pieces(TEXT, CUTS).texts
    assert "".join(t.get_text() for t in texts) == "a␣$b" * 2
    colours = [t.get_color() for t in texts]
    assert colours[5] != colours[4]  # the space that "words" drops
    assert colours.count(colours[5]) == 1


def test_text_is_shown_literally():
    ax = plot_pieces("$x$", {"$y$": [(0, 3, True)]})
    assert not any(t.get_parse_math() for t in ax.texts)
    assert "$y$" in figure_svg(ax.figure)


def test_names_say_how_many_pieces_there_are():
    labels = plot_pieces(TEXT, CUTS).get_yticklabels()
    assert [label.get_text() for label in labels] == ["letters: 4", "words: 2"]


def test_the_alternative_counts_the_pieces():
    assert "4 by letters, 2 by words" in figure_svg(plot_pieces(TEXT, CUTS).figure)


@pytest.mark.parametrize("text", ["", "x" * 49])
def test_a_text_that_does_not_fit_is_refused(text):
    with pytest.raises(ValueError, match=f"got {len(text)} characters"):
        plot_pieces(text, CUTS)


def test_no_cut_is_refused():
    with pytest.raises(ValueError, match="0 cuts"):
        plot_pieces(TEXT, {})


@pytest.mark.parametrize(
    "pieces",
    [[(0, 5, True)], [(2, 2, True)], [(1, 3, True), (2, 4, True)], [(-1, 2, True)]],
)
def test_pieces_that_overlap_or_leave_the_text_are_refused(pieces):
    with pytest.raises(ValueError, match="does not fit"):
        plot_pieces(TEXT, {"cut": pieces})
