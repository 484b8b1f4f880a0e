"""Next-token distributions as bars, with what a filter keeps and what it removes.

Knows no model and no sampler: it takes probabilities and labels.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALETTE


def plot_bars(
    values,
    labels: Sequence[str],
    *,
    value_label: str = "",
    value_format: str = "{:.3g}",
    maximum: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one horizontal bar per label, its value at its end, and return the Axes.

    values: (N,) numbers of 0 or more, first on top. maximum: the right end of the
    axis (default: the largest value); a fixed one keeps several figures comparable.

    Raises ValueError when the lengths differ, or a value is negative or not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.shape != (len(labels),) or not len(labels):
        raise ValueError(
            f"plot_bars needs one value per label; got values of shape {values.shape} "
            f"and {len(labels)} labels"
        )
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError("bars need finite values of 0 or more")
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.6 + 0.27 * max(len(values), 4)))
    right = maximum or values.max() or 1.0
    rows = np.arange(len(values))
    ax.barh(rows, values, color=PALETTE[0], height=0.72, linewidth=0.8)
    for row, value in zip(rows, values, strict=True):
        ax.text(
            min(value, right) + 0.012 * right, row, value_format.format(value),
            va="center", fontsize=9, color=INK, parse_math=False,
        )  # fmt: skip
    ax.set_yticks(rows)
    ax.set_yticklabels([visible(label) for label in labels], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.set_xlim(0, right * 1.14)
    ax.locator_params(axis="x", nbins=6)
    if value_label:
        ax.set_xlabel(value_label)
    return ax


def plot_token_distribution(
    probabilities,
    labels: Sequence[str],
    kept=None,
    top: int = 15,
    *,
    maximum: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the `top` most probable tokens of a distribution and return the Axes.

    probabilities: (V,) that sum to 1; labels: V token labels. Equal probabilities
    stay in vocabulary order. The axis label says how much all other tokens share.
    kept: (V,) booleans, what a filter leaves over. Removed tokens are pale, hatched
        and named in the legend, so that the two differ by more than colour.
    maximum: the right end of the axis, as for `plot_bars`.

    Raises ValueError when shapes disagree or the numbers are no distribution.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    n_tokens = len(labels)
    if probabilities.shape != (n_tokens,):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} do not fit {n_tokens} labels"
        )
    total = probabilities.sum()
    if not (probabilities >= 0).all() or abs(total - 1) > 1e-3:
        raise ValueError(
            "probabilities must be 0 or more and sum to 1; the smallest is "
            f"{probabilities.min():.4g}, the sum {total:.4g}"
        )
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    if kept is not None:
        kept = np.asarray(kept, dtype=bool)
        if kept.shape != (n_tokens,):
            raise ValueError(f"kept must have shape ({n_tokens},), got {kept.shape}")
    order = np.argsort(-probabilities, kind="stable")[:top]
    shown = probabilities[order]
    ax = plot_bars(
        shown,
        [labels[i] for i in order],
        value_label=_share_of_others(probabilities, order),
        value_format="{:.3f}",
        maximum=maximum,
        ax=ax,
    )
    if kept is not None:
        _mark_removed(ax, kept[order])
    _describe(ax, probabilities, labels, kept, order)
    return ax


def _describe(ax: Axes, probabilities, labels, kept, order) -> None:
    first = ", ".join(
        f"'{visible(labels[i])}' {number(probabilities[i])}" for i in order[:3]
    )
    text = f"Likeliest of {len(labels):,} tokens: {first}."
    n_others = len(labels) - len(order)
    if n_others:
        share = max(0.0, 1 - probabilities[order].sum())
        text += f" The {number(n_others)} that are not drawn share {number(share)}."
    head, rows = (
        ["token", "probability"],
        [(labels[i], probabilities[i]) for i in order],
    )
    if kept is not None:
        share = number(probabilities[kept].sum())
        text += f" A filter keeps {number(kept.sum())} tokens, together {share}."
        head.append("kept")
        rows = [
            (*row, "yes" if kept[i] else "no")
            for row, i in zip(rows, order, strict=True)
        ]
    describe(ax, text, head, rows)


def _share_of_others(probabilities: np.ndarray, order: np.ndarray) -> str:
    n_others = len(probabilities) - len(order)
    if not n_others:
        return "probability"
    share = max(0.0, 1.0 - probabilities[order].sum())
    tokens = "token has" if n_others == 1 else "tokens share"
    return f"probability (the other {n_others:,} {tokens} {share:.3f})"


def _mark_removed(ax: Axes, kept: np.ndarray) -> None:
    removed = {"facecolor": "white", "edgecolor": "#767676", "hatch": "////"}
    for bar, is_kept in zip(ax.containers[-1], kept, strict=True):
        if not is_kept:
            bar.set(**removed)
    handles = [Patch(color=PALETTE[0]), Patch(**removed)]
    ax.legend(handles, ["kept", "removed"], loc="lower right")
