"""One view of an explorer: what the figure function drew, as SVG or as text.

Knows neither controls nor HTML pages. Every figure that it causes is closed again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from llm_notes.viz.labels import visible
from llm_notes.viz.svg import figure_svg

# Everything that a URL inside double quotes may hold unescaped; the rest becomes %XX.
_URL_SAFE = " !$'()*+,-./:;=?@_~"


@dataclass(frozen=True)
class Frame:
    """`kind` is "svg" (a picture) or "text" (shown preformatted)."""

    kind: str
    content: str


def draw_frame(figure_function: Callable, values: dict) -> Frame:
    """Call `figure_function(**values)` once and return what it drew.

    It may return a Figure, an Axes or a str, or return None and leave a new current
    pyplot figure. Anything else raises TypeError. Its own errors pass through, with a
    note that says which values caused them.
    """
    before = set(plt.get_fignums())
    try:
        result = figure_function(**values)
        if isinstance(result, str):
            # Bytes that change the text around them are made visible; lines stay.
            return Frame("text", visible(result, edges=False, keep="\n"))
        figure = _figure_of(result, before)
        # With a layout engine everything fits inside the figure's own size, and frames
        # of one size do not jump. Without one, only cropping shows all of the labels.
        return Frame("svg", figure_svg(figure, figure.get_layout_engine() is None))
    except Exception as error:
        called = ", ".join(f"{name}={value!r}" for name, value in values.items())
        error.add_note(f"while the explorer drew {called}")
        raise
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _figure_of(result, before: set[int]) -> Figure:
    if result is None and set(plt.get_fignums()) - before:
        return plt.figure(max(set(plt.get_fignums()) - before))
    if isinstance(result, Axes):
        result = result.figure
    while isinstance(result, SubFigure):
        result = result.figure
    if isinstance(result, Figure):
        return result
    raise TypeError(
        "the figure function must return a matplotlib Figure, an Axes or a str, or "
        f"leave a new pyplot figure; it returned {type(result).__name__}"
    )


def frame_html(frame: Frame, description: str) -> str:
    """Return the frame as one `<img>` or `<pre>`; its content can only be looked at.

    Inside `<img>` an SVG can neither run a script nor share ids with another one.
    The class "dark-light" tells the site's theme that the picture minds dark mode.
    """
    if frame.kind == "text":
        return f'<pre aria-live="polite" dir="auto">{escape(frame.content)}</pre>'
    url = "data:image/svg+xml;charset=utf-8," + quote(frame.content, safe=_URL_SAFE)
    return f'<img class="dark-light" alt="{escape(description)}" src="{url}">'
