"""A figure says what it shows, read from what was drawn."""

import json
import re
from html import unescape

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from llm_notes.viz import figure_svg, plot_attention, plot_bars
from llm_notes.viz.alternative import alternatives
from llm_notes.viz.reading import MAX_ROWS

mpl.use("agg")
HOSTILE = "</desc><script>alert(1)</script>\u202e$x$"


@pytest.fixture
def axes():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def only(ax):
    (panel,) = alternatives(ax.figure)
    return panel


def test_lines_over_the_same_x_share_a_table(axes):
    axes.plot([1, 2, 3], [3.0, 1.0, 0.5], label="train")
    axes.plot([1, 2, 3], [4.0, 2.0, float("nan")], label="held out")
    axes.set(xlabel="step", ylabel="loss")
    panel = only(axes)
    assert panel.text == (
        "Lines or points of loss over step: train from 3 to 0.5; held out from 4 to 2."
    )
    assert panel.head == ("step", "train", "held out")
    assert panel.rows[0] == ("1", "3", "4")
    assert panel.rows[2] == ("3", "0.5", "")


def test_lines_over_different_x_stand_below_each_other(axes):
    axes.plot([1, 2], [3, 1], label="a")
    axes.scatter([5, 6, 7], [1, 2, 3], label="b")
    panel = only(axes)
    assert panel.head == ("series", "x", "y")
    assert [row[0] for row in panel.rows] == ["a", "a", "b", "b", "b"]


def test_a_level_that_helps_the_eye_is_no_data(axes):
    axes.plot([1, 2], [3, 1], label="a")
    axes.axhline(2, label="bound")
    axes.axvline(1.5)
    assert only(axes).head == ("x", "a")


def test_a_long_line_is_thinned_and_says_so(axes):
    axes.plot(np.arange(10_000), np.arange(10_000) * 2.0)
    panel = only(axes)
    assert len(panel.rows) == MAX_ROWS
    assert panel.rows[0] == ("0", "0") and panel.rows[-1] == ("9999", "19998")
    assert f"{MAX_ROWS} of up to 10,000 points" in panel.text


def test_bars_name_the_largest_and_the_smallest():
    ax = plot_bars([0.5, 2.0, 0.25], ["x", "y", "z"], value_label="bits")
    panel = only(ax)
    assert panel.text == "Bars of bits: largest y, 2; smallest z, 0.25."
    assert ("z", "0.25") in panel.rows
    plt.close(ax.figure)


def test_a_map_has_its_tokens_and_its_largest_weight():
    weights = np.array([[1.0, 0, 0], [0.3, 0.7, 0], [0.1, 0.6, 0.3]])
    ax = plot_attention(weights, ["the", " cat", "sat"])
    panel = only(ax)
    assert panel.text == (
        "Attention of 3 queries over 3 keys; row '␣cat' looks most at '␣cat' (0.7)."
    )
    assert panel.head == ("query", "the", "␣cat", "sat")
    assert panel.rows[2] == ("sat", "0.1", "0.6", "0.3")
    plt.close(ax.figure)


def test_a_large_map_has_words_and_no_table(axes):
    axes.imshow(np.random.default_rng(0).random((60, 60)))
    assert only(axes).text.startswith("A map of 60 by 60")
    assert only(axes).rows == ()


def test_each_panel_is_described_and_an_empty_one_is_not():
    figure, axes = plt.subplots(1, 3)
    axes[0].plot([1, 2], [1, 2])
    axes[1].bar(["a"], [1])
    assert len(alternatives(figure)) == 2
    plt.close(figure)


def description(svg):
    (text,) = re.findall(r"^<svg [^>]*>\s*<desc>([^<]*)</desc>", svg)
    return json.loads(unescape(text))


def test_the_svg_carries_it_and_text_from_data_stays_text(axes):
    axes.plot([1, 2], [3, 4], label=HOSTILE)
    svg = figure_svg(axes.figure)
    (panel,) = description(svg)
    assert panel["head"] == ["x", "</desc><script>alert(1)</script>U+202E$x$"]
    assert "<script" not in svg
    assert figure_svg(axes.figure) == svg  # the same bytes again


def test_a_figure_without_data_has_no_description(axes):
    assert "<desc>" not in figure_svg(axes.figure)


def test_figures_in_a_notebook_carry_it_from_the_first_one_on(tmp_path):
    sources = [
        "import matplotlib.pyplot as plt\nfrom llm_notes.viz import use_style\n"
        "use_style()",
        "plt.plot([1, 2], [3, 4])\nplt.show()",
        "plt.bar(['a', 'b'], [1, 2]);",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", resources=resources).execute()
    for cell, start in zip(notebook.cells[1:], ("Lines", "Bars"), strict=True):
        pictures = [o for o in cell.outputs if "image/svg+xml" in o.get("data", {})]
        (picture,) = pictures
        (panel,) = description(picture.data["image/svg+xml"])
        assert panel["text"].startswith(start)
