"""Masks: which query may look at which key.

True means "may attend". Knows no model: it takes booleans and labels.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from llm_notes.viz.attention import draw_token_axes, label_inches, strike
from llm_notes.viz.description import describe, number
from llm_notes.viz.style import INK, MASKED, PALETTE


def plot_mask(
    mask,
    row_tokens: Sequence[str] | None = None,
    column_tokens: Sequence[str] | None = None,
    *,
    title: str = "",
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a mask (T, S) and return the Axes; blue cells may be attended.

    mask: booleans, True = may attend; others are grey and struck through.
    row_tokens: T query tokens; column_tokens: S key tokens (default: the same, or
        positions from 0 when there are no tokens).

    Raises ValueError when the mask is no matrix of booleans or does not fit the tokens.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or not mask.size or mask.dtype != bool:
        raise ValueError(
            "a mask is a matrix of booleans, True = may attend; got shape "
            f"{mask.shape} of {mask.dtype}"
        )
    n_queries, n_keys = mask.shape
    if row_tokens is None:
        row_tokens = [str(i) for i in range(n_queries)]
        if column_tokens is None:
            column_tokens = [str(i) for i in range(n_keys)]
    column_tokens = row_tokens if column_tokens is None else column_tokens
    if (len(row_tokens), len(column_tokens)) != mask.shape:
        raise ValueError(
            f"a mask of {n_queries} queries by {n_keys} keys does not fit "
            f"{len(row_tokens)} row tokens and {len(column_tokens)} column tokens"
        )
    if ax is None:
        width, height = (min(max(0.3 * n, 1.4), 4.6) for n in (n_keys, n_queries))
        width += 0.6 + label_inches(row_tokens)
        height += 0.9 + label_inches(column_tokens)
        _, ax = plt.subplots(figsize=(width, height))
    colours = ListedColormap([MASKED, PALETTE[0]])
    ax.imshow(mask.astype(int), cmap=colours, vmin=0, vmax=1, aspect="equal")
    strike(ax, ~mask)
    for i in range(1, max(mask.shape)):  # white joints between the cells
        if i < n_keys:
            ax.axvline(i - 0.5, color="white", linewidth=0.8)
        if i < n_queries:
            ax.axhline(i - 0.5, color="white", linewidth=0.8)
    draw_token_axes(ax, row_tokens, column_tokens)
    if title:
        ax.set_title(title, pad=20 if legend else 6, parse_math=False)
    if legend:
        keys = [Patch(color=PALETTE[0]), Patch(facecolor=MASKED, edgecolor=INK, lw=0.5)]
        ax.legend(
            keys, ["may attend", "may not"], loc="lower left", ncols=2, fontsize=9,
            bbox_to_anchor=(0, 1), handlelength=1.0, columnspacing=1.0,
            borderpad=0, borderaxespad=0.4,
        )  # fmt: skip
    open_keys = mask.sum(axis=1)
    text = (
        f"{title or 'A mask'}: {n_queries} queries by {n_keys} keys, "
        f"{_kind(mask)}. {number(mask.sum())} of {number(mask.size)} pairs may attend; "
        f"a query sees {open_keys.min()} to {open_keys.max()} keys."
    )
    rows = [
        (row_tokens[i], int(open_keys[i]), _ranges(np.flatnonzero(line)))
        for i, line in enumerate(mask)
    ]
    describe(ax, text, ("query", "keys seen", "positions of the keys"), rows)
    return ax


def _kind(mask: np.ndarray) -> str:
    """The name of a mask that has one."""
    n_queries, n_keys = mask.shape
    past = np.tri(n_queries, n_keys, n_keys - n_queries, dtype=bool)
    if mask.all():
        return "no pair is masked"
    if np.array_equal(mask, past):
        return "keys after the query are masked (causal)"
    seen = mask.sum(axis=1)
    window = np.arange(n_queries)[:, None] + n_keys - n_queries - np.arange(n_keys)
    if np.array_equal(mask, past & (window < seen.max())):
        return f"each query sees its last {seen.max()} keys (causal with a window)"
    if (mask == mask[:1]).all():
        return "the same keys are masked for every query"
    return "some pairs are masked"


def _ranges(places: np.ndarray) -> str:
    """ "0-3, 7" for [0, 1, 2, 3, 7]."""
    if not len(places):
        return "none"
    parts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
