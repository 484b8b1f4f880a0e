"""Several runs as one curve: the median over seeds, and the range around it.

Knows no trainer: it takes arrays with one row for each run.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from llm_notes.viz.description import describe, number, span
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import LINES, MARKERS, PALETTE

MAX_MARKED = 25  # points of a curve that still get a marker each
MAX_ROWS_EACH = 60


def plot_runs(
    curves: Mapping[str, object],
    x=None,
    *,
    x_label: str = "step",
    y_label: str = "loss (nats per token)",
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw one median with its range for each name and return the Axes.

    curves: {name: (R, N) values}, R runs (seeds) of N points; (N,) is one run, without
        a band. x: (N,) shared by all curves (default: 0, 1, ...), or {name: (N,)}.
    log: a logarithmic vertical axis; all values must then be above 0.

    Raises ValueError when there is no curve, a shape does not fit, or a value is not
    finite, or not above 0 on a logarithmic axis.
    """
    if not curves:
        raise ValueError("plot_runs needs at least one curve: {name: (R, N) values}")
    made = {name: _runs(name, values, x, log) for name, values in curves.items()}
    if ax is None:
        _, ax = plt.subplots()
    handles = [
        draw_band(ax, places, runs, i) for i, (places, runs) in enumerate(made.values())
    ]
    if log:
        ax.set_yscale("log")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    literal_legend(ax, handles, list(made))
    _describe(ax, made, x_label, y_label)
    return ax


def draw_band(ax: Axes, x: NDArray, runs: NDArray, place: int):
    """One curve in the look of its place in the legend; returns the median's line."""
    colour = PALETTE[place % len(PALETTE)]
    few = len(x) <= MAX_MARKED
    (line,) = ax.plot(
        x, np.median(runs, axis=0), color=colour, linestyle=LINES[place % len(LINES)],
        marker=MARKERS[place % len(MARKERS)], markersize=5,
        markevery=1 if few else max(1, len(x) // 8),
    )  # fmt: skip
    if len(runs) > 1:
        low, high = runs.min(axis=0), runs.max(axis=0)
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    return line


def _runs(name: str, values, x, log: bool) -> tuple[NDArray, NDArray]:
    runs = np.atleast_2d(np.asarray(values, dtype=float))
    if runs.ndim != 2 or not runs.size:
        raise ValueError(f"{name!r} needs (R, N) values, got shape {np.shape(values)}")
    places = x[name] if isinstance(x, Mapping) else x
    places = np.arange(runs.shape[1]) if places is None else np.asarray(places, float)
    if places.shape != runs.shape[1:]:
        raise ValueError(
            f"{name!r} has {runs.shape[1]} points in each run and x has shape "
            f"{places.shape}: give one x for each point"
        )
    if not np.isfinite(runs).all():
        raise ValueError(f"{name!r} holds values that are not finite: leave them out")
    if log and runs.min() <= 0:
        raise ValueError(
            f"{name!r} holds {runs.min():.3g}: a logarithmic axis shows numbers above 0"
        )
    return places, runs


def _describe(ax: Axes, made: dict, x_label: str, y_label: str) -> None:
    parts, rows = [], []
    for name, (x, runs) in made.items():
        middle = np.median(runs, axis=0)
        part = (
            f"{visible(name, False)} from {number(middle[0])} to {number(middle[-1])}"
        )
        if len(runs) > 1:
            part += f" (last {span(runs[:, -1])} in {len(runs)} runs)"
        parts.append(part)
        count = min(len(x), MAX_ROWS_EACH, max(2, 400 // len(made)))
        for i in np.unique(np.linspace(0, len(x) - 1, count).round().astype(int)):
            low, high = runs[:, i].min(), runs[:, i].max()
            rows.append((name, x[i], middle[i], low, high))
    head = ("curve", x_label, "median", "lowest", "highest")
    describe(ax, f"{y_label} over {x_label}: {'; '.join(parts)}.", head, rows)
