"""The controls of an explorer as ipywidgets, whatever kind each of them is.

Works with ipywidgets 7.7 (Colab) and 8. Knows the listed values, not what they change.
"""

from collections.abc import Callable
from html import escape

import ipywidgets

from llm_notes.widgets.controls import Control, nearest, not_listed

STYLE = {"description_width": "initial"}
# ipywidgets 7 takes a description for HTML, ipywidgets 8 for text.
_HTML_LABELS = ipywidgets.__version__.startswith("7.")
_LIST_KINDS = {
    "dropdown": ipywidgets.Dropdown,
    "radio": ipywidgets.RadioButtons,
    "slider": ipywidgets.SelectionSlider,
}
# A kernel does not know who asked for less motion; their browser does.
_LESS_MOTION = (
    "<style>@media (prefers-reduced-motion: reduce) "
    "{ .llm-explore-play { display: none !important; } }</style>"
)


def live_field(control: Control) -> "_ListField | _TextField":
    """Return the control as something with `box`, index(), set(index), listen(fn)."""
    kinds = {"checkbox": _CheckboxField, "text": _TextField}
    return kinds.get(control.kind, _ListField)(control)


class _ListField:
    """A control whose widget offers the listed values."""

    def __init__(self, control: Control) -> None:
        # Indices as values: options then need not be hashable, nor 1 differ from True.
        self.widget = _LIST_KINDS[control.kind](
            options=[(text, index) for index, text in enumerate(control.texts)],
            value=control.start,
            description=_label(control.label),
            style=STYLE,
        )
        self.box = _with_player(self.widget, control) if control.play else self.widget

    def index(self) -> int:
        return self.widget.value

    def set(self, index: int) -> None:
        self.widget.value = index

    def listen(self, function: Callable) -> None:
        self.widget.observe(function, names="value")


class _CheckboxField(_ListField):
    """False or True."""

    def __init__(self, control: Control) -> None:
        self.widget = self.box = ipywidgets.Checkbox(
            value=bool(control.start),
            description=_label(control.label),
            indent=False,
            style=STYLE,
        )

    def index(self) -> int:
        return int(self.widget.value)

    def set(self, index: int) -> None:
        self.widget.value = bool(index)


class _TextField:
    """Takes what is typed on Enter, and says what is allowed when nothing fits."""

    def __init__(self, control: Control) -> None:
        self._texts, self._index = control.texts, control.start
        self._listeners: list[Callable] = []
        self.widget = ipywidgets.Combobox(
            value=control.texts[control.start],
            options=control.texts,
            description=_label(control.label),
            continuous_update=False,
            style=STYLE,
        )
        self._note = ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.widget, self._note])
        self.widget.observe(self._take, names="value")

    def index(self) -> int:
        return self._index

    def set(self, index: int) -> None:
        self._index, self._note.value = index, ""
        self.widget.value = self._texts[index]

    def listen(self, function: Callable) -> None:
        self._listeners.append(function)

    def _take(self, change) -> None:
        typed = change["new"]
        index = nearest(typed, self._texts)
        if index is None:
            self._note.value = _alert_html(not_listed(typed, self._texts))
            return
        changed = index != self._index
        self.set(index)
        if changed:
            for function in self._listeners:
                function()


def _with_player(slider: ipywidgets.SelectionSlider, control: Control):
    """The slider, a button for one step, and one that plays; none needs the kernel."""
    last = len(control.values) - 1
    play = ipywidgets.Play(min=0, max=last, value=control.start, interval=800)
    play.add_class("llm-explore-play")
    ipywidgets.jslink((play, "value"), (slider, "index"))
    step = ipywidgets.Button(
        description="Step",
        tooltip=f"Next value of {control.label}",
        layout=ipywidgets.Layout(width="auto"),
    )

    def next_value(_button) -> None:
        slider.index = (slider.index + 1) % (last + 1)

    step.on_click(next_value)
    row = ipywidgets.Layout(flex_flow="row wrap")
    style = ipywidgets.HTML(_LESS_MOTION)
    return ipywidgets.HBox([slider, step, play, style], layout=row)


def _label(text: str) -> str:
    return escape(text) if _HTML_LABELS else text


def _alert_html(text: str) -> str:
    return f'<span role="alert">{escape(text)}</span>'
