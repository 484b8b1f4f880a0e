"""A figure that is redrawn in place while a run goes on, in Jupyter.

Elsewhere nothing is drawn: a terminal has no place for it, and a window would need
someone to close it. Knows no trainer: it takes the arrays that a history holds.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt

from llm_notes.viz.curves import plot_training
from llm_notes.viz.display import Display, in_jupyter


class LiveFigure:
    """One display that shows the newest drawing; the built page keeps the last."""

    def __init__(self) -> None:
        self._display = Display()

    def show_training(
        self,
        train_loss: Sequence[float],
        validation_steps: Sequence[int] = (),
        validation_loss: Sequence[float] = (),
        bytes_per_token: float | None = None,
    ) -> None:
        """Draw the curves of `plot_training` in the place of the drawing before."""
        if not in_jupyter() or not len(train_loss):
            return
        figure, ax = plt.subplots()
        held_out = (validation_steps, validation_loss) if len(validation_steps) else ()
        steps = range(1, len(train_loss) + 1)
        plot_training(
            steps, train_loss, *held_out, bytes_per_token=bytes_per_token, ax=ax
        )
        plt.close(figure)  # or the cell would show it once more
        self._display.show(figure)
