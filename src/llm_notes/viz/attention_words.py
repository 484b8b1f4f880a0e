"""What attention maps show, in words and numbers.

Knows no model: it takes weights and labels.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible

MAX_CELLS = 1600  # of a map; a larger one is described without a table


def _strongest(weights: np.ndarray, rows, columns) -> str:
    """The largest weight of a map (T, S), of a query that looks at several keys.

    The first query of a causal map has one key, and so a weight of 1 that says nothing.
    """
    free = (weights > 0).sum(axis=1) > 1
    chosen = np.where(free[:, None], weights, -1.0) if free.any() else weights
    row, column = np.unravel_index(chosen.argmax(), chosen.shape)
    return (
        f"row '{visible(rows[row])}' looks most at '{visible(columns[column])}' "
        f"({number(weights[row, column])})"
    )


def describe_map(ax: Axes, weights, allowed, rows, columns) -> None:
    """One map (T, S): its strongest pair, and all weights unless they are too many."""
    text = f"Attention of {weights.shape[0]} queries over {weights.shape[1]} keys"
    if not allowed.all():
        text += f", {number((~allowed).sum())} pairs masked"
    seen = np.where(allowed, weights, -1.0)
    if (seen >= 0).any():
        text += f"; {_strongest(seen, rows, columns)}"
    table = ()
    if weights.size <= MAX_CELLS:
        marked = np.where(allowed, weights, np.nan)  # an empty cell is a masked one
        table = [(rows[i], *line) for i, line in enumerate(marked)]
    describe(ax, f"{text}.", ("query", *map(visible, columns)) if table else (), table)


def describe_heads(figure: Figure, weights, rows, columns, mask, names) -> None:
    """Maps (H, T, S): the strongest pair, and for each query its strongest key."""
    n_heads, n_queries, n_keys = weights.shape
    if mask is not None:
        weights = np.where(np.asarray(mask, bool), weights, 0.0)
    several = (weights > 0).sum(axis=2) > 1
    strongest = int(np.where(several, weights.max(axis=2), -1.0).max(axis=1).argmax())
    text = (
        f"Attention of {n_queries} queries over {n_keys} keys, {n_heads} maps; in "
        f"{visible(names[strongest], False)} "
        f"{_strongest(weights[strongest], rows, columns)}."
    )
    best = weights.argmax(axis=2)
    table = [
        (str(names[h]), rows[t], columns[best[h, t]], weights[h, t, best[h, t]])
        for h in range(n_heads)
        for t in range(n_queries)
    ]
    describe(figure, text, ("map", "query", "looks most at", "weight"), table)
