"""Figures of text generation: the loop step by step, and what its settings trade.

Knows no model and no sampler: it takes probabilities, numbers and labels.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.description import describe, number
from llm_notes.viz.distributions import plot_bars
from llm_notes.viz.labels import visible
from llm_notes.viz.style import INK, PALETTE

_LINES = ["-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2))]
_MARKERS = "osD^"
_POINT_MARKERS = "*PXv"
_TEXT_OFFSETS = [(-5, 4), (-4, -12), (5, -10)]  # in points, one for each path


def plot_generation_steps(
    probabilities, drawn: Sequence[int], labels: Sequence[str], top: int = 4
) -> Figure:
    """Draw the next-token distribution of each step, one below the other.

    probabilities: (N, V), one distribution per step; drawn: N token ids, what each
    step drew; labels: V token labels. Each panel shows the `top` likeliest tokens. The
    drawn one is hatched and named as such; where it is not among the `top`, it takes
    the place of the last of them.

    Raises ValueError when shapes disagree, or an id or `top` is out of range.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    drawn = np.asarray(drawn)
    if drawn.shape != (len(drawn),) or probabilities.shape != (len(drawn), len(labels)):
        raise ValueError(
            "plot_generation_steps needs one distribution per drawn token and one "
            f"label per vocabulary entry; got probabilities of shape "
            f"{probabilities.shape}, {drawn.shape} drawn tokens, {len(labels)} labels"
        )
    if not len(drawn) or not 2 <= top <= len(labels):
        raise ValueError(
            f"at least one step and 2 to {len(labels)} tokens can be shown; got "
            f"{len(drawn)} steps and top = {top}"
        )
    if drawn.min() < 0 or drawn.max() >= len(labels):
        raise ValueError(
            f"drawn ids must lie between 0 and {len(labels) - 1}, got {drawn.tolist()}"
        )
    height = 0.5 + len(drawn) * (0.25 + 0.24 * top)
    figure, panels = plt.subplots(
        len(drawn), figsize=(5.6, height), sharex=True, squeeze=False
    )
    shown = [_shown(row, i, top) for row, i in zip(probabilities, drawn, strict=True)]
    maximum = max(
        row[tokens].max() for row, tokens in zip(probabilities, shown, strict=True)
    )
    for step, (ax, tokens) in enumerate(zip(panels[:, 0], shown, strict=True)):
        p = probabilities[step, tokens]
        names = [labels[i] for i in tokens]
        plot_bars(p, names, value_format="{:.3f}", maximum=maximum, ax=ax)
        _mark_drawn(ax, list(tokens).index(drawn[step]))
        ax.set_ylabel(f"step {step + 1}")
    panels[-1, 0].set_xlabel("probability")
    parts = [
        f"step {step + 1} draws '{visible(labels[i])}' ({number(row[i])})"
        for step, (row, i) in enumerate(zip(probabilities, drawn, strict=True))
    ]
    rows = [
        (step + 1, labels[i], probabilities[step, i], "yes" if i == drawn[step] else "")
        for step, tokens in enumerate(shown)
        for i in tokens
    ]
    text = f"Next-token distributions of {len(drawn)} steps: {'; '.join(parts)}."
    describe(figure, text, ("step", "token", "probability", "drawn"), rows)
    return figure


def plot_trade_off(
    paths: Mapping[str, tuple],
    points: Mapping[str, tuple[float, float]],
    x_label: str,
    y_label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw settings as paths through a plane of two statistics, and return the Axes.

    paths: name -> (x, y, texts): a line through the settings in their order, each one
    annotated with its text. points: name -> (x, y), single marks to compare with.

    Raises ValueError when x, y and texts of a path differ in length, or there are more
    paths or points than there are line styles or marks to tell them apart.
    """
    if len(paths) > len(_LINES) or len(points) > len(_POINT_MARKERS):
        raise ValueError(
            f"at most {len(_LINES)} paths and {len(_POINT_MARKERS)} points stay apart; "
            f"got {len(paths)} and {len(points)}"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 4.0))
    for i, (name, (x, y, texts)) in enumerate(paths.items()):
        if not len(x) == len(y) == len(texts):
            raise ValueError(
                f"the path {name!r} has {len(x)} x, {len(y)} y and {len(texts)} texts"
            )
        ax.plot(
            x, y, color=PALETTE[i], linestyle=_LINES[i], marker=_MARKERS[i],
            markersize=5, linewidth=1.4, label=name,
        )  # fmt: skip
        for place, text in zip(zip(x, y, strict=True), texts, strict=True):
            offset = _TEXT_OFFSETS[i % 3]  # paths may run close together
            ax.annotate(
                text, place, xytext=offset, fontsize=8.5, textcoords="offset points",
                ha="right" if offset[0] < 0 else "left", color=PALETTE[i],
                parse_math=False,
            )  # fmt: skip
    for i, (name, (x, y)) in enumerate(points.items()):
        ax.plot(
            x, y, linestyle="none", marker=_POINT_MARKERS[i], markersize=12,
            color=PALETTE[-2 + i] if i < 2 else INK, markeredgecolor="white",
            label=name, zorder=3,
        )  # fmt: skip
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.legend()
    _describe_trade_off(ax, paths, points, x_label, y_label)
    return ax


def _describe_trade_off(ax: Axes, paths, points, x_label, y_label) -> None:
    ways = [
        f"{visible(name, False)} from ({number(x[0])}, {number(y[0])}) at {texts[0]} "
        f"to ({number(x[-1])}, {number(y[-1])}) at {texts[-1]}"
        for name, (x, y, texts) in paths.items()
        if len(x)
    ]
    ways += [
        f"{visible(name, False)} at ({number(x)}, {number(y)})"
        for name, (x, y) in points.items()
    ]
    rows = [
        (name, str(text), a, b)
        for name, (x, y, texts) in paths.items()
        for a, b, text in zip(x, y, texts, strict=True)
    ]
    rows += [(name, "", x, y) for name, (x, y) in points.items()]
    text = f"{y_label} over {x_label}: {'; '.join(ways)}."
    describe(ax, text, ("path", "setting", x_label, y_label), rows)


def _shown(probabilities: np.ndarray, drawn: int, top: int) -> np.ndarray:
    order = np.argsort(-probabilities, kind="stable")[:top]
    if drawn not in order:
        order[-1] = drawn
    return order


def _mark_drawn(ax: Axes, row: int) -> None:
    ax.containers[-1][row].set(
        facecolor="white", edgecolor=PALETTE[1], hatch="////", linewidth=1.2
    )
    label = ax.texts[row]
    label.set_text(f"{label.get_text()} ← drawn")
    label.set_fontweight("bold")
