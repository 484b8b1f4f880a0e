"""Each figure of the package says in words and numbers what it shows."""

import importlib
import json
import pkgutil
import re
import xml.etree.ElementTree as ElementTree
from html import unescape

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

import llm_notes.viz
from llm_notes.viz import figure_svg
from llm_notes.viz.description import MAX_ROWS, MAX_TEXT

RANDOM = np.random.default_rng(0)
HOSTILE = "</desc><script>alert(1)</script>$x_\u202e\n"
MAPS = RANDOM.dirichlet(np.ones(4), size=(2, 3))  # (H, T, S)
P = np.array([0.5, 0.3, 0.2])
STEPS = np.arange(30)

# fmt: off
# Each with a hostile string wherever text from data goes in.
DRAWN = {
    "plot_attention": lambda f: f(MAPS[0], ["a", HOSTILE, "c"], list("wxyz")),
    "plot_attention_heads": lambda f: f(MAPS, ["a", HOSTILE, "c"], list("wxyz")),
    "plot_bars": lambda f: f([1, 2], ["a", HOSTILE]),
    "plot_cache_growth": lambda f: f({HOSTILE: STEPS * 99, "windowed": STEPS * 0 + 4}),
    "plot_code_lengths": lambda f: f("to be", {HOSTILE: ([2, 5], [3, 4])}),
    "plot_confusion": lambda f: f([[3, 1], [0, 2]], ["a", HOSTILE]),
    "plot_descent": lambda f: f(
        [-1, 0, 1], [0, 1], [[1, 0, 1], [2, 1, 2]], {HOSTILE: [[-1, 1], [0, 0]]}
    ),
    "plot_divergence_gap": lambda f: f(0.3, 0.6),
    "plot_embeddings": lambda f: f(
        RANDOM.normal(size=(3, 2)),
        ["a", HOSTILE, "c"],
        groups=["x", HOSTILE, "x"],
        chosen=1,
        neighbours=[2],
    ),
    "plot_generation_steps": lambda f: f([P, P], [0, 2], ["a", "b", HOSTILE], top=2),
    "plot_gradient_by_lag": lambda f: f({HOSTILE: 0.5 ** np.arange(9)}),
    "plot_jacobian": lambda f: f([[1, -1, 0]], ["p"], ["a", HOSTILE, "c"]),
    "plot_likelihood_surface": lambda f: f(P, [[0, 0, 0], [1, 0, 0]]),
    "plot_mask": lambda f: f(np.tri(3, 4, dtype=bool), ["a", HOSTILE, "c"], "wxyz"),
    "plot_matrix_product": lambda f: f(
        MAPS[0],
        MAPS[0].T,
        MAPS[0] @ MAPS[0].T,
        names="abc",
        letters="TKS",
        rows=["a", HOSTILE, "c"],
    ),
    "plot_model": lambda f: f(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))),
    "plot_next_token": lambda f: f(["a", HOSTILE], 2, 1, P, ["a", "b", HOSTILE]),
    "plot_parity": lambda f: f(["a", HOSTILE], [1e-7, 0], [None, 1e-6], 1e-5),
    "plot_pieces": lambda f: f("a $b", {HOSTILE: [(0, 1, True), (2, 4, False)]}),
    "plot_positions": lambda f: f(RANDOM.normal(size=(12, 6))),
    "plot_products_by_distance": lambda f: f(RANDOM.normal(size=(4, 5))),
    "plot_reliability": lambda f: f(P, P, P, HOSTILE),
    "plot_residual_stack": lambda f: f(
        [(HOSTILE, "(V,)")], [[("b", "(D,)")]], [("c", "(V,)")], stream="(T, D)"
    ),
    "plot_rotations": lambda f: f(RANDOM.normal(size=(5, 3, 2))),
    "plot_runs": lambda f: f({HOSTILE: RANDOM.normal(size=(3, 30)), "b": STEPS}),
    "plot_scaling": lambda f: f([1, 10, 100], [3, 2, 1.6], (2, 0.5, 1)),
    "plot_search_tree": lambda f: f(
        {("a",): 0.6, ("a", HOSTILE): 0.3}, {HOSTILE: ("a", HOSTILE)}
    ),
    "plot_softmax_sharpness": lambda f: f(P, P[::-1], [1, 4], [1, 0.2], [1, 0.9], 4),
    "plot_timeline": lambda f: f(["1948-07", "2017-06"], ["a", HOSTILE], ["b", "c"]),
    "plot_token_distribution": lambda f: f(P, ["a", "b", HOSTILE], [True, True, False]),
    "plot_token_rows": lambda f: f({"a": ["x", HOSTILE], HOSTILE: [None, "y"]}),
    "plot_trade_off": lambda f: f(
        {"a": ([1, 2], [3, 4], ["t", HOSTILE])}, {"b": (2, 3)}, "x", "y"
    ),
    "plot_training": lambda f: f(STEPS, 3 - STEPS / 30, [0, 9], [3, 2], label=HOSTILE),
    "plot_training_panels": lambda f: f(
        STEPS, STEPS + 1, learning_rate=STEPS, gradient_norm=STEPS + 1, clip=3
    ),
}
# fmt: on


def functions():
    found = {}
    for info in pkgutil.iter_modules(llm_notes.viz.__path__):
        module = importlib.import_module(f"llm_notes.viz.{info.name}")
        found |= {
            name: value for name, value in vars(module).items()
            if name.startswith("plot_")
        }  # fmt: skip
    return found


FUNCTIONS = functions()


def test_no_figure_is_left_out_here():
    assert FUNCTIONS.keys() == DRAWN.keys()


def draw(name) -> Figure:
    drawn = DRAWN[name](FUNCTIONS[name])
    return drawn if isinstance(drawn, Figure) else drawn.figure


@pytest.mark.parametrize("name", DRAWN)
def test_it_says_what_it_shows_and_text_from_data_stays_text(name):
    svg = figure_svg(draw(name))
    root = ElementTree.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    (text,) = re.findall(r"^<svg [^>]*>\n<desc>([^<]*)</desc>", svg)
    panels = json.loads(unescape(text))
    assert panels
    for panel in panels:
        assert len(panel["text"]) <= MAX_TEXT
        assert re.search(r"\d", panel["text"]), panel["text"]
        assert "\n" not in panel["text"] and "\u202e" not in panel["text"]
        assert 0 < len(panel["rows"]) <= MAX_ROWS
        for row in panel["rows"]:
            assert len(row) == len(panel["head"])
            assert all(isinstance(cell, str) for cell in row)
        if name != "plot_bars":  # its sentence is read, all others are made from data
            assert not panel["text"].startswith(("Lines or points", "A map of"))


@pytest.mark.parametrize("name", DRAWN)
def test_a_phone_can_show_it_and_no_text_is_tiny(name):
    figure = draw(name)
    assert figure.get_figwidth() <= 7.2
    texts = figure.findobj(Text)
    assert min(t.get_fontsize() for t in texts if t.get_text()) >= 7
