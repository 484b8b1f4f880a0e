"""What GRPO and PPO share: one update of the weights, and what a round of them reports.

It knows no objective: a loss goes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from llm_notes.training.divergence import require_finite
from llm_notes.training.optim.clipping import clip_by_norm
from llm_notes.training.reinforce.rollout import Rollout


@dataclass(frozen=True)
class Round:
    """What one round of learning has seen, and what it cost.

    Args:
        reward: mean reward of the answers, before the update.
        kl: mean divergence from the reference for each token; 0 without one.
        loss: mean of the updates.
        length: mean number of tokens that were written, the end included.
    """

    reward: float
    kl: float
    loss: float
    length: float

    @classmethod
    def of(
        cls, rollout: Rollout, rewards: Tensor, kl: float, losses: Sequence[float]
    ) -> Self:
        """The means over answers with rewards (B,), and over the losses of updates."""
        return cls(
            reward=rewards.mean().item(),
            kl=kl,
            loss=sum(losses) / len(losses),
            length=rollout.mask.sum(dim=1).float().mean().item(),
        )


class Updates:
    """Steps downhill, counted, none of which spoils the weights.

    Args:
        model: what learns.
        optimizer: of its parameters.
        max_grad_norm: gradients are clipped to it.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, max_grad_norm: float
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self.max_grad_norm, self.n_made = max_grad_norm, 0

    def make(self, loss: Tensor) -> float:
        """Lower a loss, a scalar with a gradient, by one step; returns what it was.

        Raises:
            TrainingDivergedError: when the loss or its gradient is not finite. The
                weights are those before this step.
        """
        self.optimizer.zero_grad()
        loss.backward()
        norm = clip_by_norm(self.model.parameters(), self.max_grad_norm).item()
        before = loss.item()
        require_finite(self.n_made, before, norm, self.model, may_overflow=False)
        self.optimizer.step()
        self.n_made += 1
        return before
