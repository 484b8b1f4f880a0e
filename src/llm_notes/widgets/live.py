"""The half of an explorer that lives in a kernel: ipywidgets that call Python.

Works with ipywidgets 7.7 (Colab) and 8. Knows how to show a frame, not how to draw it.
"""

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets

from llm_notes.viz.labels import visible
from llm_notes.widgets.controls import Control


def live_box(
    controls: Sequence[Control],
    first_html: str,
    draw_html: Callable[[tuple[int, ...]], str],
) -> ipywidgets.VBox:
    """Return the controls above a picture that follows them.

    draw_html: called in the kernel with the chosen index of each control; returns the
    new picture. What it raises is shown in the picture's place.
    """
    fields = [_field(control) for control in controls]
    picture = ipywidgets.HTML(value=first_html)

    def show(_change) -> None:
        try:
            picture.value = draw_html(tuple(int(field.value) for field in fields))
        except Exception as error:
            picture.value = _error_html(error)

    for field in fields:
        field.observe(show, names="value")
    return ipywidgets.VBox([*fields, picture])


def _field(control: Control):
    style = {"description_width": "initial"}
    if control.kind == "checkbox":
        return ipywidgets.Checkbox(
            value=bool(control.start),
            description=control.label,
            indent=False,
            style=style,
        )
    kinds = {
        "dropdown": ipywidgets.Dropdown,
        "slider": ipywidgets.SelectionSlider,
    }
    # Indices as values: options then need not be hashable, nor 1 differ from True.
    return kinds[control.kind](
        options=[(text, index) for index, text in enumerate(control.texts)],
        value=control.start,
        description=control.label,
        style=style,
    )


def _error_html(error: Exception) -> str:
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
    text = escape(visible("\n".join(lines), edges=False, keep="\n"))
    return f'<pre role="alert" style="white-space: pre-wrap">{text}</pre>'
