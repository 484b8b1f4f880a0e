"""The half of an explorer that lives in a kernel: ipywidgets that call Python.

Works with ipywidgets 7.7 (Colab) and 8. Knows how to show a view, not how to draw it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets

from llm_notes.viz.labels import visible
from llm_notes.widgets.controls import Control
from llm_notes.widgets.frames import Frame, frame_html, numbers_html
from llm_notes.widgets.live_fields import STYLE, live_field


@dataclass(frozen=True)
class View:
    """What one combination of values shows; `numbers` is a table or empty."""

    html: str
    numbers: str = ""


def one_view(frame: Frame, description: str, title: str) -> View:
    """A picture and its numbers."""
    table = numbers_html(frame.numbers, title) if frame.numbers else ""
    return View(_picture_html(frame, description), table)


def many_views(
    views: Sequence[tuple[Frame, str]], names: Sequence[str], title: str
) -> View:
    """Pictures side by side, each with its name above it, and the numbers of all."""
    figures, tables = [], []
    for (frame, description), name in zip(views, names, strict=True):
        figures.append(
            '<figure style="flex: 1 1 14rem; min-width: 0; margin: 0">'
            f"<figcaption>{escape(name)}</figcaption>"
            f"{_picture_html(frame, description)}</figure>"
        )
        if frame.numbers:
            tables.append(numbers_html(frame.numbers, f"{title}, {name}"))
    row = '<div style="display: flex; flex-wrap: wrap; gap: .5rem 1rem">'
    return View(f"{row}{''.join(figures)}</div>", "".join(tables))


def _picture_html(frame: Frame, description: str) -> str:
    # Widgets come without the page's style sheet.
    return frame_html(frame, description).replace(
        "<img ", '<img style="max-width: 100%; height: auto" ', 1
    )


def live_box(
    controls: Sequence[Control],
    first: View,
    draw: Callable[[tuple[int, ...]], View],
    has_numbers: bool = False,
) -> ipywidgets.VBox:
    """Return the controls above a picture that follows them.

    draw: called in the kernel with the chosen index of each control; returns the new
    view. What it raises is shown in the picture's place.
    has_numbers: whether there are tables, shown on request.
    """
    fields = [live_field(control) for control in controls]
    picture = ipywidgets.HTML(value=first.html)
    table = _Table(first.numbers) if has_numbers else None
    resetting = False

    def show(_change=None) -> None:
        if resetting:
            return
        try:
            view = draw(tuple(field.index() for field in fields))
        except Exception as error:
            view = View(_error_html(error))
        picture.value = view.html
        if table:
            table.update(view.numbers)

    def reset(_button) -> None:
        nonlocal resetting
        resetting = True
        for field, control in zip(fields, controls, strict=True):
            field.set(control.start)
        resetting = False
        show()

    for field in fields:
        field.listen(show)
    button = ipywidgets.Button(description="Reset", tooltip="Back to the first view")
    button.on_click(reset)
    children = [*(field.box for field in fields), button, picture]
    return ipywidgets.VBox(children + (table.children if table else []))


class _Table:
    """The numbers, on request.

    A checkbox asks for them: a <details> would close again at each move.
    """

    def __init__(self, html: str) -> None:
        self._html = html
        self._wanted = ipywidgets.Checkbox(
            value=False, description="The numbers", indent=False, style=STYLE
        )
        self._shown = ipywidgets.HTML()
        self._wanted.observe(self._show, names="value")
        self.children = [self._wanted, self._shown]

    def update(self, html: str) -> None:
        self._html = html
        self._show()

    def _show(self, _change=None) -> None:
        self._shown.value = self._html if self._wanted.value else ""


def _error_html(error: Exception) -> str:
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
    text = visible("\n".join(lines), edges=False, keep="\n")
    return f'<pre role="alert" style="white-space: pre-wrap">{escape(text)}</pre>'
