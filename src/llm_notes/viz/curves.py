"""Training curves: raw and smoothed training loss, validation loss, baselines.

Knows no trainer: it takes the arrays that a history holds.
"""

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from llm_notes.viz.description import describe, number
from llm_notes.viz.labels import literal_legend, visible
from llm_notes.viz.style import INK, MARKERS, PALETTE


def smoothed(values, window: int) -> np.ndarray:
    """Return the centred moving average over `window` points.

    Near the ends the window is cut to the points that exist, so nothing is invented
    and the smoothed curve does not lag behind the raw one.
    """
    values = np.asarray(values, dtype=float)
    if window < 1:
        raise ValueError(f"the window must hold at least 1 point, got {window}")
    half = window // 2
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first = np.maximum(index - half, 0)
    last = np.minimum(index + half + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def plot_training(
    steps,
    train_loss,
    validation_steps=None,
    validation_loss=None,
    *,
    label: str = "",
    baselines: Mapping[str, float] | None = None,
    bytes_per_token: float | None = None,
    window: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one run's losses over training steps and return the Axes.

    steps, train_loss: (N,) arrays; loss in nats per token. The raw loss is faint,
        its moving average over `window` points (default: a 25th of the run) solid.
    validation_steps, validation_loss: (M,) arrays, drawn with markers.
    label: the run's name. Call again with the same `ax` to compare runs; each takes
        the next colour and marker.
    baselines: {label: nats per token}, drawn as horizontal lines.
    bytes_per_token: adds an axis in bits per byte on the right,
        nats / (ln 2 × bytes per token).

    Raises ValueError when the arrays of one curve differ in length or are empty.
    """
    steps, train_loss = _curve("train", steps, train_loss)
    if (validation_steps is None) != (validation_loss is None):
        raise ValueError("give validation_steps and validation_loss, or neither")
    if bytes_per_token is not None and not bytes_per_token > 0:
        raise ValueError(f"bytes_per_token must be above 0, got {bytes_per_token}")
    if ax is None:
        _, ax = plt.subplots()
    entries = getattr(ax, "_llm_notes_entries", [])
    n_runs = sum(entry[2] for entry in entries)
    colour = PALETTE[n_runs % len(PALETTE)]
    marker = MARKERS[n_runs % 6]
    prefix = f"{label}: " if label else ""
    told = getattr(ax, "_llm_notes_curves", {})

    window = window or max(1, len(train_loss) // 25)
    ax.plot(steps, train_loss, color=colour, alpha=0.25, linewidth=0.8)
    (line,) = ax.plot(steps, smoothed(train_loss, window), color=colour)
    entries.append((line, f"{prefix}train", True))
    told[f"{prefix}train"] = (steps, smoothed(train_loss, window))
    if validation_loss is not None:
        x, y = _curve("validation", validation_steps, validation_loss)
        (line,) = ax.plot(
            x, y, color=colour, linestyle=(0, (4, 2)), marker=marker,
            markersize=5, markerfacecolor="white", linewidth=1.4,
        )  # fmt: skip
        entries.append((line, f"{prefix}validation", False))
        told[f"{prefix}validation"] = (x, y)
    for i, (name, value) in enumerate((baselines or {}).items()):
        pattern = [(0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (8, 3))][i % 3]
        line = ax.axhline(value, color=INK, linestyle=pattern, linewidth=1.2)
        entries.append((line, visible(name, edges=False), False))

    ax._llm_notes_entries, ax._llm_notes_curves = entries, told
    _describe(ax, told)
    ax.set_xlabel("step")
    ax.set_ylabel("loss (nats per token)")
    literal_legend(ax, [e[0] for e in entries], [e[1] for e in entries])
    if bytes_per_token is not None:
        _add_bits_per_byte(ax, bytes_per_token)
    return ax


def _describe(ax: Axes, told: Mapping[str, tuple]) -> None:
    """The curves of all runs on the Axes; training losses as they are smoothed."""
    parts, rows = [], []
    each = max(2, min(60, 400 // len(told)))
    for name, (x, y) in told.items():
        part = f"{visible(name, False)} from {number(y[0])} to {number(y[-1])}"
        if np.isfinite(y).any() and np.nanargmin(y) < len(y) - 1:
            best = np.nanargmin(y)
            part += f", lowest {number(y[best])} at step {number(x[best])}"
        parts.append(part)
        chosen = np.linspace(0, len(x) - 1, min(len(x), each)).round().astype(int)
        rows += [(name, x[i], y[i]) for i in chosen]
    text = "Loss in nats per token over steps, training losses smoothed: "
    describe(ax, f"{text}{'; '.join(parts)}.", ("curve", "step", "loss"), rows)


def _curve(name: str, x, y) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(
            f"the {name} curve needs as many steps as losses, at least one, each in "
            f"one dimension; got shapes {x.shape} and {y.shape}"
        )
    return x, y


def _add_bits_per_byte(ax: Axes, bytes_per_token: float) -> None:
    nats = math.log(2) * bytes_per_token
    right = ax.secondary_yaxis(
        "right", functions=(lambda y: y / nats, lambda y: y * nats)
    )
    right.set_ylabel("bits per byte")
    right.spines["right"].set_visible(True)
