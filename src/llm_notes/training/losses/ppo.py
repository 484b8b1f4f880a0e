"""Objectives of PPO: how far a policy and its critic may move, and towards what.

A `mask` is boolean, True at the tokens that the policy has written.
Shapes: B answers, T length, V vocabulary.
"""

import torch
from torch import Tensor

from llm_notes.training.losses.masked import masked_mean

# e^20 is far outside any clip range; beyond, inf * 0 in a gradient would be NaN.
LARGEST_LOG_RATIO = 20.0


def generalised_advantages(
    rewards: Tensor,
    values: Tensor,
    mask: Tensor,
    gamma: float = 1.0,
    lam: float = 0.95,
) -> tuple[Tensor, Tensor]:
    r"""Generalised advantage estimation (Schulman et al. 2016, equation 16).

    $$\delta_t = r_t + \gamma V_{t+1} - V_t, \qquad
      A_t = \delta_t + \gamma\lambda\, A_{t+1}$$

    After the last token of an answer there is nothing: V and A are zero there.

    Args:
        rewards: (B, T) what each token has earned.
        values: (B, T) what was expected before it was written.
        mask: (B, T).
        gamma: how much a later reward counts.
        lam: 0 trusts the values alone, 1 the rewards alone.

    Returns:
        advantages (B, T), zero outside the mask, and returns (B, T), advantages plus
        values: what the values should have been. Neither has a gradient.

    Raises:
        ValueError: for a share outside [0, 1].
    """
    for name, share in (("gamma", gamma), ("lam", lam)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; it must lie in [0, 1]")
    rewards = rewards.detach().masked_fill(~mask, 0.0)
    values = values.detach().masked_fill(~mask, 0.0)
    advantages = torch.zeros_like(values)
    later_value = later_advantage = torch.zeros_like(values[:, 0])
    for t in reversed(range(values.size(1))):
        delta = rewards[:, t] + gamma * later_value - values[:, t]
        advantage = delta + gamma * lam * later_advantage
        later_advantage = advantage.masked_fill(~mask[:, t], 0.0)
        later_value = values[:, t]
        advantages[:, t] = later_advantage
    return advantages, advantages + values


def clipped_losses(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip: float
) -> Tensor:
    """Minus the clipped objective of each token, of `ppo_policy_loss` and `grpo_loss`.

    Args:
        log_probs, old_log_probs: (B, T); only the first gets a gradient.
        advantages: broadcasts to (B, T).
        clip: epsilon.

    Returns:
        (B, T).

    Raises:
        ValueError: when epsilon is not above 0.
    """
    if not clip > 0:
        raise ValueError(f"clip is {clip}; it must be above 0")
    log_ratios = log_probs - old_log_probs.detach()
    ratios = log_ratios.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()
    advantages = advantages.detach()
    near = ratios.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratios * advantages, near * advantages)


def ppo_policy_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
) -> Tensor:
    r"""The clipped objective, as a loss (Schulman et al. 2017, equation 7).

    $$L = -\mathrm{mean}\,\min\big(\rho A,\ \mathrm{clip}(\rho, 1 - \epsilon,
      1 + \epsilon)\, A\big), \qquad \rho = \pi(a) / \pi_{\mathrm{old}}(a)$$

    Args:
        log_probs, old_log_probs, advantages: (B, T); only the first gets a gradient.
        mask: (B, T).
        clip: epsilon.

    Returns:
        the mean over all tokens of the mask, a scalar.
    """
    losses = clipped_losses(log_probs, old_log_probs, advantages, clip)
    return masked_mean(losses, mask)


def ppo_value_loss(
    values: Tensor,
    old_values: Tensor,
    returns: Tensor,
    mask: Tensor,
    clip: float | None = 0.2,
) -> Tensor:
    r"""Half the squared error of the values, which move by epsilon at most.

    $$L = \tfrac12\, \mathrm{mean}\,\max\big((V - R)^2,\
      (\mathrm{clip}(V, V_{\mathrm{old}} \pm \epsilon) - R)^2\big)$$

    Args:
        values, old_values, returns: (B, T); only the first gets a gradient.
        mask: (B, T).
        clip: epsilon; None for the plain squared error.
    """
    errors = (values - returns.detach()).square()
    if clip is not None:
        old = old_values.detach()
        near = torch.clamp(values, old - clip, old + clip)
        errors = torch.maximum(errors, (near - returns.detach()).square())
    return 0.5 * masked_mean(errors, mask)


def entropy(logits: Tensor, mask: Tensor) -> Tensor:
    r"""Mean entropy $-\sum_v p_v \log p_v$ in nats: logits (B, T, V), mask (B, T)."""
    log_p = logits.log_softmax(dim=-1)
    p = log_p.exp()
    # A token that is ruled out has p = 0 and log p = -inf; its share is zero.
    return masked_mean(-(p * log_p.masked_fill(p == 0, 0.0)).sum(dim=-1), mask)
