"""Looks at held-out data while a model trains."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_notes import metrics
from llm_notes.data.tokenizers import Tokenizer
from llm_notes.training.callbacks.moments import has_looked, is_due, require_positive
from llm_notes.training.evaluation import charge_first_token, token_nats

if TYPE_CHECKING:  # for the reader: the trainer calls callbacks and imports none
    from llm_notes.training.trainer import Trainer


class Evaluate:
    """Looks at held-out text before the first step, every few steps and at the end.

    Notes mean nats per token in `history.validation_loss`, and with the size of the
    text also `history.bits_per_byte`.

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
        self.token_ids, self.context_length = token_ids, context_length
        self.every = require_positive(every)
        self.n_bytes, self.vocab_size = n_bytes, vocab_size

    @classmethod
    def on_text(
        cls, text: str, tokenizer: Tokenizer, context_length: int, every: int = 100
    ) -> "Evaluate":
        """Looks at a text, in bits per byte as well."""
        token_ids = torch.tensor(tokenizer.encode(text))
        n_bytes, vocab_size = len(text.encode()), tokenizer.vocab_size
        return cls(token_ids, context_length, every, n_bytes, vocab_size)

    def on_start(self, trainer: "Trainer") -> None:
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        history = trainer.history
        if is_due(trainer, self.every) and not has_looked(trainer):
            nats = token_nats(trainer.model, self.token_ids, self.context_length)
            history.validation_steps.append(trainer.step)
            history.validation_loss.append(nats.mean().item())
            if self.n_bytes is not None:
                total = charge_first_token(nats, self.vocab_size)
                bits = metrics.bits_per_byte(total, self.n_bytes)
                history.bits_per_byte.append(bits)


class EvaluateLoss:
    """Looks at the trainer's own loss on held-out batches: for losses of any kind.

    Args:
        batches: batches such as the trainer gets; always the same ones.
        every: steps between two looks.
    """

    def __init__(self, batches: list[Any], every: int = 100) -> None:
        if not batches:
            raise ValueError("there are no held-out batches; give at least one")
        self.batches, self.every = batches, require_positive(every)

    def on_start(self, trainer: "Trainer") -> None:
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        history = trainer.history
        if is_due(trainer, self.every) and not has_looked(trainer):
            losses = [trainer.evaluate_batch(batch) for batch in self.batches]
            counts = [trainer.count(batch) for batch in self.batches]
            pairs = zip(losses, counts, strict=True)
            mean = sum(loss * n for loss, n in pairs) / sum(counts)
            history.validation_steps.append(trainer.step)
            history.validation_loss.append(mean)
