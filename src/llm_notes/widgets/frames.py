"""One view of an explorer: what the figure function drew, as SVG or as text.

Knows neither controls nor HTML pages. Every figure that it causes is closed again.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape
from typing import Any
from urllib.parse import quote

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from llm_notes.viz.labels import visible
from llm_notes.viz.svg import figure_svg

# Everything that a URL inside double quotes may hold unescaped; the rest becomes %XX.
_URL_SAFE = " !$'()*+,-./:;=?@_~"
_DESCRIBED = re.compile(r"(<svg\b[^>]*>)\s*<desc>([^<]*)</desc>")


@dataclass(frozen=True)
class Numbers:
    """What a picture shows, as a table: `head` names the columns of `rows`."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Frame:
    """`kind` is "svg" (a picture) or "text" (shown preformatted).

    text, numbers: the same in words and as a table, when the picture says so itself.
    """

    kind: str
    content: str
    text: str = ""
    numbers: Numbers | None = None

    @property
    def size(self) -> int:
        """Bytes of the picture and its numbers."""
        cells = ()
        if self.numbers is not None:
            cells = (*self.numbers.head, *(c for row in self.numbers.rows for c in row))
        return sum(
            len(part.encode("utf-8", "replace")) for part in (self.content, *cells)
        )


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
        return svg_frame(figure_svg(figure, figure.get_layout_engine() is None))
    except Exception as error:
        called = ", ".join(f"{name}={value!r}" for name, value in values.items())
        error.add_note(f"while the explorer drew {called}")
        raise
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def svg_frame(svg: str) -> Frame:
    """Return the frame of a picture, with the text and the numbers that it carries.

    They stand as JSON in a `<desc>` right after the opening tag, a list of {"text",
    "head", "rows"} with one entry for each panel, where no reader finds them once the
    picture is an `<img>`: they are taken out here. Any other `<desc>` stays.
    """
    found = _DESCRIBED.match(svg)
    if not found:
        return Frame("svg", svg)
    try:
        panels = json.loads(unescape(found[2]))
        text = " ".join(str(panel.get("text") or "") for panel in panels)
        numbers = _joined([panel for panel in panels if panel.get("rows")])
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Frame("svg", svg)
    text = visible(" ".join(text.split()), edges=False)
    return Frame("svg", found[1] + svg[found.end() :], text, numbers)


def _joined(panels: list[dict[str, Any]]) -> Numbers | None:
    """The tables of all panels below each other; a head of its own becomes a row."""
    if not panels:
        return None
    head, rows = None, []
    for panel in panels:
        own = tuple(map(_cell, panel.get("head") or ()))
        if head is None:
            head = own
        elif own != head:
            rows.append(own)
        rows += [tuple(map(_cell, row)) for row in panel["rows"]]
    return Numbers(head, tuple(rows))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


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


def numbers_html(numbers: Numbers, caption: str) -> str:
    """Return the table as HTML; what is in its cells is text."""

    def row(tag: str, cells: tuple[str, ...]) -> str:
        shown = (f"<{tag} dir='auto'>{escape(visible(c))}</{tag}>" for c in cells)
        return f"<tr>{''.join(shown)}</tr>"

    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead>{row('th', numbers.head)}</thead>"
        f"<tbody>{''.join(row('td', cells) for cells in numbers.rows)}</tbody></table>"
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
