"""Distillation for the trainer: a student learns from a frozen teacher's logits."""

import torch
from torch import Tensor, nn

from llm_notes.training.losses.distillation import distillation_loss


class DistillationLoss:
    """A loss for the `Trainer`: loss(student, batch) -> mean nats of the targets.

    Args:
        teacher: maps ids (B, T) to logits (B, T, V), with the student's vocabulary. It
            is put into evaluation mode and gets no gradient.
        temperature, soft_weight, reverse: see `losses.distillation_loss`.

    Give the trainer `count=count_targets`, since the mean goes over targets.
    """

    def __init__(
        self,
        teacher: nn.Module,
        temperature: float = 2.0,
        soft_weight: float = 0.5,
        reverse: bool = False,
    ) -> None:
        self.teacher = teacher.eval()
        self.temperature, self.soft_weight = temperature, soft_weight
        self.reverse = reverse

    def __call__(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Batches are inputs x and targets y, both (B, T), as for a causal model."""
        x, y = batch
        with torch.no_grad():
            teacher_logits = self.teacher(x)
        return distillation_loss(
            model(x),
            teacher_logits,
            y,
            self.temperature,
            self.soft_weight,
            self.reverse,
        )
