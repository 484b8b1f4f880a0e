"""PPO: a critic says what was to be expected, and the policy learns from surprises."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm_notes.models.hidden import logits_and_hidden
from llm_notes.training.evaluating import evaluating
from llm_notes.training.losses.language import token_log_probs
from llm_notes.training.losses.masked import masked_mean
from llm_notes.training.losses.ppo import (
    entropy,
    generalised_advantages,
    ppo_policy_loss,
    ppo_value_loss,
)
from llm_notes.training.reinforce.rollout import (
    Reward,
    Rollout,
    roll_out,
    score,
)
from llm_notes.training.reinforce.update import Round, Updates


@dataclass(frozen=True)
class PPOConfig:
    """The numbers of PPO.

    Args:
        n_new: the most tokens of an answer.
        eos_id: ends an answer.
        n_epochs: updates with the same answers.
        clip: how far a probability may move, as a ratio.
        value_clip: how far a value may move; None for no bound.
        value_weight, entropy_weight: of these terms in the loss.
        kl_weight: what a token loses for each nat by which it is likelier than at the
            beginning; 0 for no reference.
        gamma, lam: see `losses.generalised_advantages`.
        max_grad_norm: gradients are clipped to it.

    Raises:
        ValueError: for no epoch.
    """

    n_new: int
    eos_id: int | None = None
    n_epochs: int = 4
    clip: float = 0.2
    value_clip: float | None = 0.2
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    kl_weight: float = 0.0
    gamma: float = 1.0
    lam: float = 0.95
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        if self.n_epochs < 1:
            raise ValueError(f"n_epochs is {self.n_epochs}; it must be at least 1")


class ActorCritic(nn.Module):
    """A policy with a second head, which foretells the reward at each position.

    Args:
        policy: a causal language model with a `final_norm` and a `config.d_model`.
    """

    def __init__(self, policy: nn.Module) -> None:
        super().__init__()
        self.policy = policy
        self.value_head = nn.Linear(policy.config.d_model, 1)
        nn.init.zeros_(self.value_head.weight)
        nn.init.zeros_(self.value_head.bias)

    def forward(self, token_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (B, T) to logits (B, T, V) and values (B, T)."""
        logits, hidden = logits_and_hidden(self.policy, token_ids)
        return logits, self.value_head(hidden).squeeze(-1)


class PPO:
    """Proximal policy optimisation of a language model (Schulman et al. 2017).

    The reward comes at an answer's last token, less a penalty at each token for leaving
    the reference (Ouyang et al. 2022, section 3.5).

    Args:
        model: policy and critic.
        optimizer: of its parameters.
        reward: reward(prompt ids, answer ids) -> number.
        config: see `PPOConfig`.
        generator: draws the answers.
    """

    def __init__(
        self,
        model: ActorCritic,
        optimizer: torch.optim.Optimizer,
        reward: Reward,
        config: PPOConfig,
        generator: torch.Generator | None = None,
    ) -> None:
        self.model, self.reward = model, reward
        self.config, self.generator = config, generator
        self.updates = Updates(model, optimizer, config.max_grad_norm)
        self.reference = None
        if config.kl_weight:
            self.reference = copy.deepcopy(model.policy).eval().requires_grad_(False)

    def step(self, prompts: Tensor) -> Round:
        """Answer each prompt (B, P) once, and learn from the answers.

        Raises:
            TrainingDivergedError: when a loss or its gradient is not finite; the
                weights are those before that update.
        """
        config = self.config
        rollout = roll_out(
            self.model.policy, prompts, config.n_new, config.eos_id, self.generator
        )
        rewards, mask = score(rollout, self.reward), rollout.mask
        by_token, kl = self._token_rewards(rollout, rewards)
        # Without dropout, as the answers were drawn.
        with torch.no_grad(), evaluating(self.model):
            _, old_values = self.model(rollout.inputs)
        advantages, returns = generalised_advantages(
            by_token, old_values, mask, config.gamma, config.lam
        )
        advantages = _standardised(advantages, mask)

        losses = []
        for _ in range(config.n_epochs):
            logits, values = self.model(rollout.inputs)
            log_probs = token_log_probs(logits, rollout.targets)
            loss = ppo_policy_loss(
                log_probs, rollout.log_probs, advantages, mask, config.clip
            )
            loss = loss + config.value_weight * ppo_value_loss(
                values, old_values, returns, mask, config.value_clip
            )
            if config.entropy_weight:
                loss = loss - config.entropy_weight * entropy(logits, mask)
            losses.append(self.updates.make(loss))
        return Round.of(rollout, rewards, kl, losses)

    def _token_rewards(self, rollout: Rollout, rewards: Tensor) -> tuple[Tensor, float]:
        """What each token has earned, (B, T), and the mean divergence."""
        by_token, kl = torch.zeros_like(rollout.log_probs), 0.0
        if self.reference is not None:
            with torch.no_grad():
                logits = self.reference(rollout.inputs)
            reference = token_log_probs(logits, rollout.targets)
            log_ratios = rollout.log_probs - reference  # 0 outside the mask
            by_token = -self.config.kl_weight * log_ratios
            kl = masked_mean(log_ratios, rollout.mask).item()
        lengths = rollout.mask.sum(dim=1)
        first = rollout.mask.int().argmax(dim=1)
        last = (first + lengths - 1)[:, None]
        return by_token.scatter_add(1, last, rewards[:, None].to(by_token)), kl


def _standardised(advantages: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the tokens of the mask."""
    centred = advantages - masked_mean(advantages, mask)
    deviation = masked_mean(centred.square(), mask).sqrt()
    return (centred / (deviation + 1e-6)).masked_fill(~mask, 0.0)
