"""Paths of optimisers over a loss of two weights, seen from above.

Knows no optimiser: it takes the heights and the places that were visited.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import INK, LINES, MARKERS, PALETTE, QUIET

_N_LEVELS = 9


def plot_descent(
    x, y, heights, paths: Mapping[str, object], minimum=(0.0, 0.0), *, ax=None
) -> Axes:
    """Draw lines of equal loss with a path for each name, and return the Axes.

    x: (M,), y: (N,), heights: (N, M) losses above 0 nearly everywhere: the lines lie
        at equal ratios. paths: {name: (S, 2)} places, the first one the start; what
        leaves the frame is cut off. minimum: where a star stands.

    Raises ValueError when shapes do not fit, or a place is not finite.
    """
    x, y, heights = (np.asarray(values, dtype=float) for values in (x, y, heights))
    if heights.shape != (len(y), len(x)):
        raise ValueError(
            f"heights have shape {heights.shape}; {len(y)} rows for y and {len(x)} "
            "columns for x are due"
        )
    made = {}
    for name, path in paths.items():
        path = np.asarray(path, dtype=float)
        if path.ndim != 2 or path.shape[1] != 2 or not np.isfinite(path).all():
            raise ValueError(
                f"the path {name!r} must be (S, 2) and finite, got shape {path.shape}"
            )
        made[name] = path
    if not made:
        raise ValueError("plot_descent needs at least one path: {name: (S, 2)}")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 3.4))
    low = max(heights.min(), heights.max() * 1e-4, 1e-12)
    levels = np.geomspace(low, heights.max(), _N_LEVELS)
    ax.contour(x, y, heights, levels=levels, colors=QUIET, linewidths=0.6)
    handles, parts, rows = [], [], []
    for i, (name, path) in enumerate(made.items()):
        colour = PALETTE[i % len(PALETTE)]
        # A path that runs away is cut where it leaves, or its numbers fill the page.
        spans = [(x.min(), x.max()), (y.min(), y.max())]
        margin = [(high - low) for low, high in spans]
        bounds = [(s[0] - m, s[1] + m) for s, m in zip(spans, margin, strict=True)]
        shown = np.stack([np.clip(path[:, k], *bounds[k]) for k in (0, 1)], axis=1)
        (line,) = ax.plot(
            *shown.T, color=colour, linestyle=LINES[i % len(LINES)], linewidth=1.3,
            marker=MARKERS[i % len(MARKERS)], markersize=3.5,
        )  # fmt: skip
        handles.append(line)
        end = ", ".join(number(v) for v in path[-1])
        parts.append(f"{visible(name, False)} ends at ({end})")
        chosen = np.unique(np.linspace(0, len(path) - 1, 21).round().astype(int))
        rows += [(name, int(s), path[s, 0], path[s, 1]) for s in chosen]
    ax.plot(*next(iter(made.values()))[0], "s", color=INK, markersize=7, mfc="none")
    ax.plot(*minimum, "*", color=INK, markersize=11)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    ax.set(xlabel="weight 1", ylabel="weight 2")
    literal_legend(ax, handles, list(made), loc="upper right")
    text = f"Paths over lines of equal loss, minimum at {minimum[0]:g}, {minimum[1]:g}"
    head = ("path", "step", "weight 1", "weight 2")
    describe(ax, f"{text}: {'; '.join(parts)}.", head, rows)
    return ax
