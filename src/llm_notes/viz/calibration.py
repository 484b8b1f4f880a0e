"""Reliability: is what a model is sure of right as often as it is sure?

Draws the share of right predictions over their confidence, a marker for each bin (Guo
et al. 2017). Knows no model: `metrics.reliability_bins` sorts predictions into bins.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend
from llm_notes.viz.style import INK, MARKERS, PALETTE


def plot_reliability(
    share: NDArray[np.float64],
    confidence: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    label: str = "",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracy over confidence, one marker per filled bin, and return the Axes.

    share, confidence, accuracy: (M,) of each bin, as `metrics.reliability_bins` gives
    them; bins with a share of 0 are not drawn.

    On the dashed diagonal the two agree; below it the model is too sure of itself.
    A marker's area grows with the share of predictions in its bin, and a thin line
    shows its way to the diagonal. Call again with the same `ax` to compare: each call
    takes the next colour and marker.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(4.4, 4.4))
    entries = getattr(ax, "_llm_notes_reliability", [])
    told = getattr(ax, "_llm_notes_bins", [])
    if not entries:
        ax.plot([0, 1], [0, 1], color=INK, linestyle=(0, (4, 3)), linewidth=1)
    colour, marker = PALETTE[len(entries) % 6], MARKERS[len(entries) % 6]
    filled = share > 0
    x, y = confidence[filled], accuracy[filled]
    ax.vlines(x, np.minimum(x, y), np.maximum(x, y), color=colour, linewidth=1)
    sizes = 14 + 500 * share[filled]
    ax.scatter(
        x, y, s=sizes, marker=marker, facecolor=colour if not entries else "white",
        edgecolor=colour, linewidth=1.4, zorder=3,
    )  # fmt: skip
    key = ax.scatter(
        [], [], s=40, marker=marker, facecolor=colour if not entries else "white",
        edgecolor=colour, linewidth=1.4,
    )  # fmt: skip
    entries.append((key, label))
    told.append((label or f"model {len(entries)}", share[filled], x, y))
    ax._llm_notes_reliability, ax._llm_notes_bins = entries, told
    _describe(ax, told)
    if any(text for _, text in entries):
        keys, texts = zip(*entries, strict=True)
        literal_legend(ax, keys, texts, loc="upper left")
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1.02)
    ax.set_aspect("equal")
    ax.set_xlabel("confidence")
    ax.set_ylabel("share that was right")
    return ax


def _describe(ax: Axes, told: list[tuple]) -> None:
    parts, rows = [], []
    for name, share, confidence, accuracy in told:
        # The mean gap, weighted by share: expected calibration error (Guo et al. 2017).
        gap = float((share * np.abs(confidence - accuracy)).sum() / share.sum())
        sure = float((share * (confidence - accuracy)).sum())
        direction = "too sure" if sure > 0 else "not sure enough"
        parts.append(f"{name}: mean gap {number(gap)}, on the whole {direction}")
        rows += [
            (name, *numbers)
            for numbers in zip(confidence, accuracy, share, strict=True)
        ]
    head = ("model", "confidence", "share right", "share of predictions")
    describe(ax, f"Share right over confidence. {'; '.join(parts)}.", head, rows)
