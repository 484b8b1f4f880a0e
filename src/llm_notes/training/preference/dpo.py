"""DPO for the trainer: a policy, and a frozen reference that need not run twice."""

import torch
from torch import Tensor, nn

from llm_notes.training.losses.preference import (
    dpo_loss,
    dpo_margins,
    sequence_log_probs,
)


def answer_log_probs(
    model: nn.Module, batch: dict[str, Tensor], average: bool = False
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the better and of the worse answers, (B,) each.

    Args:
        model: maps ids (B, T) to logits (B, T, V).
        batch: of `collate_pairs_of_answers`.
        average: by token, so that length does not count.
    """
    ids = torch.cat([batch["chosen_ids"], batch["rejected_ids"]])
    targets = torch.cat([batch["chosen_targets"], batch["rejected_targets"]])
    return tuple(sequence_log_probs(model(ids), targets, average).chunk(2))


class DPOLoss:
    """A loss for the `Trainer`: the mean over pairs of `losses.dpo_loss`.

    Args:
        reference: the model before preference optimisation, another object than the
            one that is trained. It is put into evaluation mode and gets no gradient.
            None: without a reference.
        beta, label_smoothing: see `losses.dpo_loss`.
        keep: remember the reference's log-probabilities of each pair by its "index",
            so that a second epoch need not compute them. Two numbers for each pair;
            only for one list of pairs.
    """

    def __init__(
        self,
        reference: nn.Module | None,
        beta: float = 0.1,
        label_smoothing: float = 0.0,
        keep: bool = True,
    ) -> None:
        self.reference = None if reference is None else reference.eval()
        self.beta, self.label_smoothing, self.keep = beta, label_smoothing, keep
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        chosen, rejected = answer_log_probs(model, batch)
        references = self.reference_log_probs(batch)
        return dpo_loss(
            chosen,
            rejected,
            *references,
            beta=self.beta,
            label_smoothing=self.label_smoothing,
        )

    def margins(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """By how much the implied reward of each better answer is higher, (B,)."""
        chosen, rejected = answer_log_probs(model, batch)
        references = self.reference_log_probs(batch)
        return dpo_margins(chosen, rejected, *references, beta=self.beta)

    @torch.no_grad()
    def reference_log_probs(self, batch: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """Those of the better and of the worse answers; () without a reference."""
        if self.reference is None:
            return ()
        if not self.keep:
            return answer_log_probs(self.reference, batch)
        indices = batch["index"].tolist()
        if not all(index in self._kept for index in indices):
            pairs = zip(*answer_log_probs(self.reference, batch), strict=True)
            self._kept.update(zip(indices, pairs, strict=True))
        kept = [self._kept[index] for index in indices]
        return tuple(torch.stack(side) for side in zip(*kept, strict=True))


@torch.no_grad()
def dpo_accuracy(loss: DPOLoss, model: nn.Module, batch: dict[str, Tensor]) -> float:
    """The share of pairs whose better answer has the higher implied reward."""
    was_training = model.training
    margins = loss.margins(model.eval(), batch)
    model.train(was_training)
    return (margins > 0).float().mean().item()
