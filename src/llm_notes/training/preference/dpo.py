"""DPO for the trainer: a policy, and a frozen reference that need not run twice."""

import torch
from torch import Tensor, nn

from llm_notes.training.evaluating import evaluating
from llm_notes.training.losses.preference import (
    dpo_loss,
    dpo_margins,
    sequence_log_probs,
)


def answer_log_probs(
    model: nn.Module, batch: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the better and of the worse answers, (B,) each.

    Args:
        model: maps ids (B, T) to logits (B, T, V).
        batch: of `collate_pairs_of_answers`.
    """
    ids = torch.cat([batch["chosen_ids"], batch["rejected_ids"]])
    targets = torch.cat([batch["chosen_targets"], batch["rejected_targets"]])
    return tuple(sequence_log_probs(model(ids), targets).chunk(2))


class DPOLoss:
    """A loss for the `Trainer`: the mean over pairs of `losses.dpo_loss`.

    Args:
        reference: the model before preference optimisation, another object than the
            one that is trained. It is put into evaluation mode and gets no gradient.
            None: without a reference.
        beta, label_smoothing: see `losses.dpo_loss`.
        keep: remember the reference's log-probabilities of each pair by its ids, so
            that a second epoch need not compute them. Two numbers for each pair.
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
        self._kept: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

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
        keys = _keys(batch)
        if not all(key in self._kept for key in keys):
            pairs = zip(*answer_log_probs(self.reference, batch), strict=True)
            self._kept.update(zip(keys, pairs, strict=True))
        kept = [self._kept[key] for key in keys]
        return tuple(torch.stack(side) for side in zip(*kept, strict=True))


def _keys(batch: dict[str, Tensor]) -> list[tuple[int, ...]]:
    """What each pair is known by: all its ids and targets, without the padding."""
    keys: list[tuple[int, ...]] = [()] * len(batch["chosen_length"])
    for side in ("chosen", "rejected"):
        lengths = batch[f"{side}_length"].tolist()
        for name in (f"{side}_ids", f"{side}_targets"):
            rows = zip(keys, batch[name].tolist(), lengths, strict=True)
            keys = [(*key, n, *row[:n]) for key, row, n in rows]
    return keys


@torch.no_grad()
def dpo_accuracy(loss: DPOLoss, model: nn.Module, batch: dict[str, Tensor]) -> float:
    """The share of pairs whose better answer has the higher implied reward."""
    with evaluating(model):
        margins = loss.margins(model, batch)
    return (margins > 0).float().mean().item()
