"""Positional encodings: the whole table, and some of its columns as waves.

Knows no model: it takes a table of numbers.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from llm_notes.viz.colours import SIGNED_COLOURS
from llm_notes.viz.description import describe, number
from llm_notes.viz.style import LINES, PALETTE


def plot_positions(encoding, dimensions: Sequence[int] | None = None) -> Figure:
    """Draw a table of positions as a map above curves and return the Figure.

    encoding: (T, D); rows are positions. The map has positions from left to right, so
        that it stands above the curves. Zero is white, positive blue, negative orange.
    dimensions: at most six columns drawn as curves (default: four, evenly spread).

    Raises ValueError when the table is no matrix or a dimension is not in it.
    """
    encoding = np.asarray(encoding, dtype=float)
    if encoding.ndim != 2 or not encoding.size or not np.isfinite(encoding).all():
        raise ValueError(
            f"an encoding is a table of finite numbers (T, D), got {encoding.shape}"
        )
    n_positions, width = encoding.shape
    if dimensions is None:
        dimensions = np.linspace(0, width - 1, min(4, width) + 1).astype(int)[:-1]
        dimensions = list(dict.fromkeys(dimensions.tolist()))
    if not 1 <= len(dimensions) <= 6 or not all(0 <= d < width for d in dimensions):
        raise ValueError(
            f"1 to 6 dimensions from 0 to {width - 1} can be drawn as curves, got "
            f"{list(dimensions)}"
        )
    figure, (table, curves) = plt.subplots(
        2, figsize=(5.6, 4.6), sharex=True, height_ratios=[3, 2]
    )
    strongest = np.abs(encoding).max() or 1.0
    image = table.imshow(
        encoding.T, cmap=SIGNED_COLOURS, vmin=-strongest, vmax=strongest, aspect="auto"
    )
    bar = figure.colorbar(image, ax=[table, curves], fraction=0.04, pad=0.02)
    bar.outline.set_linewidth(0.5)
    table.set_ylabel("dimension")
    for i, dimension in enumerate(dimensions):
        curves.plot(
            encoding[:, dimension], color=PALETTE[i], linestyle=LINES[i],
            label=f"{dimension}", linewidth=1.6,
        )  # fmt: skip
        table.plot(
            -0.5, dimension, marker=">", markersize=6, color=PALETTE[i], clip_on=False,
            scalex=False, scaley=False,
        )  # fmt: skip
    curves.set_xlim(-0.5, n_positions - 0.5)
    curves.set(xlabel="position", ylabel="value")
    curves.legend(
        title="dimension", ncols=min(len(dimensions), 6), loc="upper center",
        bbox_to_anchor=(0.5, -0.32), handlelength=1.6, columnspacing=1.0,
    )  # fmt: skip
    # Turns of sign, not of shape: a slow wave has few of them.
    flips = (np.diff(np.sign(encoding), axis=0) != 0).sum(axis=0)
    parts = [f"dimension {d} {number(flips[d])} times" for d in dimensions]
    text = (
        f"A table of {n_positions} positions by {width} dimensions, values "
        f"{number(encoding.min())} to {number(encoding.max())}. From the first to the "
        f"last position the sign changes: {', '.join(parts)}."
    )
    chosen = np.linspace(0, n_positions - 1, min(n_positions, 60)).round().astype(int)
    rows = [(i, *(encoding[i, d] for d in dimensions)) for i in chosen]
    describe(figure, text, ("position", *(f"dimension {d}" for d in dimensions)), rows)
    return figure
