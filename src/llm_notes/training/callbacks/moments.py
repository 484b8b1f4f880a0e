"""When a callback has something to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


def require_positive(value: int) -> int:
    if value < 1:
        raise ValueError(f"got {value}, where a whole number of at least 1 is due")
    return value


def is_due(trainer: "Trainer", every: int) -> bool:
    """Whether something happens at this step: every few steps, and at the last."""
    return trainer.step % every == 0 or trainer.step >= trainer.config.n_steps


def has_looked(trainer: "Trainer") -> bool:
    """Whether held-out data was looked at after this very step."""
    return trainer.step in trainer.history.validation_steps[-1:]
