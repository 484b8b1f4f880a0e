"""Embeddings in the plane: words as points, and lines to the neighbours of one.

Projects nothing and measures no distance: two coordinates for each word come in, and
which words are neighbours, because the plane shows only part of the distances.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import INK, MARKERS, PALETTE, QUIET

# Where a label may stand beside its point, first choice first: (x, y) in points.
_PLACES = [
    (5, 0, "left", "center"), (0, 5, "center", "bottom"), (0, -5, "center", "top"),
    (-5, 0, "right", "center"), (4, 4, "left", "bottom"), (4, -4, "left", "top"),
    (-4, 4, "right", "bottom"), (-4, -4, "right", "top"),
]  # fmt: skip


def plot_embeddings(
    points,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    chosen: int | None = None,
    neighbours: Sequence[int] = (),
    similarities: Sequence[float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw N words as points in the plane and return the Axes.

    points: (N, 2) coordinates; labels: N words. A label takes the first free place
        around its point; one for which there is none is left out (the point stays).
    groups: N names, one colour and marker each.
    chosen: the word from which lines go to its `neighbours`, both as indices, nearest
        first. Take the neighbours from all dimensions: near in the plane may be far.
        Their labels are bold and placed first.
    similarities: one number for each neighbour, for the description.

    Raises ValueError when shapes do not fit or an index is out of range.
    """
    points = np.asarray(points, dtype=float)
    if points.shape != (len(labels), 2) or not len(labels):
        raise ValueError(
            f"plot_embeddings needs (N, 2) points and N labels; got {points.shape} and "
            f"{len(labels)} labels"
        )
    if groups is not None and len(groups) != len(labels):
        raise ValueError(f"{len(labels)} words but {len(groups)} groups: one for each")
    neighbours = [int(i) for i in neighbours]
    first = ([] if chosen is None else [int(chosen)]) + neighbours
    if (chosen is None and neighbours) or not all(0 <= i < len(labels) for i in first):
        raise ValueError(
            f"chosen = {chosen} and neighbours = {neighbours} must be indices of "
            f"{len(labels)} words, and neighbours need a chosen word"
        )
    if similarities is not None and len(similarities) != len(neighbours):
        raise ValueError(
            f"{len(neighbours)} neighbours but {len(similarities)} similarities"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(5.6, 4.4))
    for i in neighbours:
        ax.plot(*points[[chosen, i]].T, color=QUIET, linewidth=1, zorder=1)
    _draw_points(ax, points, groups)
    if chosen is not None:
        ax.plot(*points[chosen], "o", markersize=11, markerfacecolor="none",
                markeredgecolor=PALETTE[1], markeredgewidth=1.8)  # fmt: skip
    ax.margins(0.12)
    ax.set_xlabel("first direction")
    ax.set_ylabel("second direction")
    _place_labels(ax, points, labels, first)
    _describe(ax, points, labels, groups, chosen, neighbours, similarities)
    return ax


def _draw_points(ax: Axes, points: np.ndarray, groups) -> None:
    names = [""] if groups is None else list(dict.fromkeys(groups))
    handles = []
    for i, name in enumerate(names):
        inside = [g == name for g in groups] if groups is not None else slice(None)
        handles += ax.plot(
            *points[inside].T, linestyle="none", marker=MARKERS[i % len(MARKERS)],
            markersize=5, color=PALETTE[i % len(PALETTE)],
        )  # fmt: skip
    if groups is not None:
        literal_legend(
            ax, handles, names, loc="lower left", bbox_to_anchor=(0, 1),
            ncols=min(4, len(names)), handletextpad=0.2, columnspacing=1.0,
        )  # fmt: skip


def _place_labels(ax: Axes, points, labels, first: list[int]) -> None:
    """Each label in the first of eight places that touches no label and no point."""
    figure = ax.figure
    figure.draw_without_rendering()  # the layout decides where the points lie
    renderer = figure.canvas.get_renderer()
    pixels = ax.transData.transform(points)
    frame = ax.get_window_extent(renderer)
    scale = figure.dpi / 72
    dots = [(x - 3 * scale, y - 3 * scale, x + 3 * scale, y + 3 * scale)
            for x, y in pixels]  # fmt: skip
    taken = list(dots)
    order = list(dict.fromkeys([*first, *range(len(labels))]))
    for i in order:
        text = ax.annotate(
            visible(labels[i]), points[i], xytext=(0, 0), textcoords="offset points",
            fontsize=9, color=INK, parse_math=False,
            fontweight="bold" if i in first else "normal",
        )  # fmt: skip
        text.set_in_layout(False)
        width, height = text.get_window_extent(renderer).size
        others = [box for j, box in enumerate(taken) if j != i]
        for dx, dy, ha, va in _PLACES:
            x = (
                pixels[i, 0]
                + dx * scale
                - {"left": 0, "center": 0.5, "right": 1}[ha] * width
            )
            y = (
                pixels[i, 1]
                + dy * scale
                - {"bottom": 0, "center": 0.5, "top": 1}[va] * height
            )
            box = (x, y, x + width, y + height)
            inside = frame.x0 <= x and x + width <= frame.x1 + 4 * scale
            if inside and not any(_touch(box, other) for other in others):
                text.set(position=(dx, dy), ha=ha, va=va)
                taken.append(box)
                break
        else:
            text.remove()


def _touch(a: tuple, b: tuple) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _describe(ax, points, labels, groups, chosen, neighbours, similarities) -> None:
    text = f"{len(labels)} words as points in the plane"
    if groups is not None:
        text += f", in {len(set(groups))} groups"
    if chosen is not None and neighbours:
        near = [
            visible(labels[i])
            + ("" if similarities is None else f" ({number(similarities[place])})")
            for place, i in enumerate(neighbours)
        ]
        text += f". Nearest to {visible(labels[chosen])}: {', '.join(near)}"
    ranks = {i: place + 1 for place, i in enumerate(neighbours)}
    first = [i for i in (chosen, *neighbours) if i is not None]
    order = list(dict.fromkeys([*first, *range(len(labels))]))
    head = ["word", "first direction", "second direction"]
    columns = [lambda i: labels[i], lambda i: points[i, 0], lambda i: points[i, 1]]
    if groups is not None:
        head.append("group")
        columns.append(lambda i: str(groups[i]))
    if chosen is not None:
        head.append("rank as neighbour")
        columns.append(lambda i: ranks.get(i))
    describe(ax, f"{text}.", head, [[column(i) for column in columns] for i in order])
