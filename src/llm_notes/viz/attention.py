"""Attention maps: one head large, or all heads as small multiples.

Rows are queries, columns are keys. Knows no model: it takes weights and labels.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.attention_words import describe_heads, describe_map
from llm_notes.viz.labels import set_literal, visible
from llm_notes.viz.style import ATTENTION_COLOURS, INK, MASKED, QUIET

LONGEST = 24  # characters of a label


def plot_attention(
    weights,
    row_tokens: Sequence[str],
    column_tokens: Sequence[str] | None = None,
    *,
    mask=None,
    show_values: bool = False,
    colour_bar: bool = False,
    maximum: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw attention weights (T, S) as a map and return the Axes.

    row_tokens: T query tokens; column_tokens: S key tokens (default: the same).
    mask: (T, S) booleans, True = may attend. Cells that may not are grey and struck
        through, so that they differ from a weight of zero, which is white.
    show_values: print each weight in its cell.
    maximum: the weight drawn darkest; 1 keeps maps comparable with each other.

    Raises ValueError when the shapes of weights, tokens and mask do not agree.
    """
    weights = np.asarray(weights, dtype=float)
    column_tokens = row_tokens if column_tokens is None else column_tokens
    _check(weights, 2, row_tokens, column_tokens, mask)
    n_rows, n_columns = weights.shape
    if ax is None:
        size = (
            _inches(n_columns, row_tokens, colour_bar),
            _inches(n_rows, column_tokens),
        )
        _, ax = plt.subplots(figsize=size)
    allowed = np.ones_like(weights, bool) if mask is None else np.asarray(mask, bool)

    colours = ATTENTION_COLOURS.with_extremes(bad=MASKED)
    image = ax.imshow(
        np.ma.masked_array(weights, ~allowed), cmap=colours, vmin=0, vmax=maximum,
        interpolation="none", aspect="equal",
    )  # fmt: skip
    strike(ax, ~allowed)
    draw_token_axes(ax, row_tokens, column_tokens)
    describe_map(ax, weights, allowed, row_tokens, column_tokens)
    if show_values:
        _print_values(ax, weights, allowed, maximum)
    if colour_bar:
        bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
        bar.set_label("attention weight")
        bar.outline.set_linewidth(0.5)
    return ax


def plot_attention_heads(
    weights,
    row_tokens: Sequence[str],
    column_tokens: Sequence[str] | None = None,
    *,
    mask=None,
    head_labels: Sequence[str] | None = None,
    n_columns: int | None = None,
    maximum: float = 1.0,
) -> Figure:
    """Draw the weights (H, T, S) of H heads as small maps and return the Figure.

    head_labels: H names (default "head 0" ...). mask: (T, S), shared by all heads.
    n_columns: maps side by side (default: at most 4). Tokens stand on the outer maps
    only. Errors as for `plot_attention`.
    """
    weights = np.asarray(weights, dtype=float)
    column_tokens = row_tokens if column_tokens is None else column_tokens
    _check(weights, 3, row_tokens, column_tokens, mask)
    n_heads = len(weights)
    if head_labels is None:
        head_labels = [f"head {i}" for i in range(n_heads)]
    if len(head_labels) != n_heads:
        raise ValueError(f"{n_heads} heads but {len(head_labels)} head labels")
    n_columns = min(n_heads, n_columns or (n_heads if n_heads < 5 else 4))
    n_rows = -(-n_heads // n_columns)
    n_queries, n_keys = weights.shape[1:]
    width = 7.2
    panel = (width - 0.45 - label_inches(row_tokens)) / n_columns - 0.12
    height = n_rows * (panel * n_queries / n_keys + 0.38)
    size = (width, height + 0.3 + label_inches(column_tokens))
    font_size = min(10.0, max(5.5, 72 * 0.85 * panel / n_keys))
    figure, axes = plt.subplots(n_rows, n_columns, figsize=size, squeeze=False)
    for i, ax in enumerate(axes.flat):
        if i >= n_heads:
            ax.set_axis_off()
            continue
        plot_attention(
            weights[i], row_tokens, column_tokens, mask=mask, maximum=maximum, ax=ax
        )
        title = ax.set_title(visible(head_labels[i], edges=False), pad=4)
        set_literal([title])
        last_in_column = i + n_columns >= n_heads
        _keep_outer(ax, left=i % n_columns == 0, bottom=last_in_column)
        ax.tick_params(labelsize=font_size)
        if n_columns > 1:
            ax.set_xlabel("")
            ax.set_ylabel("")
    # Once for all maps: the same two words under each of them would crowd them out.
    if n_columns > 1:
        figure.supxlabel("key", fontsize=11)
        figure.supylabel("query", fontsize=11)
    describe_heads(figure, weights, row_tokens, column_tokens, mask, head_labels)
    return figure


def _check(weights: np.ndarray, n_axes: int, rows, columns, mask) -> None:
    names = "(T, S)" if n_axes == 2 else "(H, T, S)"
    if weights.ndim != n_axes or 0 in weights.shape:
        raise ValueError(f"weights must have shape {names}, got {weights.shape}")
    expected = (len(rows), len(columns))
    if weights.shape[-2:] != expected:
        raise ValueError(
            f"weights of {weights.shape[-2]} queries by {weights.shape[-1]} keys do "
            f"not fit {expected[0]} row tokens and {expected[1]} column tokens"
        )
    if mask is not None and np.shape(mask) != expected:
        raise ValueError(f"the mask must have shape {expected}, got {np.shape(mask)}")


def _inches(n_cells: int, labels: Sequence[str], colour_bar: bool = False) -> float:
    """Room for the cells of one axis plus the labels that stand on its other side."""
    cells = min(max(0.34 * n_cells, 1.6), 5.0)
    return cells + label_inches(labels) + 0.5 + 0.8 * colour_bar


def label_inches(labels: Sequence[str]) -> float:
    """Room for the longest of some labels."""
    return 0.09 * max((len(short(label)) for label in labels), default=0)


def short(label: str) -> str:
    """A label made visible and cut after 24 characters: it stands beside a cell."""
    text = visible(label)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def draw_token_axes(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Query tokens on the left, key tokens below, and a frame around their cells."""
    for axis, tokens in ((ax.xaxis, columns), (ax.yaxis, rows)):
        axis.set_ticks(range(len(tokens)))
        axis.set_ticklabels([short(token) for token in tokens], parse_math=False)
        axis.set_tick_params(length=0)
    if max((len(short(token)) for token in columns), default=0) > 2:
        ax.tick_params(axis="x", labelrotation=90)
    ax.set_xlabel("key")
    ax.set_ylabel("query")
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)


def strike(ax: Axes, masked: np.ndarray) -> None:
    """One diagonal in each masked cell, as a single line with gaps (small in SVG)."""
    rows, columns = np.nonzero(masked)
    if not len(rows):
        return
    gap = np.full(len(rows), np.nan)
    x = np.stack([columns - 0.5, columns + 0.5, gap], axis=1).ravel()
    y = np.stack([rows + 0.5, rows - 0.5, gap], axis=1).ravel()
    ax.plot(x, y, color=QUIET, linewidth=0.6, scalex=False, scaley=False)


def _print_values(ax: Axes, weights, allowed, maximum: float) -> None:
    for row, column in zip(*np.nonzero(allowed), strict=True):
        weight = weights[row, column]
        colour = "white" if weight > 0.55 * maximum else INK
        ax.text(
            column, row, f"{weight:.2f}".removeprefix("0"), color=colour,
            ha="center", va="center", fontsize=8,
        )  # fmt: skip


def _keep_outer(ax: Axes, left: bool, bottom: bool) -> None:
    if not left:
        ax.set_yticklabels([])
    if not bottom:
        ax.set_xticklabels([])
