"""`explore`: one figure function, two ways to play with it.

In a kernel the controls are ipywidgets that call the function. In a page without one
they swap pictures that were drawn beforehand. Both are the same object's output.
"""

import itertools
import math
from collections.abc import Callable, Mapping

from llm_notes.widgets.controls import Control, make_control
from llm_notes.widgets.descriptions import describer
from llm_notes.widgets.frames import Frame, draw_frame
from llm_notes.widgets.live import View, live_box, many_views, one_view
from llm_notes.widgets.progress import FrameProgress
from llm_notes.widgets.twin import twin_html

MAX_FRAMES = 400
MAX_BYTES = 3_000_000
MAX_COMPARED = 12
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class ExplorerTooLargeError(ValueError):
    """The pictures of an explorer are too many, or too many bytes, for a page."""


class Explorer:
    """A figure with controls; the last expression of a cell shows it.

    html: the twin that needs no kernel. size_bytes: its size.
    frame(**values): the Frame of one combination of values.
    """

    def __init__(self, figure_function, controls, frames, describe, title, compared):
        self.controls: tuple[Control, ...] = tuple(controls)
        combinations = list(_combinations(self.controls))
        descriptions = [
            describe(_values(self.controls, indices), frame)
            for indices, frame in zip(combinations, frames, strict=True)
        ]
        self.html: str = twin_html(controls, frames, descriptions, title, compared)
        self.size_bytes: int = len(self.html.encode("utf-8"))
        self._figure_function = figure_function
        self._describe = describe
        self._title = title
        self._compared = compared
        views = zip(frames, descriptions, strict=True)
        self._views = dict(zip(combinations, views, strict=True))
        self._n_different = len(set(frames))
        self._box = None

    def frame(self, **values) -> Frame:
        """Return the picture last drawn for these values (missing ones: the start)."""
        unknown = set(values) - {control.name for control in self.controls}
        if unknown:
            raise ValueError(f"no control is named {', '.join(sorted(unknown))}")
        chosen = tuple(
            make_control(c.name, c.values, values[c.name], True).start
            if c.name in values
            else c.start
            for c in self.controls
        )
        return self._views[chosen][0]

    @property
    def live(self):
        """The ipywidgets half, made when it is first asked for."""
        if self._box is None:
            fields = [c for i, c in enumerate(self.controls) if i != self._compared]
            start = self._show(tuple(control.start for control in fields))
            has_numbers = any(frame.numbers for frame, _ in self._views.values())
            self._box = live_box(fields, start, self._redraw, has_numbers)
        return self._box

    def _seen(self, chosen: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The combinations seen at once when the fields stand at these indices."""
        if self._compared is None:
            return [chosen]
        before, after = chosen[: self._compared], chosen[self._compared :]
        count = len(self.controls[self._compared].values)
        return [(*before, j, *after) for j in range(count)]

    def _show(self, chosen: tuple[int, ...]) -> View:
        views = [self._views[indices] for indices in self._seen(chosen)]
        if self._compared is None:
            return one_view(*views[0], self._title)
        control = self.controls[self._compared]
        names = [f"{control.label} {text}" for text in control.texts]
        return many_views(views, names, self._title)

    def _redraw(self, chosen: tuple[int, ...]) -> View:
        for indices in self._seen(chosen) if self._figure_function is not None else ():
            values = _values(self.controls, indices)
            frame = draw_frame(self._figure_function, values)
            self._views[indices] = frame, self._describe(values, frame)
        return self._show(chosen)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        bundle = {"text/plain": repr(self), "text/html": self.html}
        model_id = self.live.model_id
        if model_id is not None:  # ipywidgets 7 has none outside a kernel
            bundle[WIDGET_VIEW] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": model_id,
            }
        return bundle

    def __repr__(self) -> str:
        counts = ", ".join(f"{c.name} × {len(c.values)}" for c in self.controls)
        frames = f"{self._n_different} different frame{'s' * (self._n_different > 1)}"
        return f"Explorer({self._title}: {counts}; {frames}, {self.size_bytes:,} bytes)"


def explore(
    figure_function: Callable,
    /,
    *,
    alt: str | Callable[..., str] | None = None,
    start: Mapping[str, object] | None = None,
    redraw: bool = True,
    compare: str | None = None,
    max_bytes: int = MAX_BYTES,
    **controls,
) -> Explorer:
    """Return a figure that the reader can change, with or without a kernel.

    figure_function(**values) draws with matplotlib and returns a Figure or an Axes (or
        leaves a new pyplot figure), or returns a str, which is shown as it is. It is
        called once here for every combination of values: both halves share these.
    controls: name=[values]; numbers become a slider, strings a dropdown, booleans a
        checkbox. `slider(...)`, `dropdown(...)`, `checkbox(...)`, `radio(...)` and
        `text_field(...)` choose by hand and may set a label; otherwise it is the name
        with spaces for underscores.
    start: {name: value} shown first (default: the first value of each list). Use the
        values of the static figure above.
    alt: what is seen, for readers who do not see it: a sentence, to which the values
        are added, or a function(**values) that returns one. Default: the first line
        of the figure function's docstring, else what the picture says of itself.
    redraw: in a kernel, call the function again for each move, so that the picture
        follows the kernel's state (a model trained further). False shows the pictures
        drawn here, for functions that take long.
    compare: the name of a control; in its place the pictures of all its values stand
        side by side (at most 12).
    max_bytes: the largest twin allowed, in bytes.

    Raises ExplorerTooLargeError above 400 combinations or `max_bytes`, ValueError for
    missing or repeated values, a start that is not listed, a missing `alt` or nothing
    to compare, TypeError for a result that cannot be shown. Errors of the function
    pass through.
    """
    made = _make_controls(controls, dict(start or {}))
    compared = _place_compared(compare, made)
    n_frames = math.prod(len(control.values) for control in made)
    if n_frames > MAX_FRAMES:
        product = " × ".join(str(len(control.values)) for control in made)
        raise ExplorerTooLargeError(
            f"{product} = {n_frames} combinations; at most {MAX_FRAMES} are drawn. "
            "List fewer values, or split the explorer in two"
        )
    title, describe = describer(figure_function, alt, made)
    frames = _draw_all(figure_function, made, n_frames, max_bytes, describe)
    drawn_again = figure_function if redraw else None
    explorer = Explorer(drawn_again, made, frames, describe, title, compared)
    if explorer.size_bytes > max_bytes:
        raise _too_large(n_frames, explorer.size_bytes, max_bytes)
    return explorer


def _make_controls(controls: dict, start: dict) -> list[Control]:
    if not controls:
        raise ValueError("explore needs at least one control, as in temperature=[1, 2]")
    unknown = set(start) - set(controls)
    if unknown:
        raise ValueError(
            f"start names {', '.join(sorted(map(repr, unknown)))}; the controls are: "
            + ", ".join(map(repr, controls))
        )
    return [
        make_control(name, given, start.get(name), name in start)
        for name, given in controls.items()
    ]


def _place_compared(compare: str | None, controls: list[Control]) -> int | None:
    if compare is None:
        return None
    names = [control.name for control in controls]
    if compare not in names:
        raise ValueError(
            f"cannot compare {compare!r}; the controls are: "
            + ", ".join(map(repr, names))
        )
    if len(controls) < 2:
        raise ValueError(f"compare={compare!r} leaves no control to move: add another")
    place = names.index(compare)
    count = len(controls[place].values)
    if count > MAX_COMPARED:
        raise ValueError(
            f"{compare!r} has {count} values; at most {MAX_COMPARED} stand side by side"
        )
    return place


def _combinations(controls):
    """Every tuple of indices, the last control's changing fastest."""
    return itertools.product(*[range(len(control.values)) for control in controls])


def _values(controls, indices) -> dict:
    return {c.name: c.values[i] for c, i in zip(controls, indices, strict=True)}


def _draw_all(figure_function, controls, n_frames, max_bytes, describe) -> list[Frame]:
    frames, unique, size = [], set(), 0
    progress = FrameProgress(n_frames)
    for indices in _combinations(controls):
        values = _values(controls, indices)
        frame = draw_frame(figure_function, values)
        if not frames:
            describe(values, frame)  # a missing description is told at the first one
        frames.append(frame)
        if frame not in unique:
            unique.add(frame)
            size += frame.size
        if size > max_bytes:  # stop before the rest of a long series is drawn in vain
            expected = size * n_frames // len(frames)
            raise _too_large(n_frames, expected, max_bytes)
        progress.show(len(frames))
    progress.finish()
    return frames


def _too_large(n_frames: int, size: int, max_bytes: int) -> ExplorerTooLargeError:
    return ExplorerTooLargeError(
        f"{n_frames} frames × {size // n_frames:,} bytes are about {size:,} bytes; at "
        f"most {max_bytes:,} are allowed. List fewer values, draw fewer points per "
        "figure, or raise max_bytes"
    )
