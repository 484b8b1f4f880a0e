"""How much of a gradient arrives from how far back: one curve for each architecture.

Knows no model: `analysis` or a notebook measures the norms.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.bands import plot_runs
from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible

FLOOR = 1e-30  # where a gradient of exactly 0 is drawn: a logarithm has no zero


def plot_gradient_by_lag(
    norms: Mapping[str, object], *, lowest: float = 1e-12, ax: Axes | None = None
) -> Axes:
    """Draw gradient norms over the lag on a logarithmic scale and return the Axes.

    norms: {architecture: (R, N)}: for R seeds, how strongly the output depends on the
        input 0, 1, ... N - 1 steps before it. Each seed is divided by its value at lag
        0, so all start at 1. The line is the median, the band the range over seeds.
    lowest: the axis ends here; what lies below is not seen, as in the figure of a
        computer that calls it 0.

    Raises ValueError for a negative norm, a norm of 0 at lag 0, or a wrong shape.
    """
    relative = {}
    for name, values in norms.items():
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        if runs.ndim != 2 or not runs.size:
            raise ValueError(f"{name!r} needs (R, N) norms, got {np.shape(values)}")
        if (runs < 0).any() or not (runs[:, :1] > 0).all():
            raise ValueError(
                f"{name!r} holds a norm below 0, or 0 at lag 0: norms are 0 or more, "
                "and each run is divided by its first"
            )
        relative[name] = np.maximum(runs / runs[:, :1], FLOOR)
    ax = plot_runs(
        relative, x_label="lag", y_label="gradient, lag 0 = 1", log=True, ax=ax
    )
    bottom, top = ax.get_ylim()
    ax.set_ylim(max(bottom, lowest), top)
    _say_half_lives(ax, relative)
    return ax


def _say_half_lives(ax: Axes, relative: dict) -> None:
    """The main finding: what is left at the longest lag."""
    left = {name: np.median(runs[:, -1]) for name, runs in relative.items()}
    parts = [f"{visible(name, False)} {number(rest)}" for name, rest in left.items()]
    n_lags = max(runs.shape[1] for runs in relative.values())
    text = (
        f"Gradient by lag, 1 at lag 0, on a logarithmic scale. Left at the longest lag "
        f"(up to {n_lags - 1}): {'; '.join(parts)}."
    )
    said = ax._llm_notes_alternative
    describe(ax, text, said.head, said.rows)
