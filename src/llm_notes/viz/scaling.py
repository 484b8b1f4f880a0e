"""Scaling: measured points, a power law through them, and how sure it is.

Draws a x^-b + c (Hestness et al. 2017; Kaplan et al. 2020). Fits nothing and knows no
model: points, coefficients and the band of an interval come as numbers.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend
from llm_notes.viz.style import INK, LINES, PALETTE


def plot_scaling(
    x,
    y,
    fit: Sequence[float] | None = None,
    band: Sequence | None = None,
    *,
    x_label: str = "parameters",
    y_label: str = "bits per byte",
    band_label: str = "interval",
    held_out: Sequence | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw measured points with a fitted power law and return the Axes.

    x, y: (N,) measurements, x above 0. fit: (a, b, c) of a x^-b + c, drawn over the
        range of all points and of the band; c, which no x reaches, as a dotted line.
    band: (grid, low, high), three (M,) arrays; `band_label` names it ("95 % interval").
    held_out: (x, y) of points that the fit has not seen, drawn hollow.

    Raises ValueError when lengths differ, an x is not above 0, or the fit has not three
    numbers.
    """
    x, y = _points("measured", x, y)
    handles, names = [], []
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 3.6))
    reach = [x]
    if band is not None:
        grid, low, high = (np.asarray(b, dtype=float) for b in band)
        if not grid.shape == low.shape == high.shape or grid.ndim != 1:
            raise ValueError(
                f"a band is three (M,) arrays: grid, low, high; got {grid.shape}, "
                f"{low.shape} and {high.shape}"
            )
        band_patch = ax.fill_between(
            grid, low, high, color=PALETTE[0], alpha=0.2, linewidth=0
        )
        reach.append(grid)
    if held_out is not None:
        held_out = _points("held-out", *held_out)
        reach.append(held_out[0])
    handles += ax.plot(x, y, "o", color=PALETTE[1], zorder=3)
    names.append("measured")
    if held_out is not None:
        handles += ax.plot(
            *held_out, "s", color=PALETTE[1], markerfacecolor="white", zorder=3
        )
        names.append("not used in the fit")
    if fit is not None:
        if len(fit) != 3:
            raise ValueError(f"the fit is (a, b, c) of a x^-b + c, got {fit}")
        a, b, c = map(float, fit)
        ends = np.concatenate(reach)
        line = np.geomspace(ends.min(), ends.max(), 100)
        handles += ax.plot(line, a * line**-b + c, color=PALETTE[0])
        names.append(
            f"{a:.3g} · x^-{b:.3g} + {c:.3g}" if c else f"{a:.3g} · x^-{b:.3g}"
        )
        if c:
            handles.append(ax.axhline(c, color=INK, linestyle=LINES[2], linewidth=1.2))
            names.append(f"its limit, {c:.3g}")
    if band is not None:
        handles.append(band_patch)
        names.append(band_label)
    ax.set_xscale("log")
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    literal_legend(ax, handles, names)
    _describe(ax, x, y, fit, held_out, x_label, y_label)
    return ax


def _points(name: str, x, y) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(
            f"the {name} points need one y for each x, at least one; got shapes "
            f"{x.shape} and {y.shape}"
        )
    if not (x > 0).all():
        raise ValueError(f"x stands on a logarithmic axis and must be above 0, got {x}")
    return x, y


def _describe(ax, x, y, fit, held_out, x_label, y_label) -> None:
    order = np.argsort(x)
    first, last = order[0], order[-1]
    text = (
        f"{y_label} over {x_label}, {len(x)} points: {number(y[first])} at "
        f"{number(x[first])}, {number(y[last])} at {number(x[last])}."
    )
    head, rows = [x_label, y_label, "used in the fit"], []
    rows = [(x[i], y[i], "yes") for i in order]
    if held_out is not None:
        rows += [(a, b, "no") for a, b in zip(*held_out, strict=True)]
    if fit is not None:
        a, b, c = map(float, fit)
        text += f" Fitted: {number(a)} times x to the -{number(b)}, plus {number(c)}."
        head.append("fitted")
        rows = [(*row, a * row[0] ** -b + c) for row in rows]
        far = max(rows, key=lambda row: abs(row[1] - row[3]))
        text += (
            f" Farthest from it: {number(abs(far[1] - far[3]))} at {number(far[0])}."
        )
    describe(ax, text, head, rows)
