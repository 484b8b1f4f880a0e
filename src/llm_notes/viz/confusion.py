"""Confusion matrices: what was right, and what it was taken for.

Rows are right classes, columns predictions. Knows no model: it takes counts and names.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.attention import label_inches
from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.style import ATTENTION_COLOURS, INK


def plot_confusion(counts, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw counts and the shares of their rows and return the Axes.

    counts: (C, C), whole numbers; row i, column j: how many of class i were taken for
        class j. The colour and the second number are shares of the row: a class with
        few examples is seen as well as one with many. An empty row stays white.

    Raises ValueError when the counts are not (C, C) or not whole numbers of 0 or more.
    """
    counts = np.asarray(counts)
    n_classes = len(classes)
    if counts.shape != (n_classes, n_classes) or not n_classes:
        raise ValueError(
            f"counts of shape {counts.shape} do not fit {n_classes} classes: give one "
            "row and one column for each class"
        )
    if not (counts >= 0).all() or not np.equal(counts, np.round(counts)).all():
        raise ValueError("counts must be whole numbers of 0 or more; give no shares")
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    names = [visible(name, edges=False) for name in classes]
    if ax is None:
        side = min(max(0.62 * n_classes, 1.6), 4.6) + label_inches(names) + 0.7
        _, ax = plt.subplots(figsize=(side, side))
    ax.imshow(shares, cmap=ATTENTION_COLOURS, vmin=0, vmax=1, aspect="equal")
    size = 9 if n_classes <= 7 else 7
    for (row, column), count in np.ndenumerate(counts):
        if not count:
            continue
        share = shares[row, column]
        text = f"{int(count):,}\n{share:.0%}" if n_classes <= 10 else f"{int(count):,}"
        ax.text(
            column, row, text, ha="center", va="center", fontsize=size,
            color="white" if share > 0.55 else INK, parse_math=False,
        )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(range(n_classes))
        axis.set_ticklabels(names, parse_math=False)
        axis.set_tick_params(length=0)
    if max(map(len, names)) > 6:
        ax.tick_params(axis="x", labelrotation=90)
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    ax.set_xlabel("predicted")
    ax.set_ylabel("right class")
    _describe(ax, counts, shares, names)
    return ax


def _describe(ax: Axes, counts, shares, names) -> None:
    n_right, n_all = int(np.trace(counts)), int(counts.sum())
    share = f" ({n_right / n_all:.1%})" if n_all else ""
    text = (
        f"Confusion of {len(names)} classes: {number(n_right)} of {number(n_all)} "
        f"right{share}."
    )
    wrong = np.where(np.eye(len(names), dtype=bool), 0, counts)
    if wrong.any():
        i, j = np.unravel_index(wrong.argmax(), wrong.shape)
        text += (
            f" Most frequent mistake: {names[i]} taken for {names[j]}, "
            f"{number(wrong[i, j])} times ({shares[i, j]:.1%} of {names[i]})."
        )
    rows = [
        (name, *(int(c) for c in line), f"{shares[i, i]:.3f}")
        for i, (name, line) in enumerate(zip(names, counts, strict=True))
    ]
    head = ("right class", *(f"predicted {name}" for name in names), "share right")
    describe(ax, text, head, rows)
