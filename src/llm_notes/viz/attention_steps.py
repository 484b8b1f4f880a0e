"""The steps inside attention: a product of matrices, and how sharp its softmax is.

Knows no model and multiplies nothing: it takes the numbers and draws them.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.style import ATTENTION_COLOURS, INK, PALETTE

_GAP = 1.6  # between two matrices, in cells: room for a sign and an axis letter


def plot_matrix_product(
    left,
    right,
    product,
    *,
    names: Sequence[str],
    letters: str,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw `left` times `right` equals `product` as three grids of numbers.

    left: (T, K), right: (K, S), product: (T, S); darker cells hold larger numbers.
    names: one title for each matrix, which may hold formulas. letters: the three axis
        letters in the order T, K, S, written on the edges.
    rows: T labels, left of `left`; columns: S labels, under `right`.

    Raises ValueError when shapes, letters or labels do not fit each other.
    """
    matrices = [np.asarray(m, dtype=float) for m in (left, right, product)]
    _check_product(matrices, names, letters, rows, columns)
    height = max(len(m) for m in matrices)
    widths = [m.shape[1] for m in matrices]
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.42 * (height + 2.5)))
    edges = (letters[:2], letters[1:], letters[0] + letters[2])
    x = 0.0
    for i, (matrix, name, edge) in enumerate(zip(matrices, names, edges, strict=True)):
        top = (height - len(matrix)) / 2  # centred on each other
        _grid(ax, matrix, x, top)
        middle = x + widths[i] / 2
        # Titles share one line, so that a short matrix does not look like a footnote.
        ax.text(middle, -0.95, name, ha="center", va="bottom", fontsize=10)
        style = {"fontsize": 9, "style": "italic", "color": PALETTE[1]}
        ax.text(middle, top - 0.12, edge[1], ha="center", va="bottom", **style)
        beside = (x - 0.15, top + len(matrix) / 2)
        ax.text(*beside, edge[0], ha="right", va="center", **style)
        if i == 0:
            _labels(ax, rows, [(x - 0.7, top + r + 0.5) for r in range(len(matrix))])
        if i < 2:
            sign = "·" if i == 0 else "="
            ax.text(x + widths[i] + 0.5, height / 2, sign, ha="center", va="center",
                    fontsize=14)  # fmt: skip
        if i == 1 and columns is not None:
            bottom = top + len(matrix) + 0.15
            places = [(x + c + 0.5, bottom) for c in range(widths[i])]
            _labels(ax, columns, places, ha="center", va="top")
        x += widths[i] + _GAP
    longest = max(len(visible(label)) for label in rows)
    ax.set_xlim(-0.9 - 0.27 * longest, x - _GAP + 0.1)
    ax.set_ylim(height + (0.9 if columns is not None else 0.1), -1.8)
    ax.set_aspect("equal")
    ax.set_axis_off()
    _describe_product(ax, matrices, names, rows, columns)
    return ax


def _describe_product(ax: Axes, matrices, names, rows, columns) -> None:
    sizes = [
        f"{name.replace('$', '')} ({m.shape[0]} by {m.shape[1]})"
        for name, m in zip(names, matrices, strict=True)
    ]
    product = matrices[2]
    i, j = np.unravel_index(product.argmax(), product.shape)
    if columns is None:
        columns = [str(c + 1) for c in range(product.shape[1])]
    text = (
        f"{sizes[0]} times {sizes[1]} makes {sizes[2]}, the table. Its largest number: "
        f"{number(product[i, j])}, row {visible(rows[i])}, column "
        f"{visible(columns[j])}."
    )
    table = [(rows[i], *line) for i, line in enumerate(product)]
    describe(ax, text, ("", *map(visible, columns)), table)


def plot_softmax_sharpness(
    raw_weights, scaled_weights, sizes, raw_entropy, scaled_entropy, size
) -> Figure:
    """Draw weights over S keys, raw beside scaled, above their entropy by head width.

    raw_weights, scaled_weights: (S,) weights of one query, each summing to one.
    sizes: (N,) head widths; raw_entropy, scaled_entropy: (N,) mean entropies in bits.
    size: the head width that the bars belong to; a line marks it below.

    Raises ValueError when the weights or the curves differ in length.
    """
    raw_weights, scaled_weights = np.asarray(raw_weights), np.asarray(scaled_weights)
    if raw_weights.shape != scaled_weights.shape or raw_weights.ndim != 1:
        raise ValueError(
            f"weights must be two (S,) arrays of one length, got {raw_weights.shape} "
            f"and {scaled_weights.shape}"
        )
    if not len(sizes) == len(raw_entropy) == len(scaled_entropy):
        raise ValueError(
            f"{len(sizes)} sizes, but {len(raw_entropy)} and {len(scaled_entropy)} "
            "entropies: give one of each for every size"
        )
    n_keys = len(raw_weights)
    figure, (bars, curves) = plt.subplots(2, figsize=(5.6, 4.4))
    keys = np.arange(1, n_keys + 1)
    # Hatched and solid, squares and circles: told apart without colour, too.
    hatched = {"facecolor": "white", "edgecolor": PALETTE[1], "hatch": "////"}
    bars.bar(keys - 0.2, raw_weights, 0.38, label="raw", **hatched)
    bars.bar(keys + 0.2, scaled_weights, 0.38, label="scaled", color=PALETTE[0])
    curves.plot(sizes, raw_entropy, "s-", color=PALETTE[1])
    curves.plot(sizes, scaled_entropy, "o-", color=PALETTE[0])
    bars.set(ylim=(0, 1), xticks=keys, xlabel="key", ylabel="attention weight")
    bars.legend()
    curves.axhline(np.log2(n_keys), color=INK, linewidth=0.8, linestyle=":")
    curves.annotate(
        "all keys alike", (max(sizes), np.log2(n_keys)), xytext=(0, -3),
        textcoords="offset points", ha="right", va="top", fontsize=9,
    )  # fmt: skip
    curves.axvline(size, color=INK, linewidth=0.8, linestyle="--")
    curves.set_xscale("log", base=2)
    curves.set_xticks(list(sizes), [f"{n:,}" for n in sizes])
    curves.minorticks_off()
    curves.set(ylim=(0, 1.1 * np.log2(n_keys)), xlabel="width of queries and keys")
    curves.set_ylabel("entropy (bits)")
    describe(
        bars,
        f"Weights of one query over {n_keys} keys at width {number(size)}: largest "
        f"{number(raw_weights.max())} raw and {number(scaled_weights.max())} scaled.",
    )
    rows = list(zip(sizes, raw_entropy, scaled_entropy, strict=True))
    describe(
        curves,
        f"Entropy of the weights over the width of queries and keys: raw from "
        f"{number(raw_entropy[0])} to {number(raw_entropy[-1])} bits, scaled from "
        f"{number(scaled_entropy[0])} to {number(scaled_entropy[-1])}; all keys alike: "
        f"{number(np.log2(n_keys))}.",
        ("width", "raw (bits)", "scaled (bits)"),
        rows,
    )
    return figure


def _check_product(matrices, names, letters, rows, columns) -> None:
    left, right, product = matrices
    if any(m.ndim != 2 or 0 in m.shape for m in matrices):
        raise ValueError(
            f"plot_matrix_product draws matrices, got {[m.shape for m in matrices]}"
        )
    expected = (left.shape[0], right.shape[1])
    if left.shape[1] != right.shape[0] or product.shape != expected:
        raise ValueError(
            f"{left.shape} times {right.shape} does not make {product.shape}"
        )
    if len(names) != 3 or len(letters) != 3:
        raise ValueError("three matrices need three names and three axis letters")
    n_labels = (len(rows), expected[1] if columns is None else len(columns))
    if n_labels != expected:
        raise ValueError(f"{n_labels} labels do not fit a product of shape {expected}")


def _grid(ax: Axes, matrix: np.ndarray, x: float, top: float) -> None:
    largest = np.abs(matrix).max() or 1.0
    pattern = "{:.0f}" if np.array_equal(matrix, matrix.round()) else "{:.2f}"
    for (row, column), value in np.ndenumerate(matrix):
        left, up = x + column, top + row
        # Half of the colour map only: the numbers stay legible in dark ink.
        fill = ATTENTION_COLOURS(0.5 * abs(value) / largest)
        ax.add_patch(Rectangle((left, up), 1, 1, facecolor=fill, edgecolor=INK, lw=0.6))
        number = pattern.format(value)
        ax.text(left + 0.5, up + 0.5, number, ha="center", va="center", fontsize=9)


def _labels(ax: Axes, labels, places, ha: str = "right", va: str = "center") -> None:
    for label, (x, y) in zip(labels, places, strict=True):
        ax.text(x, y, visible(label), ha=ha, va=va, fontsize=9, parse_math=False)
