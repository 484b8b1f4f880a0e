"""The training loop: batches in, better weights and a history out.

One loop for every model and every loss of the book. It knows nothing of text, files or
figures: batches come from a source, the loss is a function, and callbacks look on.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from llm_notes import runtime
from llm_notes.training.activations import forget_activations
from llm_notes.training.batches import (
    Batch,
    Batches,
    count_examples,
    count_targets,
    move_batch,
)
from llm_notes.training.config import TrainingConfig
from llm_notes.training.divergence import TrainingDivergedError, require_finite
from llm_notes.training.evaluating import evaluating
from llm_notes.training.history import History
from llm_notes.training.next_token import next_token_loss
from llm_notes.training.optimizers import adamw
from llm_notes.training.parallel import SingleProcess

__all__ = [
    "History",
    "Trainer",
    "TrainingConfig",
    "TrainingDivergedError",
    "next_token_loss",
]


class Trainer:
    """Makes steps: schedule, forward, backward, clipping, optimiser.

    Args:
        model: any module; it stays on its device.
        batches: a source such as `WindowBatches` or `ListBatches`.
        config: see `TrainingConfig`.
        loss: loss(model, batch) -> scalar, the mean over what is scored.
        optimizer: any torch optimiser, or a function that makes one for the model;
            AdamW when not given. A parameter group whose own rate is a multiple of
            `config.learning_rate` keeps that ratio during the whole run.
        callbacks: objects with any of `on_start(trainer)`, `on_step(trainer)` and
            `on_end(trainer)`, called in this order and at the end in the reverse. A
            plain function is called after each look at held-out data that callbacks
            before it have made.
        count: count(batch) -> how many terms the mean of `loss` goes over: weighs the
            parts of a batch. Targets for `next_token_loss`, examples for others.
        parallel: the processes that share the work; see `training.distributed`.

    Attributes:
        step: steps done. history: see `History`. runner: the model that is called in
        training. stopped: why the run was to end early. error: what ended it, or None.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainingConfig,
        *,
        loss: Callable[[nn.Module, Batch], Tensor] = next_token_loss,
        optimizer: torch.optim.Optimizer | Callable | None = None,
        callbacks: Sequence[Any] = (),
        count: Callable[[Batch], int] | None = None,
        parallel: SingleProcess | None = None,
    ) -> None:
        self.model, self.batches, self.config, self.loss = model, batches, config, loss
        self.callbacks = list(callbacks)
        default = count_targets if loss is next_token_loss else count_examples
        self.count = count or default
        self.parallel = parallel or SingleProcess()
        self.step, self.history = 0, History()
        self.stopped: str | None = None
        self.error: BaseException | None = None
        self.device = next(model.parameters()).device

        if config.checkpointing:
            forget_activations(model)
        runner = self.parallel.wrap(model)
        self.runner = torch.compile(runner) if config.compile else runner
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not isinstance(optimizer, torch.optim.Optimizer):
            optimizer = (optimizer or partial(adamw, config=config))(model)
        self.optimizer = optimizer
        self.parallel.accept(optimizer)
        # PyTorch's name for a group's own rate, whatever a schedule has made of it.
        own = [g.setdefault("initial_lr", g["lr"]) for g in optimizer.param_groups]
        self._rate_ratios = [rate / config.learning_rate for rate in own]

        asked = None if config.dtype == "auto" else getattr(torch, config.dtype)
        self.dtype = asked or runtime.best_dtype(self.device)
        # float16 has few exponents: small gradients are scaled up, or they vanish.
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.dtype == torch.float16
        )

    def fit(self) -> History:
        """Make all steps that are left and return the history.

        Raises:
            TrainingDivergedError: see `train_step`. Callbacks still see the end.
        """
        self.stopped = self.error = None
        with ExitStack() as ends:  # all of them, whatever happens, the last one first
            for callback in self.callbacks:
                if hasattr(callback, "on_end"):
                    ends.callback(callback.on_end, self)
            try:
                self._tell("on_start")
                self.model.train()
                while self.step < self.config.n_steps and not self._stops():
                    started_at = time.perf_counter()
                    self.train_step(self.batches.next_batch())
                    self.history.seconds += time.perf_counter() - started_at
                    self._tell("on_step")
            except BaseException as error:
                self.error = self.parallel.explain(error, self.step)
                if self.error is error:
                    raise
                raise self.error from error
        return self.history

    def train_step(self, batch: Batch) -> float:
        """One step on a batch; returns its loss before the step.

        Raises:
            TrainingDivergedError: when the loss or the gradient is no longer finite.
                The weights are those before the step that failed.
        """
        rate = self.config.rate(self.step)
        groups = self.optimizer.param_groups
        for group, ratio in zip(groups, self._rate_ratios, strict=True):
            group["lr"] = rate * ratio

        parts = self.parallel.parts(batch, self.config.accumulation, self.count)
        loss = torch.zeros((), device=self.device)
        self.optimizer.zero_grad(set_to_none=True)
        for i, (part, share) in enumerate(parts, start=1):
            with self.parallel.backward(self.runner, is_last=i == len(parts)):
                nats = self._forward(self.runner, part) * share
                self.scaler.scale(nats * self.parallel.size).backward()
            loss += nats.detach()
        self.scaler.unscale_(self.optimizer)
        norm = self.parallel.clip(self.parameters, self.config.max_grad_norm)
        # The one place of the loop where the CPU waits for the GPU.
        loss, norm = torch.stack([self.parallel.sum(loss), norm]).tolist()
        may_overflow = self.scaler.is_enabled() and self.scaler.get_scale() > 1
        require_finite(self.step, loss, norm, self.model, may_overflow=may_overflow)
        self.scaler.step(self.optimizer)
        self.scaler.update()

        self.step += 1
        self.history.train_loss.append(loss)
        self.history.learning_rate.append(rate)
        self.history.gradient_norm.append(norm)
        self.history.targets += self.count(batch)
        return loss

    @torch.no_grad()
    def evaluate_batch(self, batch: Batch) -> float:
        """The loss of a batch, in evaluation mode; nothing is learned from it."""
        with evaluating(self.model):
            return self._forward(self.model, batch).item()

    def stop(self, reason: str) -> None:
        """End the run after this step; for callbacks and signal handlers."""
        self.stopped = reason

    def _stops(self) -> bool:
        """Whether a process was told to stop: all make the same number of steps."""
        if not self.parallel.any(self.stopped is not None):
            return False
        self.stopped = self.stopped or "another process was stopped"
        return True

    def _forward(self, model: nn.Module, batch: Batch) -> Tensor:
        is_mixed = self.dtype != torch.float32
        with torch.autocast(self.device.type, self.dtype, enabled=is_mixed):
            return self.loss(model, move_batch(batch, self.device))

    def _tell(self, moment: str) -> None:
        looks = self.history.validation_steps
        n_before = len(looks)
        for callback in self.callbacks:
            hook = getattr(callback, moment, None)
            if hook is not None:
                hook(self)
            elif callable(callback) and len(looks) > n_before:
                callback(self)
