"""Objectives of GRPO: PPO's bound, with the mean of a group in the place of a critic.

A `mask` is boolean, True at the tokens that the policy has written.
Shapes: B answers, T length, N prompts, G answers to each prompt.
"""

from torch import Tensor

from llm_notes.training.losses.masked import masked_mean
from llm_notes.training.losses.ppo import LARGEST_LOG_RATIO, clipped_losses


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
    of_tokens = advantages[:, None]  # (B, 1), broadcasts to (B, T)
    losses = clipped_losses(log_probs, old_log_probs, of_tokens, clip)
    if kl_weight:
        losses = losses + kl_weight * kl_estimate(log_probs, reference_log_probs)
    if by_token:
        return masked_mean(losses, mask)
    lengths = mask.sum(dim=1).clamp(min=1)
    return (losses.masked_fill(~mask, 0.0).sum(dim=1) / lengths).mean()
