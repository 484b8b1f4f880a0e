"""The training loop: batches in, better weights and a history out.

One loop for every causal model of the book. It knows nothing of text or of an
architecture: the model maps token ids (B, T) to logits (B, T, V).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn

from llm_notes.data.batching import sample_windows
from llm_notes.training.evaluation import token_nats
from llm_notes.training.progress import Progress
from llm_notes.training.schedule import warmup_cosine


class TrainingDivergedError(RuntimeError):
    """The loss or the gradient stopped being a number; the message names the step."""


@dataclass(frozen=True)
class TrainingConfig:
    """What a run needs to know beside the model and the text.

    Args:
        n_steps: optimiser steps.
        batch_size: B, windows in each step.
        context_length: T, tokens in each window.
        learning_rate: highest rate, reached after `n_warmup` steps.
        n_warmup: steps of linear warm-up.
        final_learning_rate: where the cosine ends.
        weight_decay: AdamW's, on matrices only; gains and biases are left alone.
        betas: AdamW's two averages.
        max_grad_norm: gradients longer than this are scaled down to it.
        eval_every: steps between two looks at the validation text.
        seed: of the windows that are drawn.
    """

    n_steps: int
    batch_size: int
    context_length: int
    learning_rate: float
    n_warmup: int = 100
    final_learning_rate: float = 0.0
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    max_grad_norm: float = 1.0
    eval_every: int = 100
    seed: int = 0


@dataclass
class History:
    """What a run has seen: losses in nats per token, one entry for each step.

    Validation is looked at before the first step, every `eval_every` steps, and after
    the last one; `validation_steps` counts the steps done by then.
    """

    train_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    validation_steps: list[int] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0  # spent on steps, looks at the validation text left out

    def as_dict(self) -> dict[str, list | float]:
        """Plain lists and numbers, ready for JSON."""
        return asdict(self)


class Trainer:
    """Trains a causal language model with AdamW, warm-up, cosine and clipping.

    Args:
        model: maps ids (B, T) to logits (B, T, V).
        train_ids, validation_ids: (N,) token ids.
        config: see `TrainingConfig`.
        callbacks: each is called as `callback(trainer)` whenever the validation text
            is looked at; `trainer.step` and `trainer.history` say where the run is.

    Raises:
        ValueError: (from the batching) when a text is shorter than one window.
    """

    def __init__(
        self,
        model: nn.Module,
        train_ids: Tensor,
        validation_ids: Tensor,
        config: TrainingConfig,
        callbacks: Sequence[Callable[["Trainer"], None]] = (),
    ) -> None:
        self.model = model
        self.train_ids, self.validation_ids = train_ids, validation_ids
        self.config = config
        self.callbacks = callbacks
        self.step = 0
        self.history = History()
        self.device = next(model.parameters()).device
        self.optimizer = adamw(model, config)

    def fit(self) -> History:
        """Run all steps and return the history.

        Raises:
            TrainingDivergedError: when the loss or the gradient is no longer finite.
                The weights are those before the step that failed.
        """
        config = self.config
        generator = torch.Generator().manual_seed(config.seed)
        self.evaluate()
        self.model.train()
        with Progress(config.n_steps) as progress:
            while self.step < config.n_steps:
                started_at = time.perf_counter()
                x, y = sample_windows(
                    self.train_ids, config.batch_size, config.context_length, generator
                )
                loss = self.train_step(x.to(self.device), y.to(self.device))
                self.history.seconds += time.perf_counter() - started_at
                if self.step % config.eval_every == 0 or self.step == config.n_steps:
                    self.evaluate()
                validation = self.history.validation_loss[-1]
                progress.advance(f"loss {loss:.3f} · validation {validation:.3f}")
        return self.history

    def train_step(self, x: Tensor, y: Tensor) -> float:
        """One step on inputs x and targets y, both (B, T); returns the loss in nats."""
        rate = warmup_cosine(
            self.step,
            self.config.n_steps,
            self.config.n_warmup,
            self.config.learning_rate,
            self.config.final_learning_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate

        logits = self.model(x)  # (B, T, V)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(
            self.model.parameters(), self.config.max_grad_norm
        )
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingDivergedError(
                f"step {self.step}: loss {loss.item()}, gradient norm {norm.item()}. "
                "Lower the learning rate, warm up longer, or clip at a smaller norm"
            )
        self.optimizer.step()

        self.step += 1
        self.history.train_loss.append(loss.item())
        self.history.learning_rate.append(rate)
        self.history.gradient_norm.append(norm.item())
        return loss.item()

    def evaluate(self) -> float:
        """Look at the validation text: mean nats per token, noted in the history."""
        nats = token_nats(
            self.model, self.validation_ids, self.config.context_length
        ).mean()
        self.history.validation_steps.append(self.step)
        self.history.validation_loss.append(nats.item())
        for callback in self.callbacks:
            callback(self)
        return nats.item()


def adamw(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019) that decays matrices and spares vectors.

    Gains and biases set a scale, and pulling them to zero would remove it; a matrix
    that shrinks only says less.
    """
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,
    )
