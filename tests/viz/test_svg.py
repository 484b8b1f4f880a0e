import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from llm_notes.viz import (
    figure_svg,
    plot_attention,
    plot_attention_heads,
    plot_token_distribution,
    plot_training,
)

GENERATOR = np.random.default_rng(0)
WEIGHTS = GENERATOR.dirichlet(np.ones(4), size=(2, 3))
STEPS = np.arange(50)
LOSSES = GENERATOR.normal(3, 0.1, 50)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_attention(WEIGHTS[0], list("abc"), list("wxyz")).figure,
        lambda: plot_attention_heads(WEIGHTS, list("abc"), list("wxyz")),
        lambda: plot_training(STEPS, LOSSES, [1, 40], [3, 2]).figure,
        lambda: plot_token_distribution([0.5, 0.3, 0.2], list("abc"), [1, 1, 0]).figure,
    ],
)
def test_the_same_data_gives_the_same_bytes(draw):
    first, second = figure_svg(draw()), figure_svg(draw())
    assert first == second
    assert ElementTree.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"


def test_without_tight_the_picture_has_the_figures_size():
    figure, ax = plt.subplots(figsize=(5, 2))
    ax.plot([1, 2])
    root = ElementTree.fromstring(figure_svg(figure, tight=False))
    assert (root.get("width"), root.get("height")) == ("360pt", "144pt")


def test_markup_and_forbidden_characters_in_labels_stay_text():
    hostile = '</text><script>alert(1)</script> d="M 1.23456 0" \x00 &amp;'
    figure, ax = plt.subplots()
    ax.set_xlabel(hostile, parse_math=False)
    root = ElementTree.fromstring(figure_svg(figure))
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    texts = [e.text for e in root.iter() if e.tag.endswith("}text")]
    assert hostile.replace("\x00", "\ufffd") in texts


def test_shortened_paths_move_by_less_than_a_hundredth_of_a_point():
    figure, ax = plt.subplots()
    ax.plot(STEPS, LOSSES)
    root = ElementTree.fromstring(figure_svg(figure, tight=False))
    drawn = max((e.get("d", "") for e in root.iter()), key=len).replace("L", "M")
    points = np.array([p.split() for p in drawn.split("M") if p.strip()], dtype=float)
    pixels = ax.transData.transform(np.column_stack([STEPS, LOSSES])) / figure.dpi * 72
    height = 72 * figure.get_figheight()
    expected = np.column_stack([pixels[:, 0], height - pixels[:, 1]])
    assert np.abs(points - expected).max() <= 0.011


def test_no_global_setting_changes():
    before = mpl.rcParams.copy()
    figure_svg(plt.figure())
    assert dict(mpl.rcParams) == dict(before)
