"""When a callback has something to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


def require_positive(**numbers: int) -> int:
    """The number that is given by its name. Raises ValueError below 1."""
    ((name, value),) = numbers.items()
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 1")
    return value


def is_due(trainer: "Trainer", every: int) -> bool:
    """Whether something happens at this step: every few steps, and at the last."""
    return trainer.step % every == 0 or trainer.step >= trainer.config.n_steps
