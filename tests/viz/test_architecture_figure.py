import pytest
from matplotlib.patches import FancyBboxPatch

from llm_notes.viz import figure_svg
from llm_notes.viz.architecture import plot_residual_stack

SOURCES = [("tokens", "(2, 3, 4)"), ("positions", "(3, 4)")]
BRANCHES = [
    [("norm a", "(2, 3, 4)"), ("attention", "(2, 3, 4)")],
    [("norm b", "(2, 3, 4)"), ("up", "(2, 3, 8)"), ("down", "(2, 3, 4)")],
]
OUTPUTS = [("last norm", "(2, 3, 4)"), ("logits", "(2, 3, 5)")]


def drawn(sources=SOURCES, branches=BRANCHES, outputs=OUTPUTS, **options):
    return plot_residual_stack(sources, branches, outputs, stream="stream", **options)


def heights(ax):
    return {text.get_text(): text.get_position()[1] for text in ax.texts}


def test_every_part_is_drawn_with_its_shape():
    texts = [text.get_text() for text in drawn(repeat="× 7").texts if text.get_text()]
    parts = [*SOURCES, *BRANCHES[0], *BRANCHES[1], *OUTPUTS]
    for name, shape in parts:
        assert texts[texts.index(name) + 1] == shape
    assert len(texts) == 2 * len(parts) + len(["stream", "× 7"])


def test_parts_rise_in_the_order_of_the_computation():
    y = heights(drawn())
    order = ["tokens", "positions", "norm a", "attention", "norm b", "up", "down"]
    order += ["last norm", "logits"]
    assert sorted(order, key=y.get) == order


def test_the_frame_holds_the_branches_and_nothing_else():
    ax = drawn(repeat="× 7")
    (frame,) = (
        patch
        for patch in ax.patches
        if isinstance(patch, FancyBboxPatch) and patch.get_zorder() < 0
    )
    bottom, top = frame.get_y(), frame.get_y() + frame.get_height()
    y = heights(ax)
    inside = {name for name in y if name and bottom < y[name] < top}
    names = {"norm a", "attention", "norm b", "up", "down", "× 7", "stream"}
    assert inside - {"(2, 3, 4)", "(2, 3, 8)"} == names


@pytest.mark.parametrize("n_branches", [1, 2, 5])
def test_each_branch_and_each_further_source_is_added_once(n_branches):
    ax = drawn(branches=[[("part", "(4,)")]] * n_branches)
    pluses = [line for line in ax.get_lines() if line.get_marker() == "+"]
    assert len(pluses) == n_branches + len(SOURCES) - 1
    places = [float(line.get_ydata()[0]) for line in pluses]
    assert len(set(places)) == len(places)


def test_a_branch_of_one_part_is_left_above_where_it_is_entered():
    ax = drawn(sources=SOURCES[:1], branches=[[("part", "(4,)")]])
    y = {line.get_marker(): line.get_ydata()[0] for line in ax.get_lines()}
    reads = min(
        line.get_ydata()[0] for line in ax.get_lines() if line.get_marker() == "o"
    )
    assert reads < y["+"]


def test_names_are_shown_literally():
    ax = drawn(outputs=[("$V$ <b>", "(V,\n)")])
    shown = {text.get_text() for text in ax.texts}
    assert {"$V$ <b>", "(V,↵)"} <= shown
    assert not any(text.get_parse_math() for text in ax.texts if text.get_text())
    assert "&lt;b&gt;" in figure_svg(ax.figure)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"sources": []}, "sources"),
        ({"branches": []}, "branches"),
        ({"outputs": []}, "outputs"),
        ({"branches": [BRANCHES[0], []]}, "branch 1"),
    ],
)
def test_empty_parts_are_named(given, missing):
    with pytest.raises(ValueError, match=f"^{missing} must hold at least one part"):
        drawn(**given)
