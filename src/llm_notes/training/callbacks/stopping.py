"""Reasons to end a run early: no gain any more, or a loss that has run away."""

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from llm_notes.training.callbacks.moments import require_positive
from llm_notes.training.divergence import TrainingDivergedError

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


class EarlyStopping:
    """Ends the run when held-out loss no longer falls; stands behind what looks.

    Args:
        patience: looks without a new best that are borne.
        min_delta: nats by which a new best must be better.
        keep_best: put the weights of the best look back at the end.

    Attributes:
        best_step, best_loss: of the best look. is_over: whether patience was lost.
    """

    def __init__(
        self, patience: int = 3, min_delta: float = 0.0, keep_best: bool = True
    ) -> None:
        self.patience, self.min_delta = require_positive(patience=patience), min_delta
        self.keep_best = keep_best
        self.best_step, self.best_loss = -1, float("inf")
        self.is_over = False
        self._best: dict[str, Tensor] = {}

    def on_start(self, trainer: "Trainer") -> None:
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        history = trainer.history
        if not history.has_looked(trainer.step):
            return
        if history.validation_loss[-1] < self.best_loss - self.min_delta:
            self.best_step, self.best_loss = trainer.step, history.validation_loss[-1]
            if self.keep_best:
                best = trainer.parallel.weights(trainer.model)
                self._best = {name: t.detach().clone() for name, t in best.items()}
        n_worse = sum(step > self.best_step for step in history.validation_steps)
        self.is_over = n_worse >= self.patience
        if self.is_over:
            trainer.stop(
                f"no better than {self.best_loss:.3f} of step {self.best_step} in "
                f"{n_worse} looks at held-out data"
            )

    def on_end(self, trainer: "Trainer") -> None:
        # After an error, other processes may be gone, and all would have to take part.
        together = trainer.error is None or trainer.parallel.size == 1
        if self.keep_best and self.best_step >= 0 and together:
            trainer.parallel.load_weights(trainer.model, self._best)

    def state_dict(self) -> dict[str, Any]:
        best = (self.best_step, self.best_loss)
        return {"best": best, "weights": dict(self._best)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best_step, self.best_loss = state["best"]
        self._best = dict(state["weights"])


class StopWhenDiverging:
    """Notices a loss that has left its path and does not come back.

    A step is high when its loss is above `factor` times the median of the last
    `window` steps that were not high (a negative median -m, of rewards for example,
    counts as m above itself: high is above (factor - 2) m). One such step is a spike
    and is borne.

    Args:
        factor, window: see above.
        patience: high steps in a row that end the run.

    Raises:
        TrainingDivergedError: from `on_step`, naming the first of the high steps.
    """

    def __init__(
        self, factor: float = 2.0, window: int = 50, patience: int = 20
    ) -> None:
        if not factor > 1:
            raise ValueError(f"factor is {factor}; it must be above 1")
        self.factor, self.window = factor, require_positive(window=window)
        self.patience = require_positive(patience=patience)
        self._usual: list[float] = []
        self._n_high = 0

    def on_step(self, trainer: "Trainer") -> None:
        loss = trainer.history.train_loss[-1]
        median = statistics.median(self._usual) if self._usual else loss
        limit = median + (self.factor - 1) * abs(median)
        if len(self._usual) < self.window or loss <= limit:
            self._usual = [*self._usual, loss][-self.window :]
            self._n_high = 0
            return
        self._n_high += 1
        if self._n_high >= self.patience:
            raise TrainingDivergedError(
                f"step {trainer.step - self._n_high}: since then the loss is above "
                f"{limit:.3f}; it was {median:.3f} before, and now is {loss:.3f}. Go "
                "back to a checkpoint before that step, with a lower learning rate or "
                "a smaller clipping norm"
            )

    def state_dict(self) -> dict[str, Any]:
        return {"usual": self._usual, "n_high": self._n_high}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._usual, self._n_high = list(state["usual"]), state["n_high"]
