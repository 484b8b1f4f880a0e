"""A training run in panels: the loss, the learning rate and the norm of the gradient.

They share their steps, so that a jump in one can be looked up in the others. Knows no
trainer: it takes the arrays that a history holds.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_notes.viz.curves import plot_training, smoothed
from llm_notes.viz.description import describe, number
from llm_notes.viz.style import INK, LINES, PALETTE


def plot_training_panels(
    steps,
    train_loss,
    validation_steps=None,
    validation_loss=None,
    *,
    learning_rate=None,
    gradient_norm=None,
    clip: float | None = None,
    **options,
) -> Figure:
    """Draw the losses of `plot_training` above what drives them; return the Figure.

    steps, train_loss: (N,). learning_rate, gradient_norm: (N,), a panel for each that
        is given. clip: the norm at which gradients are cut, as a line; the steps that
        reach it are counted in the description.
    options: those of `plot_training`, such as `baselines` and `bytes_per_token`.

    Raises ValueError when an array has another length than the steps.
    """
    steps = np.asarray(steps, dtype=float)
    panels = []
    for name, values in (
        ("learning rate", learning_rate),
        ("gradient norm", gradient_norm),
    ):
        if values is None:
            continue
        values = np.asarray(values, dtype=float)
        if values.shape != steps.shape:
            raise ValueError(
                f"the {name} has shape {values.shape} and the steps {steps.shape}: "
                "give one for each step"
            )
        panels.append((name, values))
    if clip is not None and gradient_norm is None:
        raise ValueError("clip is a line in the panel of gradient_norm: give that too")
    figure, axes = plt.subplots(
        1 + len(panels), sharex=True, squeeze=False,
        figsize=(5.6, 2.8 + 1.3 * len(panels)),
        height_ratios=[2.6] + [1.2] * len(panels),
    )  # fmt: skip
    loss, *others = axes[:, 0]
    plot_training(
        steps, train_loss, validation_steps, validation_loss, ax=loss, **options
    )
    for ax, (name, values) in zip(others, panels, strict=True):
        if name == "learning rate":
            _draw_rate(ax, steps, values)
        else:
            _draw_norm(ax, steps, values, clip)
    if others:
        loss.set_xlabel("")
        others[-1].set_xlabel("step")
    return figure


def _draw_rate(ax: Axes, steps: np.ndarray, rate: np.ndarray) -> None:
    ax.plot(steps, rate, color=PALETTE[2])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("learning rate")
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    top = int(rate.argmax())
    describe(
        ax,
        f"Learning rate: {number(rate[0])} at first, highest {number(rate[top])} at "
        f"step {number(steps[top])}, {number(rate[-1])} at last.",
    )


def _draw_norm(ax: Axes, steps: np.ndarray, norm: np.ndarray, clip) -> None:
    finite = norm[np.isfinite(norm)]
    ax.plot(steps, norm, color=PALETTE[3], alpha=0.3, linewidth=0.8)
    window = max(1, len(norm) // 25)
    ax.plot(steps, smoothed(norm, window), color=PALETTE[3])
    ax.set_ylabel("gradient norm")
    if len(finite) and finite.min() > 0 and finite.max() > 20 * np.median(finite):
        ax.set_yscale("log")
    text = "Gradient norm: none is finite."
    if len(finite):
        top = int(np.nanargmax(np.where(np.isfinite(norm), norm, -np.inf)))
        text = (
            f"Gradient norm: median {number(np.median(finite))}, highest "
            f"{number(norm[top])} at step {number(steps[top])}."
        )
    if clip is not None:
        ax.axhline(clip, color=INK, linestyle=LINES[2], linewidth=1.2)
        ax.annotate(
            f"clipped at {clip:g}", (1, clip), xytext=(0, 2), fontsize=9, ha="right",
            va="bottom", xycoords=ax.get_yaxis_transform(), textcoords="offset points",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
        text += f" {number((norm > clip).sum())} of {number(len(norm))} steps are cut."
    describe(ax, text)
