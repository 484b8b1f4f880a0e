"""What a training run has to be told, and nothing that it finds out itself.

Model, batches, loss and optimiser are objects and are given to the trainer; here stand
the numbers and switches that JSON can hold.
"""

from dataclasses import dataclass
from inspect import signature

from llm_notes.training import schedule as schedules

DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class TrainingConfig:
    """The numbers and switches of a run.

    Args:
        n_steps: optimiser steps.
        learning_rate: highest rate, reached after `n_warmup` steps.
        n_warmup: steps of warm-up.
        final_learning_rate: where the schedule ends.
        schedule: name of a function of `training.schedule`.
        weight_decay: AdamW's, on matrices only; gains and biases are left alone.
        betas: AdamW's two averages.
        max_grad_norm: gradients longer than this are scaled down to it.
        accumulation: parts into which each batch is cut. They go through the model
            one after the other, so memory shrinks and the result stays the same.
        dtype: of matrix products: "float32", "bfloat16", "float16", or "auto", the
            fastest that is safe on the device (`runtime.best_dtype`).
        compile: whether `torch.compile` rewrites the model first; it takes 5 to 60
            seconds to begin and gains most on GPUs.
        checkpointing: whether each block forgets its inner activations and computes
            them again in the backward pass (Chen et al. 2016): less memory, a third
            more time, the same gradients.

    Raises:
        ValueError: for a number of steps or parts below 1, a rate that is not above 0,
            an unknown dtype or schedule, or a schedule that does not fit into the run.
    """

    n_steps: int
    learning_rate: float
    n_warmup: int = 100
    final_learning_rate: float = 0.0
    schedule: str = "warmup_cosine"
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    max_grad_norm: float = 1.0
    accumulation: int = 1
    dtype: str = "auto"
    compile: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        for name in ("n_steps", "accumulation"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; at least 1 is due")
        if not self.learning_rate > 0:
            raise ValueError(
                f"learning_rate is {self.learning_rate}; it must be above 0"
            )
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; known are {', '.join(DTYPES)}")
        if not self.max_grad_norm > 0:
            raise ValueError(
                f"max_grad_norm is {self.max_grad_norm}; it must be above 0, and "
                "math.inf switches clipping off"
            )
        self.rate(0)  # an impossible schedule is refused before any work is done

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        schedule = getattr(schedules, self.schedule, None)
        if self.schedule.startswith("_") or not callable(schedule):
            raise ValueError(
                f"there is no schedule {self.schedule!r} in llm_notes.training."
                "schedule; warmup_cosine is one"
            )
        known = {
            "step": step,
            "n_steps": self.n_steps,
            "n_warmup": self.n_warmup,
            "peak": self.learning_rate,
            "floor": self.final_learning_rate,
        }
        # Some schedules have no end and so take neither n_steps nor a floor.
        wanted = signature(schedule).parameters
        return schedule(**{name: known[name] for name in wanted if name in known})
