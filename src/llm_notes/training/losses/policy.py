"""Objectives of reinforcement learning: PPO, GRPO, and what they are made of.

A `mask` is boolean, True at the tokens that the policy has written.
Shapes: B answers, T length, V vocabulary, N prompts, G answers to each prompt.
"""

import torch
from torch import Tensor

# e^20 is far outside any clip range; beyond, inf * 0 in a gradient would be NaN.
LARGEST_LOG_RATIO = 20.0


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is True; 0 where it never is. A scalar."""
    return values.masked_fill(~mask, 0.0).sum() / mask.sum().clamp(min=1)


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
    return masked_mean(_clipped(log_probs, old_log_probs, advantages, clip), mask)


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


def kl_estimate(log_probs: Tensor, reference_log_probs: Tensor) -> Tensor:
    r"""$\mathrm{KL}(\pi \,\|\, \pi_{\mathrm{ref}})$ from one sample of each token.

    $$k_3 = e^{d} - d - 1, \qquad d = \log \pi_{\mathrm{ref}}(a) - \log \pi(a)$$

    (Schulman 2020; Shao et al. 2024, equation 4.) Its mean over the policy's samples is
    the divergence, and unlike -d it is never negative. (...) to (...).
    """
    d = (reference_log_probs.detach() - log_probs).clamp(max=LARGEST_LOG_RATIO)
    return d.exp() - d - 1


def group_advantages(
    rewards: Tensor, divide_by_std: bool = True, eps: float = 1e-6
) -> Tensor:
    r"""How much better an answer is than the others to the same prompt.

    $$A_i = \frac{r_i - \mathrm{mean}(r)}{\mathrm{std}(r)}$$

    (Shao et al. 2024, section 4.1.2.) Dividing makes prompts on which all answers do
    almost equally well count most; Liu et al. (2025, Dr. GRPO) leave it out.

    Args:
        rewards: (N, G).
        divide_by_std: by the deviation within the group.
        eps: added to it.

    Returns:
        (N, G), zero for a group whose answers do equally well.

    Raises:
        ValueError: for groups of fewer than two answers, which have nothing to compare.
    """
    if rewards.dim() != 2 or rewards.size(1) < 2:
        raise ValueError(
            f"rewards have the shape {tuple(rewards.shape)}; they must be "
            "(prompts, answers to each) with at least 2 answers"
        )
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    if not divide_by_std:
        return centred
    return centred / (rewards.std(dim=1, keepdim=True, correction=0) + eps)


def grpo_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference_log_probs: Tensor | None = None,
    kl_weight: float = 0.0,
    by_token: bool = False,
) -> Tensor:
    r"""Group-relative policy optimisation (Shao et al. 2024, equation 3), as a loss.

    $$L = -\frac1B \sum_i \frac{1}{|y_i|} \sum_t \Big[ \min\big(\rho_{it} A_i,\
      \mathrm{clip}(\rho_{it}, 1 \pm \epsilon)\, A_i\big) - \beta\, k_{3, it} \Big]$$

    Args:
        log_probs, old_log_probs: (B, T); only the first gets a gradient.
        advantages: (B,) of `group_advantages`, flattened: one for a whole answer.
        mask: (B, T).
        clip: epsilon.
        reference_log_probs: (B, T), for the pull towards a reference.
        kl_weight: beta.
        by_token: one mean over all tokens, so that each counts the same whatever the
            length of its answer (Yu et al. 2025, DAPO).

    Raises:
        ValueError: for a weight without a reference, or advantages that are not (B,).
    """
    if advantages.shape != log_probs.shape[:1]:
        raise ValueError(
            f"advantages have the shape {tuple(advantages.shape)}; an answer has one, "
            f"so it must be ({len(log_probs)},)"
        )
    if kl_weight and reference_log_probs is None:
        raise ValueError(f"kl_weight is {kl_weight} and there is no reference")
    losses = _clipped(log_probs, old_log_probs, advantages[:, None], clip)  # (B, T)
    if kl_weight:
        losses = losses + kl_weight * kl_estimate(log_probs, reference_log_probs)
    if by_token:
        return masked_mean(losses, mask)
    lengths = mask.sum(dim=1).clamp(min=1)
    return (losses.masked_fill(~mask, 0.0).sum(dim=1) / lengths).mean()


def _clipped(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip: float
) -> Tensor:
    """Minus the clipped objective of each token. Raises ValueError."""
    if not clip > 0:
        raise ValueError(f"clip is {clip}; it must be above 0")
    log_ratios = log_probs - old_log_probs.detach()
    ratios = log_ratios.clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()
    advantages = advantages.detach()
    near = ratios.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratios * advantages, near * advantages)
