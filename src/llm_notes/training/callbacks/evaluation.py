"""Looks at held-out data while a model trains."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_notes import metrics
from llm_notes.data.tokenizers import Tokenizer
from llm_notes.training.callbacks.moments import is_due, require_positive
from llm_notes.training.evaluation import charge_first_token, token_nats

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


class _Look(ABC):
    """Looks before the first step, every few steps and at the end.

    The history has one column of looks, so a trainer has one callback that looks.
    """

    def __init__(self, every: int) -> None:
        self.every = require_positive(every=every)

    def on_start(self, trainer: "Trainer") -> None:
        looking = [c for c in trainer.callbacks if isinstance(c, _Look)]
        if len(looking) > 1:
            names = " and ".join(type(c).__name__ for c in looking)
            raise ValueError(
                f"{names} would write into the same history; give a trainer one of "
                "them, and look at more data after the run"
            )
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        history = trainer.history
        if is_due(trainer, self.every) and not history.has_looked(trainer.step):
            history.validation_loss.append(self.look(trainer))
            history.validation_steps.append(trainer.step)

    @abstractmethod
    def look(self, trainer: "Trainer") -> float:
        """The held-out loss, in nats."""


class Evaluate(_Look):
    """Looks at held-out text before the first step, every few steps and at the end.

    Notes mean nats per token in `history.validation_loss`, and with the size of the
    text also `history.bits_per_byte`. One in each trainer.

    Args:
        token_ids: (N,) the text.
        context_length: T, tokens the model reads at once.
        every: steps between two looks.
        n_bytes: size of the text; bits per byte are noted when it is given.
        vocab_size: V, due with `n_bytes`: the first token, which has no context, is
            charged as one of V equals.
    """

    def __init__(
        self,
        token_ids: Tensor,
        context_length: int,
        every: int = 100,
        n_bytes: int | None = None,
        vocab_size: int | None = None,
    ) -> None:
        if (n_bytes is None) != (vocab_size is None):
            raise ValueError("give n_bytes and vocab_size, or neither")
        super().__init__(every)
        self.token_ids, self.context_length = token_ids, context_length
        self.n_bytes, self.vocab_size = n_bytes, vocab_size

    @classmethod
    def on_text(
        cls, text: str, tokenizer: Tokenizer, context_length: int, every: int = 100
    ) -> "Evaluate":
        """Looks at a text, in bits per byte as well."""
        token_ids = torch.tensor(tokenizer.encode(text))
        n_bytes, vocab_size = len(text.encode()), tokenizer.vocab_size
        return cls(token_ids, context_length, every, n_bytes, vocab_size)

    def look(self, trainer: "Trainer") -> float:
        nats = token_nats(trainer.model, self.token_ids, self.context_length)
        if self.n_bytes is not None:
            total = charge_first_token(nats, self.vocab_size)
            bits = metrics.bits_per_byte(total, self.n_bytes)
            trainer.history.bits_per_byte.append(bits)
        return nats.mean().item()


class EvaluateLoss(_Look):
    """Looks at the trainer's own loss on held-out batches: for losses of any kind.

    One in each trainer, and no `Evaluate` beside it.

    Args:
        batches: batches such as the trainer gets; always the same ones.
        every: steps between two looks.
    """

    def __init__(self, batches: list[Any], every: int = 100) -> None:
        if not batches:
            raise ValueError("there are no held-out batches; give at least one")
        super().__init__(every)
        self.batches = batches

    def look(self, trainer: "Trainer") -> float:
        counts = [trainer.count(batch) for batch in self.batches]
        if not sum(counts):
            raise ValueError("no target of the held-out batches counts; give others")
        losses = [trainer.evaluate_batch(batch) for batch in self.batches]
        # A batch without targets has no mean: its loss is no number.
        pairs = zip(losses, counts, strict=True)
        return sum(loss * n for loss, n in pairs if n) / sum(counts)
