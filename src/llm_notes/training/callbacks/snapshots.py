"""Keeps what a film of the training shows: losses, a text, attention, some weights.

It looks at a few steps that lie ever farther apart, since most happens early. Knows no
picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_notes.training.callbacks.moments import require_positive
from llm_notes.training.evaluating import evaluating
from llm_notes.training.random_state import random_state, set_random_state

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


@dataclass(frozen=True)
class Snapshot:
    """A model at one step of its training.

    Args:
        step: steps done.
        train_loss: nats per target of the last step, before it was made; None at 0.
        validation_loss: nats per target on held-out data, where something looked.
        text: what the model wrote.
        attention: (L, H, T, S) weights on a fixed text.
        matrix: (R, C) some of the model's weights.
    """

    step: int
    train_loss: float | None = None
    validation_loss: float | None = None
    text: str | None = None
    attention: Tensor | None = None
    matrix: Tensor | None = None


class Snapshots:
    """Takes snapshots at chosen steps, the first before training, the last at its end.

    Nothing of it changes the run: the model is in evaluation mode without gradients
    while it is looked at, and global random generators go on where they stood.

    Args:
        n_frames: snapshots in all, at most; see `log_steps`.
        steps: the steps themselves, in place of `n_frames`.
        evaluate: evaluate(model) -> nats per target on held-out data. When not given,
            the last look of an `Evaluate` before it counts, if it was at this step.
        write: write(model) -> text.
        token_ids: (T,) a fixed text whose attention is kept; for models that take
            `return_weights` and return (output, [L tensors (1, H, T, S)]).
        matrix: matrix(model) -> (R, C), such as a corner of the token table.

    Attributes:
        frames: the snapshots.
    """

    def __init__(
        self,
        n_frames: int = 24,
        *,
        steps: Sequence[int] | None = None,
        evaluate: Callable[[nn.Module], float] | None = None,
        write: Callable[[nn.Module], str] | None = None,
        token_ids: Tensor | None = None,
        matrix: Callable[[nn.Module], Tensor] | None = None,
    ) -> None:
        self.n_frames, self.steps = require_positive(n_frames=n_frames), steps
        if token_ids is not None and (token_ids.ndim != 1 or not len(token_ids)):
            raise ValueError(
                f"token_ids must be (T,), one text, got {tuple(token_ids.shape)}"
            )
        self.evaluate, self.write, self.matrix = evaluate, write, matrix
        self.token_ids = token_ids
        self.frames: list[Snapshot] = []

    def on_start(self, trainer: "Trainer") -> None:
        n_steps = trainer.config.n_steps
        chosen = self.steps or log_steps(n_steps, self.n_frames)
        self._due = {*chosen, n_steps}
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        is_new = not self.frames or self.frames[-1].step < trainer.step
        if trainer.step in self._due and is_new:
            self._take(trainer)

    def on_end(self, trainer: "Trainer") -> None:
        """A run that was stopped early has its last picture too."""
        is_new = not self.frames or self.frames[-1].step < trainer.step
        if trainer.error is None and is_new:
            self._take(trainer)

    def _take(self, trainer: "Trainer") -> None:
        model, history = trainer.model, trainer.history
        validation_loss = None
        if history.has_looked(trainer.step):
            validation_loss = history.validation_loss[-1]
        state = random_state()
        try:
            with evaluating(model), torch.no_grad():
                if self.evaluate is not None:
                    validation_loss = float(self.evaluate(model))
                snapshot = Snapshot(
                    trainer.step,
                    history.train_loss[-1] if history.train_loss else None,
                    validation_loss,
                    None if self.write is None else self.write(model),
                    None if self.token_ids is None else self._attention(trainer),
                    None if self.matrix is None else _kept(self.matrix(model)),
                )
        finally:
            set_random_state(state)
        self.frames.append(snapshot)

    def _attention(self, trainer: "Trainer") -> Tensor:
        ids = self.token_ids[None].to(trainer.device)
        _, weights = trainer.model(ids, return_weights=True)
        return _kept(torch.stack(weights)[:, 0])  # (L, H, T, S)

    def state_dict(self) -> dict[str, Any]:
        return {"frames": [asdict(frame) for frame in self.frames]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.frames = [Snapshot(**frame) for frame in state["frames"]]


def log_steps(n_steps: int, n_frames: int) -> list[int]:
    """At most `n_frames` steps from 0 to `n_steps`, each about as many times the last.

    Early ones, where the ratio would ask for less than a step, are one step apart.

    Raises:
        ValueError: when there is less than one step or frame.
    """
    require_positive(n_steps=n_steps)
    require_positive(n_frames=n_frames)
    if n_frames == 1:
        return [n_steps]
    # Many ratios give the same early steps: the largest count whose steps still fit.
    best = {0, n_steps}
    for n in range(2, 4 * n_frames):
        ratios = (n_steps ** (i / (n - 1)) for i in range(n))
        steps = {0, *(round(ratio) for ratio in ratios)}
        if len(steps) <= n_frames:
            best = steps if len(steps) > len(best) else best
    return sorted(best)


def _kept(values: Tensor) -> Tensor:
    """A copy on the CPU that does not change when the model learns on."""
    return values.detach().float().cpu().clone()
