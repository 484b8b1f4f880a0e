"""`explore`: one figure function, two ways to play with it.

In a kernel the controls are ipywidgets that call the function. In a page without one
they swap pictures that were drawn beforehand. Both are the same object's output.
"""

import itertools
import math
from collections.abc import Callable, Mapping

from llm_notes.viz.labels import visible
from llm_notes.widgets.controls import Control, make_control
from llm_notes.widgets.frames import Frame, draw_frame, frame_html
from llm_notes.widgets.live import live_box
from llm_notes.widgets.progress import FrameProgress
from llm_notes.widgets.twin import twin_html

MAX_FRAMES = 400
MAX_BYTES = 3_000_000
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class ExplorerTooLargeError(ValueError):
    """The pictures of an explorer are too many, or too many bytes, for a page."""


class Explorer:
    """A figure with controls; the last expression of a cell shows it.

    html: the twin that needs no kernel. size_bytes: its size.
    frame(**values): the Frame of one combination of values.
    """

    def __init__(
        self, figure_function, controls, frames, descriptions, describe, title
    ):
        self.controls: tuple[Control, ...] = tuple(controls)
        self.html: str = twin_html(controls, frames, descriptions, title)
        self.size_bytes: int = len(self.html.encode("utf-8"))
        self._figure_function = figure_function
        self._describe = describe
        self._title = title
        views = zip(frames, descriptions, strict=True)
        self._views = dict(zip(_combinations(self.controls), views, strict=True))
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
            start = tuple(control.start for control in self.controls)
            self._box = live_box(self.controls, self._show(start), self._redraw)
        return self._box

    def _show(self, indices: tuple[int, ...]) -> str:
        # Widgets come without the page's style sheet.
        return frame_html(*self._views[indices]).replace(
            "<img ", '<img style="max-width: 100%; height: auto" ', 1
        )

    def _redraw(self, indices: tuple[int, ...]) -> str:
        if self._figure_function is not None:
            values = _values(self.controls, indices)
            frame = draw_frame(self._figure_function, values)
            self._views[indices] = frame, self._describe(values)
        return self._show(indices)

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
        return f"Explorer({self._title}: {counts}; {self.size_bytes:,} bytes)"


def explore(
    figure_function: Callable,
    /,
    *,
    alt: str | Callable[..., str] | None = None,
    start: Mapping[str, object] | None = None,
    redraw: bool = True,
    max_bytes: int = MAX_BYTES,
    **controls,
) -> Explorer:
    """Return a figure that the reader can change, with or without a kernel.

    figure_function(**values) draws with matplotlib and returns a Figure or an Axes (or
        leaves a new pyplot figure), or returns a str, which is shown as it is. It is
        called once here for every combination of values: both halves share these.
    controls: name=[values]; numbers become a slider, strings a dropdown, booleans a
        checkbox. `slider(...)`, `dropdown(...)` and `checkbox(...)` choose by hand and
        may set a label; otherwise it is the name with spaces for underscores.
    start: {name: value} shown first (default: the first value of each list). Use the
        values of the static figure above.
    alt: what is seen, for readers who do not see it: a sentence, to which the values
        are added, or a function(**values) that returns one. Default: the first line
        of the figure function's docstring.
    redraw: in a kernel, call the function again for each move, so that the picture
        follows the kernel's state (a model trained further). False shows the pictures
        drawn here, for functions that take long.
    max_bytes: the largest twin allowed, in bytes.

    Raises ExplorerTooLargeError above 400 combinations or `max_bytes`, ValueError for
    missing or repeated values, a start that is not listed or a missing `alt`,
    TypeError for a result that cannot be shown. Errors of the function pass through.
    """
    made = _make_controls(controls, dict(start or {}))
    n_frames = math.prod(len(control.values) for control in made)
    if n_frames > MAX_FRAMES:
        product = " × ".join(str(len(control.values)) for control in made)
        raise ExplorerTooLargeError(
            f"{product} = {n_frames} combinations; at most {MAX_FRAMES} are drawn. "
            "List fewer values, or split the explorer in two"
        )
    title, describe = _describer(figure_function, alt, made)
    frames = _draw_all(figure_function, made, n_frames, max_bytes)
    descriptions = [describe(_values(made, i)) for i in _combinations(made)]
    explorer = Explorer(
        figure_function if redraw else None, made, frames, descriptions, describe, title
    )
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


def _describer(figure_function, alt, controls) -> tuple[str, Callable[[dict], str]]:
    if alt is None:
        doc = (getattr(figure_function, "__doc__", None) or "").strip()
        alt = doc.split("\n")[0].rstrip(".")
    if callable(alt):
        title = ", ".join(control.label for control in controls)
        return title, lambda values: visible(alt(**values), edges=False)
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "explore needs a description for readers who cannot see the picture: pass "
            "alt='what is seen', or give the figure function a docstring"
        )
    title = visible(alt.strip(), edges=False)

    def describe(values: dict) -> str:
        shown = (
            f"{c.label} {c.texts[c.values.index(values[c.name])]}" for c in controls
        )
        return f"{title} ({', '.join(shown)})"

    return title, describe


def _combinations(controls):
    """Every tuple of indices, the last control's changing fastest."""
    return itertools.product(*[range(len(control.values)) for control in controls])


def _values(controls, indices) -> dict:
    return {c.name: c.values[i] for c, i in zip(controls, indices, strict=True)}


def _draw_all(figure_function, controls, n_frames, max_bytes) -> list[Frame]:
    frames, unique, size = [], set(), 0
    progress = FrameProgress(n_frames)
    for indices in _combinations(controls):
        frame = draw_frame(figure_function, _values(controls, indices))
        frames.append(frame)
        if frame not in unique:
            unique.add(frame)
            size += len(frame.content.encode("utf-8"))
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
