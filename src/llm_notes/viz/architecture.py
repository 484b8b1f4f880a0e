"""The plan of a residual network: one stream, and branches that write into it.

Knows no model: names and shapes arrive as text, from bottom to top.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from llm_notes.viz.description import describe
from llm_notes.viz.labels import set_literal, visible
from llm_notes.viz.style import INK, PALETTE, QUIET

Part = tuple[str, str]  # name, shape of what it gives out

_STREAM_X, _BRANCH_X = 2.5, 7.3
_BOX_WIDTH, _BOX_HEIGHT = 3.9, 1.05
_STEP = 1.6  # from the middle of one box to the middle of the next


def plot_residual_stack(
    sources: Sequence[Part],
    branches: Sequence[Sequence[Part]],
    outputs: Sequence[Part],
    *,
    stream: str,
    repeat: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw sources, one block of branches, and outputs along a stream; return the Axes.

    sources: parts whose sum starts the stream; the first stands at its foot.
    branches: chains of parts in the order they are passed; each chain reads the
        stream, and its last part is added to it. A frame around them is the block.
    outputs: parts that the stream passes through at its end.
    stream: a label for the stream, such as its shape.
    repeat: how many blocks stand on each other, written into the frame.

    Raises ValueError when sources, branches, outputs or one branch are empty.
    """
    for name, parts in (
        ("sources", sources),
        ("branches", branches),
        ("outputs", outputs),
        *((f"branch {i}", branch) for i, branch in enumerate(branches)),
    ):
        if not parts:
            raise ValueError(f"{name} must hold at least one part")
    n_rows = len(sources) + sum(map(len, branches)) + len(branches) + len(outputs)
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 0.6 + 0.52 * n_rows))

    _draw_box(ax, _STREAM_X, 0, sources[0])
    y = _STEP
    for part in sources[1:]:
        _draw_box(ax, _BRANCH_X, y, part)
        _add_to_stream(ax, y)
        y += _STEP

    bottom = y - 0.65
    for branch in branches:
        y = _draw_branch(ax, branch, y + 0.2)
    top = y - 0.35 if repeat else y - 0.75
    _draw_frame(ax, bottom, top, repeat)
    ax.text(
        _STREAM_X - 0.55, (bottom + top) / 2, stream, rotation=90,
        ha="right", va="center", parse_math=False,
    )  # fmt: skip

    y = top + 1.0
    for i, part in enumerate(outputs):
        _draw_box(ax, _STREAM_X, y + i * _STEP, part)
    top = y + (len(outputs) - 1) * _STEP
    ax.plot([_STREAM_X] * 2, [0, top], color=INK, linewidth=2.8, zorder=0)
    ax.set(xlim=(0.2, 9.9), ylim=(-0.7, top + 0.7))
    ax.set_axis_off()
    _describe(ax, sources, branches, outputs, repeat)
    return ax


def _describe(ax: Axes, sources, branches, outputs, repeat: str) -> None:
    def names(parts: Sequence[Part]) -> str:
        return ", ".join(name for name, _ in parts)

    chains = "; ".join(names(branch) for branch in branches)
    text = (
        f"A stream from bottom to top. It starts with {names(sources)}. A block"
        f"{f' ({repeat})' if repeat else ''} adds {len(branches)} branches: {chains}. "
        f"At the end: {names(outputs)}."
    )
    rows = [("source", *part) for part in sources]
    rows += [(f"branch {i + 1}", *part) for i, b in enumerate(branches) for part in b]
    rows += [("output", *part) for part in outputs]
    describe(ax, text, ("where", "part", "shape"), rows)


def _draw_branch(ax: Axes, branch: Sequence[Part], y: float) -> float:
    """One chain beside the stream; returns where the next one may begin."""
    # A lone box is entered below and left above its middle, else at the middles.
    apart = 0.35 if len(branch) == 1 else 0.0
    ax.plot(_STREAM_X, y - apart, "o", color=INK, markersize=5)
    _draw_arrow(ax, (_STREAM_X, y - apart), (_BRANCH_X - _BOX_WIDTH / 2, y - apart))
    for i, part in enumerate(branch):
        _draw_box(ax, _BRANCH_X, y, part, PALETTE[0])
        if i:
            below, edge = y - _STEP + _BOX_HEIGHT / 2, y - _BOX_HEIGHT / 2
            _draw_arrow(ax, (_BRANCH_X, below), (_BRANCH_X, edge))
        y += _STEP
    _add_to_stream(ax, y - _STEP + apart)
    return y + 0.2


def _add_to_stream(ax: Axes, y: float) -> None:
    _draw_arrow(ax, (_BRANCH_X - _BOX_WIDTH / 2, y), (_STREAM_X + 0.28, y))
    ax.plot(
        _STREAM_X, y, "o", markersize=15, markerfacecolor="white",
        markeredgecolor=INK, markeredgewidth=1.4,
    )  # fmt: skip
    ax.plot(_STREAM_X, y, "+", color=INK, markersize=9, markeredgewidth=1.4)


def _draw_box(ax: Axes, x: float, y: float, part: Part, colour: str = INK) -> None:
    corner = (x - _BOX_WIDTH / 2, y - _BOX_HEIGHT / 2)
    ax.add_patch(
        FancyBboxPatch(
            corner, _BOX_WIDTH, _BOX_HEIGHT, boxstyle="round,pad=0,rounding_size=0.15",
            facecolor="white", edgecolor=colour, linewidth=1.4, zorder=2,
        )
    )  # fmt: skip
    name, shape = (visible(text, edges=False) for text in part)
    at = {"ha": "center", "va": "center", "zorder": 3}
    set_literal(
        [
            ax.text(x, y + 0.2, name, color=colour, fontsize=10.5, **at),
            ax.text(x, y - 0.24, shape, fontsize=9.5, **at),
        ]
    )


def _draw_frame(ax: Axes, bottom: float, top: float, repeat: str) -> None:
    left, right = 1.25, 9.7
    ax.add_patch(
        FancyBboxPatch(
            (left, bottom), right - left, top - bottom, zorder=-1,
            boxstyle="round,pad=0,rounding_size=0.25", facecolor="#F2F2F2",
            edgecolor=QUIET, linewidth=0.8,
        )
    )  # fmt: skip
    at = {"ha": "right", "va": "top", "parse_math": False}
    ax.text(right - 0.15, top - 0.12, repeat, **at)


def _draw_arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2,
                    "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
