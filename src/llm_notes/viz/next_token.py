"""What a model reads and what it answers: the tokens of a context, then the bars.

Made for models with a short window, which read the end of a context and may know only
part of what they read. Knows no model: it takes tokens, lengths and probabilities.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from llm_notes.viz.description import describe
from llm_notes.viz.distributions import plot_token_distribution
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALETTE, QUIET

# Pale and solid, hatched, or plain grey: told apart without colour, too.
KNOWN = {"facecolor": "#b5d4e9", "edgecolor": INK}
UNKNOWN = {"facecolor": "white", "edgecolor": PALETTE[0], "hatch": "////"}
UNREAD = {"facecolor": "white", "edgecolor": QUIET}
ASKED = {"facecolor": "white", "edgecolor": INK, "linestyle": (0, (3, 2))}


def plot_next_token(
    tokens: Sequence[str],
    n_read: int,
    n_known: int,
    probabilities,
    labels: Sequence[str],
    *,
    top: int = 8,
    maximum: float = 1.0,
) -> Figure:
    """Draw a context as a row of cells over the next token's distribution.

    tokens: T tokens of the context, oldest first.
    n_read: how many of the last tokens the model looks at.
    n_known: how many of the last tokens it has met before in this order; the cells
        that it reads and cannot use are hatched.
    probabilities: (V,) of the next token; labels: V token labels. The `top` most
        probable are drawn; `maximum` is the right end of the axis.

    Raises ValueError unless 0 <= n_known <= n_read <= T, and for what
    `plot_token_distribution` refuses.
    """
    if not 0 <= n_known <= n_read <= len(tokens):
        raise ValueError(
            f"n_known = {n_known}, n_read = {n_read} and {len(tokens)} tokens: a model "
            "knows at most what it reads, and reads at most the context"
        )
    figure, (strip, bars) = plt.subplots(
        2, 1, figsize=(5.6, 1.5 + 0.25 * top), height_ratios=[1.0, 0.25 * top]
    )
    _draw_cells(strip, tokens, n_read, n_known)
    plot_token_distribution(probabilities, labels, top=top, maximum=maximum, ax=bars)
    return figure


def _draw_cells(ax: Axes, tokens: Sequence[str], n_read: int, n_known: int) -> None:
    n_tokens = len(tokens)
    for i, token in enumerate([*tokens, "?"]):
        distance = n_tokens - i  # 1 for the last token, 0 for the one asked for
        look = UNREAD
        if distance == 0:
            look = ASKED
        elif distance <= n_known:
            look = KNOWN
        elif distance <= n_read:
            look = UNKNOWN
        # An edge stays inside its own cell, so that neighbours do not hide it.
        ax.add_patch(Rectangle((i + 0.05, 0.05), 0.9, 0.9, linewidth=0.9, **look))
        text = ax.text(
            i + 0.5, 0.5, visible(token), ha="center", va="center", fontsize=10,
            color=INK, parse_math=False,
        )  # fmt: skip
        text.set_in_layout(False)  # it lies inside its cell: nothing to measure
        if look is UNKNOWN:
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    ax.set_xlim(0, n_tokens + 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.legend(
        [Patch(**KNOWN), Patch(**UNKNOWN), Patch(**UNREAD)],
        ["read and known", "read, not known", "not read"],
        loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=9,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
    states = ["not read"] * (n_tokens - n_read) + ["read, not known"] * (
        n_read - n_known
    )
    states += ["read and known"] * n_known
    text = (
        f"A context of {n_tokens} tokens: the model reads the last {n_read} and knows "
        f"the last {n_known}."
    )
    describe(ax, text, ("token", "state"), list(zip(tokens, states, strict=True)))
