"""What a reader sees while a model trains: a line, curves, samples."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from llm_notes.training.callbacks.moments import is_due, require_positive
from llm_notes.training.evaluating import evaluating
from llm_notes.training.progress import Progress
from llm_notes.viz.live import LiveFigure

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


class ShowProgress:
    """One line with loss, speed and the time that is left; see `Progress`."""

    def __init__(self) -> None:
        self._line: Progress | None = None

    def on_start(self, trainer: "Trainer") -> None:
        self._line = None
        if trainer.parallel.is_main:
            line = Progress(trainer.config.n_steps, first_step=trainer.step)
            self._line = line.__enter__()
        self._targets = trainer.history.targets

    def on_step(self, trainer: "Trainer") -> None:
        if self._line is None:
            return
        history = trainer.history
        message = f"loss {history.train_loss[-1]:.3f}"
        if history.validation_loss:
            message += f" · validation {history.validation_loss[-1]:.3f}"
        self._line.advance(message, tokens=history.targets - self._targets)
        self._targets = history.targets

    def on_end(self, trainer: "Trainer") -> None:
        if self._line is not None:
            self._line.close(finished=trainer.step >= trainer.config.n_steps)


class ShowCurves:
    """Draws the history while it grows: one figure, redrawn in place, in Jupyter only.

    Args:
        every: steps between two drawings.
        bytes_per_token: adds an axis in bits per byte.
    """

    def __init__(self, every: int = 50, bytes_per_token: float | None = None) -> None:
        self.every, self.bytes_per_token = (
            require_positive(every=every),
            bytes_per_token,
        )

    def on_start(self, trainer: "Trainer") -> None:
        del trainer
        self._figure = LiveFigure()

    def on_step(self, trainer: "Trainer") -> None:
        if is_due(trainer, self.every) and trainer.parallel.is_main:
            history = trainer.history
            self._figure.show_training(
                history.train_loss,
                history.validation_steps,
                history.validation_loss,
                self.bytes_per_token,
            )


class Samples:
    """Lets the model write something every few steps.

    Args:
        write: write(model) -> text; the model comes in evaluation mode. Use a
            generator of its own: it must not disturb the draws of the run.
        every: steps between two texts.
        show: what is called with (step, text); nothing when not given.

    Attributes:
        texts: (step, text) pairs.
    """

    def __init__(
        self,
        write: Callable[[nn.Module], str],
        every: int = 250,
        show: Callable[[int, str], None] | None = None,
    ) -> None:
        self.write, self.every, self.show = write, require_positive(every=every), show
        self.texts: list[tuple[int, str]] = []

    def on_start(self, trainer: "Trainer") -> None:
        if trainer.step == 0:
            self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        if not is_due(trainer, self.every):
            return
        with evaluating(trainer.model):
            text = self.write(trainer.model)
        self.texts.append((trainer.step, text))
        if self.show is not None and trainer.parallel.is_main:
            self.show(trainer.step, text)

    def state_dict(self) -> dict[str, Any]:
        return {"texts": [list(pair) for pair in self.texts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.texts = [(step, text) for step, text in state["texts"]]
