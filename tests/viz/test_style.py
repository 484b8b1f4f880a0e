import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from llm_notes.viz import ATTENTION_COLOURS, PALETTE, use_style

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
PROTANOPIA = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]


def light_theme(rgb):
    return rgb


def dark_theme(rgb):
    """invert(.93) hue-rotate(180deg), as the CSS filter specification computes it."""
    inverted = rgb * (1 - 2 * 0.93) + 0.93
    grey = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * (inverted @ grey) - inverted, 0, 1)


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(rgb):
    return float(linear(rgb) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    bright, dim = sorted([luminance(a), luminance(b)], reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def lab(linear_rgb):
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ np.clip(linear_rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", [light_theme, dark_theme])
def test_every_colour_stands_out_from_the_page_in_both_themes(theme):
    page = theme(np.ones(3))
    for colour in PALETTE:
        assert contrast(theme(np.array(mpl.colors.to_rgb(colour))), page) >= 3, colour


@pytest.mark.parametrize("theme", [light_theme, dark_theme])
@pytest.mark.parametrize("vision", [np.eye(3), PROTANOPIA, DEUTERANOPIA])
def test_colours_stay_apart_for_colour_blind_readers(theme, vision):
    seen = [
        lab(np.asarray(vision) @ linear(theme(np.array(mpl.colors.to_rgb(colour)))))
        for colour in PALETTE
    ]
    for i, a in enumerate(seen):
        for j, b in enumerate(seen[:i]):
            assert np.linalg.norm(a - b) > 10, (PALETTE[i], PALETTE[j])


def test_attention_colours_start_at_white_and_only_get_darker():
    shades = [np.array(ATTENTION_COLOURS(x)[:3]) for x in np.linspace(0, 1, 50)]
    assert shades[0].tolist() == [1, 1, 1]
    assert np.all(np.diff([luminance(shade) for shade in shades]) < 0)


def test_use_style_works_without_ipython():
    code = (
        "import sys; sys.modules['IPython'] = None\n"
        "import matplotlib as mpl; mpl.use('agg')\n"
        "from llm_notes.viz import use_style; use_style(); use_style()\n"
        "print(mpl.rcParams['svg.fonttype'], mpl.rcParams['axes.spines.top'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["none", "False"]


def test_use_style_makes_inline_figures_svg_without_a_date():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import matplotlib as mpl
mpl.use("module://matplotlib_inline.backend_inline")
from llm_notes.viz import use_style
use_style()
import matplotlib.pyplot as plt
figure, ax = plt.subplots()
ax.plot([1, 2])
data, _ = shell.display_formatter.format(figure)
assert "image/png" not in data, list(data)
svg = data["image/svg+xml"]
again, _ = shell.display_formatter.format(figure)
print(svg == again["image/svg+xml"], "<dc:date>" in svg, "<svg" in svg)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", "True"], done.stderr


def test_use_style_silences_the_false_warning_about_glyphs(recwarn):
    from llm_notes.viz import figure_svg, plot_bars

    use_style()
    assert "中文" in figure_svg(plot_bars([1.0], ["中文"]).figure)
    assert not recwarn.list
