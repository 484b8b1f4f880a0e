"""The tree of a search: where nodes stand, what is drawn, what is refused."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from llm_notes.viz.description import ATTRIBUTE
from llm_notes.viz.search_tree import MAX_NODES, plot_search_tree

NODES = {
    ("a",): 0.6,
    ("a", "b"): 0.3,
    ("a", "c"): 0.3,
    ("d",): 0.4,
    ("d", "$e"): 0.36,
}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_each_beginning_shows_its_last_token_and_its_probability():
    ax = plot_search_tree(NODES)
    assert texts(ax) == ["a  0.6", "b  0.3", "c  0.3", "d  0.4", "$e  0.36"]
    assert not any(text.get_parse_math() for text in ax.texts)


def test_parents_stand_in_the_middle_of_their_children_and_depth_grows_right():
    ax = plot_search_tree(NODES)
    places = dict(zip(NODES, (t.get_position() for t in ax.texts), strict=True))
    assert places["a",][0] == places["d",][0] == 1
    assert places["a", "b"][0] == places["d", "$e"][0] == 2
    assert places["a",][1] == (places["a", "b"][1] + places["a", "c"][1]) / 2
    assert len({places[path][1] for path in NODES if len(path) == 2}) == 3


def test_a_path_is_drawn_from_the_root_and_named():
    ax = plot_search_tree(NODES, {"best": ("d", "$e")})
    thick = [line for line in ax.lines if line.get_linewidth() > 1]
    assert [list(line.get_xdata()) for line in thick] == [[0, 1], [1, 2]]
    assert thick[0].get_ydata()[1] == thick[1].get_ydata()[0]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["best"]


def test_two_paths_differ_by_more_than_colour():
    ax = plot_search_tree(NODES, {"one": ("a", "b"), "two": ("a", "c")})
    thick = [line for line in ax.lines if line.get_linewidth() > 1]
    assert thick[0].get_linestyle() != thick[-1].get_linestyle()


def test_it_says_what_it_shows():
    ax = plot_search_tree(NODES, {"best": ("d", "$e")})
    said = getattr(ax, ATTRIBUTE)
    assert said.text == "A tree of 5 beginnings. best: “d $e” 0.36"
    assert said.rows[3] == ("d", "0.4", "best")
    assert said.rows[0] == ("a", "0.6", "")


def test_it_draws_into_given_axes():
    _, ax = plt.subplots()
    assert plot_search_tree(NODES, ax=ax) is ax


@pytest.mark.parametrize(
    ("nodes", "paths", "says"),
    [
        ({}, {}, "got 0"),
        ({(f"t{i}",): 0.0 for i in range(MAX_NODES + 1)}, {}, "leave out"),
        ({("a", "b"): 0.1}, {}, "hangs in the air"),
        ({(): 1.0}, {}, "hangs in the air"),
        ({("a",): -0.1}, {}, "0 or more"),
        ({("a",): float("nan")}, {}, "0 or more"),
        (NODES, {"lost": ("b",)}, "is no node"),
        (NODES, {"empty": ()}, "is no node"),
    ],
)
def test_what_cannot_be_drawn_is_refused(nodes, paths, says):
    with pytest.raises(ValueError, match=says):
        plot_search_tree(nodes, paths)
