"""How far implementations are apart, on a scale of powers of ten.

Knows no model: names and errors come in.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALETTE

FLOOR = 1e-9  # where "no difference at all" is drawn: a logarithm has no zero


def plot_parity(
    names: Sequence[str],
    output_errors: Sequence[float],
    gradient_errors: Sequence[float | None],
    tolerance: float,
    ax: Axes | None = None,
) -> Axes:
    """Draw two marks for each name, and the line that none may cross.

    Args:
        names: one for each row, drawn from top to bottom.
        output_errors: largest absolute differences; 0 is drawn at the left edge.
        gradient_errors: the same of gradients; None where there are none.
        tolerance: where the line is.

    Raises:
        ValueError: when the three are not equally many.
    """
    if not len(names) == len(output_errors) == len(gradient_errors):
        raise ValueError(
            f"{len(names)} names, {len(output_errors)} and {len(gradient_errors)} "
            "errors; each name needs one of each"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.8 + 0.22 * len(names)))
    rows = np.arange(len(names))
    ax.axvline(tolerance, color=INK, linestyle="--", linewidth=1)
    ax.plot(
        np.maximum(output_errors, FLOOR),
        rows - 0.12,
        "o",
        color=PALETTE[0],
        label="outputs",
    )
    differentiated = [i for i, error in enumerate(gradient_errors) if error is not None]
    ax.plot(
        [max(gradient_errors[i], FLOOR) for i in differentiated],
        rows[differentiated] + 0.12,
        "D",
        markersize=5,
        color=PALETTE[1],
        label="gradients",
    )
    ax.set_xscale("log")
    ax.set_xlim(FLOOR / 2, tolerance * 5)
    ax.set_yticks(rows, [visible(name) for name in names], fontsize=9)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel("largest absolute difference")
    ax.grid(axis="y", alpha=0.25)
    _describe(ax, names, output_errors, gradient_errors, tolerance)
    ax.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), ncols=2)
    return ax


def _describe(ax: Axes, names, output_errors, gradient_errors, tolerance) -> None:
    errors = [
        (max(output, gradient or 0.0), name)
        for name, output, gradient in zip(
            names, output_errors, gradient_errors, strict=True
        )
    ]
    text = f"Largest absolute differences of {len(names)} comparisons"
    if errors:
        worst, name = max(errors)
        n_below = sum(error <= tolerance for error, _ in errors)
        text += (
            f"; the largest is {number(worst)} ({visible(name, False)}). {n_below} of "
            f"{len(names)} stay below the tolerance {number(tolerance)}"
        )
    rows = list(zip(names, output_errors, gradient_errors, strict=True))
    describe(ax, f"{text}.", ("compared", "outputs", "gradients"), rows)
