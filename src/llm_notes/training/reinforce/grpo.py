"""GRPO: answers to the same prompt are compared with each other. No critic."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.training.losses.grpo import (
    group_advantages,
    grpo_loss,
    kl_estimate,
)
from llm_notes.training.losses.language import token_log_probs
from llm_notes.training.losses.masked import masked_mean
from llm_notes.training.reinforce.rollout import Reward, roll_out, score
from llm_notes.training.reinforce.update import Round, Updates


@dataclass(frozen=True)
class GRPOConfig:
    """The numbers of GRPO.

    Args:
        n_new: the most tokens of an answer.
        n_answers: G, answers to each prompt, at least 2.
        eos_id: ends an answer.
        n_epochs: updates with the same answers.
        clip: how far a probability may move, as a ratio.
        kl_weight: pull towards the policy as it was at the beginning; 0 for none.
        divide_by_std, by_token: see `losses.group_advantages` and `losses.grpo_loss`.
        max_grad_norm: gradients are clipped to it.

    Raises:
        ValueError: for fewer than two answers or no epoch.
    """

    n_new: int
    n_answers: int = 8
    eos_id: int | None = None
    n_epochs: int = 2
    clip: float = 0.2
    kl_weight: float = 0.0
    divide_by_std: bool = True
    by_token: bool = False
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        if self.n_answers < 2 or self.n_epochs < 1:
            raise ValueError(
                f"n_answers is {self.n_answers} and n_epochs {self.n_epochs}; at least "
                "2 answers can be compared, and at least 1 epoch learns"
            )


class GRPO:
    """Group-relative policy optimisation (Shao et al. 2024, algorithm 1).

    Args:
        model: the policy, a causal language model that takes a cache.
        optimizer: of its parameters.
        reward: reward(prompt ids, answer ids) -> number.
        config: see `GRPOConfig`.
        generator: draws the answers.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        reward: Reward,
        config: GRPOConfig,
        generator: torch.Generator | None = None,
    ) -> None:
        self.model, self.reward = model, reward
        self.config, self.generator = config, generator
        self.updates = Updates(model, optimizer, config.max_grad_norm)
        self.reference = None
        if config.kl_weight:
            self.reference = copy.deepcopy(model).eval().requires_grad_(False)

    def step(self, prompts: Tensor) -> Round:
        """Answer the prompts (N, P), compare the answers, and learn from them.

        Raises:
            TrainingDivergedError: when a loss or its gradient is not finite; the
                weights are those before that update.
        """
        config = self.config
        rollout = roll_out(
            self.model,
            prompts.repeat_interleave(config.n_answers, dim=0),
            config.n_new,
            config.eos_id,
            self.generator,
        )
        rewards = score(rollout, self.reward)
        groups = rewards.view(len(prompts), config.n_answers)
        advantages = group_advantages(groups, config.divide_by_std).flatten()

        reference, kl = None, 0.0
        if self.reference is not None:
            with torch.no_grad():
                logits = self.reference(rollout.inputs)
                reference = token_log_probs(logits, rollout.targets)
            distances = kl_estimate(rollout.log_probs, reference)
            kl = masked_mean(distances, rollout.mask).item()
        losses = []
        for _ in range(config.n_epochs):
            logits = self.model(rollout.inputs)
            loss = grpo_loss(
                token_log_probs(logits, rollout.targets),
                rollout.log_probs,
                advantages,
                rollout.mask,
                config.clip,
                reference,
                config.kl_weight,
                config.by_token,
            )
            losses.append(self.updates.make(loss))
        return Round.of(rollout, rewards, kl, losses)
