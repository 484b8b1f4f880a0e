"""Rotary positions: pairs of numbers as arrows that turn, and what stays of the place.

Each pair of a query or key is turned by its position times its own speed (Su et al.
2021); the product of two of them then depends only on how far apart they stand. Turns
nothing and knows no model: it takes the turned pairs and the products.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.description import describe, number
from llm_notes.viz.style import ATTENTION_COLOURS, INK, PALETTE, QUIET


def plot_rotations(
    pairs, positions: Sequence[int] | None = None, names: Sequence[str] | None = None
) -> Figure:
    """Draw the pairs of one vector at several positions as arrows; return the Figure.

    pairs: (T, P, 2): for T positions, P pairs after their turn. One circle for each
        pair; later positions are darker, and
        arrows carry their position where there is room.
    positions: T numbers (default: 0, 1, ...). names: P titles (default "pair 0" ...).

    Raises ValueError when the shapes do not fit.
    """
    pairs = np.asarray(pairs, dtype=float)
    if pairs.ndim != 3 or pairs.shape[2] != 2 or not pairs.size:
        raise ValueError(f"pairs must have shape (T, P, 2), got {pairs.shape}")
    n_positions, n_pairs = pairs.shape[:2]
    positions = range(n_positions) if positions is None else positions
    names = [f"pair {i}" for i in range(n_pairs)] if names is None else names
    if len(positions) != n_positions or len(names) != n_pairs:
        raise ValueError(
            f"{n_positions} positions and {n_pairs} pairs need as many numbers and "
            f"names; got {len(positions)} and {len(names)}"
        )
    n_columns = min(n_pairs, 3)
    n_rows = -(-n_pairs // n_columns)
    side = 5.6 / max(n_columns, 2)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(side * n_columns, n_rows * (side + 0.3)),
        squeeze=False,
    )  # fmt: skip
    for i, ax in enumerate(axes.flat):
        ax.set_axis_off()
        if i < n_pairs:
            _draw_circle(ax, pairs[:, i], positions)
            ax.set_title(names[i])
    turned = _degrees(pairs)  # (T, P)
    lengths = np.hypot(pairs[..., 0], pairs[..., 1])
    stay = np.allclose(lengths, lengths[:1], rtol=1e-3, atol=1e-9)
    parts = [
        f"{name} {number(round(float(turned[-1, i])))}°" for i, name in enumerate(names)
    ]
    text = (
        f"{n_pairs} pairs of one vector as arrows, turned by position. From position "
        f"{positions[0]} to {positions[-1]}, whole turns left out: {', '.join(parts)}."
        f" {'Lengths stay' if stay else 'Lengths change'}."
    )
    rows = [
        (names[i], int(positions[t]), *pairs[t, i], turned[t, i])
        for i in range(n_pairs)
        for t in range(n_positions)
    ]
    describe(figure, text, ("pair", "position", "x", "y", "turned (degrees)"), rows)
    return figure


def plot_products_by_distance(
    products, *, labels: tuple[str, str] = ("query", "key"), ax: Axes | None = None
) -> Axes:
    """Draw the products of all position pairs over their distance; return the Axes.

    products: (T, S): the same query turned to position i times the same key turned to
        position j. Where only the distance i - j counts, all points of one distance
        fall on each other: the drawn line goes through all of them.
    labels: what stands at i and at j.

    Raises ValueError when the products are no matrix.
    """
    products = np.asarray(products, dtype=float)
    if products.ndim != 2 or not products.size:
        raise ValueError(f"products must have shape (T, S), got {products.shape}")
    if ax is None:
        _, ax = plt.subplots()
    i, j = np.indices(products.shape)
    distance = (i - j).ravel()
    values = products.ravel()
    lags = np.unique(distance)
    grouped = [values[distance == lag] for lag in lags]
    means = [group.mean() for group in grouped]
    ax.plot(lags, means, color=PALETTE[1], linewidth=1.2, label="mean of a distance")
    ax.scatter(
        distance, values, s=26, facecolor="none", edgecolor=PALETTE[0], linewidth=1,
        label="one pair of positions", zorder=3,
    )  # fmt: skip
    ax.axvline(0, color=QUIET, linewidth=0.8)
    ax.set_xlabel(f"position of the {labels[0]} less position of the {labels[1]}")
    ax.set_ylabel("product")
    ax.legend()
    spread = max(float(np.ptp(group)) for group in grouped)
    scale = float(np.ptp(values)) or 1.0
    finding = (
        "At one distance all products are equal: only the distance counts"
        if spread < 1e-3 * scale
        else f"At one distance products differ by up to {number(spread)}: the distance "
        "alone does not decide"
    )
    text = (
        f"Products of {number(values.size)} pairs of positions over their distance, "
        f"from {number(values.min())} to {number(values.max())}. {finding}."
    )
    head = ("distance", "pairs", "lowest product", "highest product")
    rows = [
        (int(lag), len(group), group.min(), group.max())
        for lag, group in zip(lags, grouped, strict=True)
    ]
    describe(ax, text, head, rows)
    return ax


def _draw_circle(ax: Axes, arrows: np.ndarray, positions: Sequence[int]) -> None:
    lengths = np.hypot(*arrows.T)
    longest = lengths.max() or 1.0
    angle = np.linspace(0, 2 * np.pi, 100)
    ax.plot(
        longest * np.cos(angle), longest * np.sin(angle), color=QUIET, linewidth=0.8
    )
    ax.plot([0], [0], "o", color=INK, markersize=3)
    shades = np.linspace(0.5, 1.0, len(arrows))
    named: list[float] = []  # where a number stands, in degrees: they must not touch
    order = [0, len(arrows) - 1, *range(1, len(arrows) - 1)]
    for i in dict.fromkeys(order):
        arrow, shade, position = arrows[i], shades[i], positions[i]
        ax.annotate(
            "", arrow, (0, 0),
            arrowprops={"arrowstyle": "-|>", "color": ATTENTION_COLOURS(shade),
                        "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
        turn = np.degrees(np.arctan2(arrow[1], arrow[0])) % 360
        if any(min(abs(turn - t), 360 - abs(turn - t)) < 16 for t in named):
            continue
        named.append(turn)
        ax.text(
            *(arrow * 1.16 * longest / (np.hypot(*arrow) or 1.0)), str(position),
            fontsize=9, ha="center", va="center",
        )  # fmt: skip
    reach = 1.3 * longest
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def _degrees(pairs: np.ndarray) -> np.ndarray:
    """(T, P): how far each arrow stands from the first, 0 to 360, against the clock."""
    angles = np.degrees(np.arctan2(pairs[..., 1], pairs[..., 0]))
    return (angles - angles[:1]) % 360
