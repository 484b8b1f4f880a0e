"""Penalties: make what a text has already said less likely.

Pure functions of logits (B, V) and of the ids so far (B, T). A negative id stands for
padding and counts for nothing. They know nothing of temperature or of the draw.
"""

import math

import torch
from torch import Tensor


def penalise_repetition(logits: Tensor, token_ids: Tensor, penalty: float) -> Tensor:
    r"""Weaken every token that has occurred (CTRL, Keskar et al. 2019, section 4.1).

    $$z'_v = z_v / \theta \text{ where } z_v > 0, \quad z_v\,\theta \text{ else}, \qquad
      v \in \text{token\_ids}$$

    How often it occurred does not matter. The paper divides only, which would help a
    negative logit; implementations multiply those. The result depends on where zero
    lies: adding a number to all logits, which changes no probability, changes it.

    Args:
        logits: (B, V).
        token_ids: (B, T), prompt and text so far.
        penalty: theta, above 0; 1 changes nothing, 1.2 is the paper's.

    Raises:
        ValueError: for a penalty that is not positive, or not finite.
    """
    if not 0 < penalty < math.inf:
        raise ValueError(f"repetition_penalty must be above 0, got {penalty}")
    weakened = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(token_counts(token_ids, logits) > 0, weakened, logits)


def penalise_counts(
    logits: Tensor, token_ids: Tensor, frequency: float = 0.0, presence: float = 0.0
) -> Tensor:
    r"""Subtract for every use of a token, and once for any (OpenAI's definition).

    $$z'_v = z_v - c_v\, \alpha_\text{frequency} - [c_v > 0]\, \alpha_\text{presence}$$

    Args:
        logits: (B, V).
        token_ids: (B, T), whose tokens are counted: those that were *generated*; the
            prompt does not count.
        frequency, presence: in nats; negative ones invite repetition.

    Raises:
        ValueError: for a penalty that is not finite.
    """
    if not (math.isfinite(frequency) and math.isfinite(presence)):
        raise ValueError(
            "frequency_penalty and presence_penalty must be finite numbers, got "
            f"{frequency} and {presence}"
        )
    counts = token_counts(token_ids, logits)
    used = (counts > 0).to(logits.dtype)
    return logits - frequency * counts - presence * used


def token_counts(token_ids: Tensor, logits: Tensor) -> Tensor:
    """How often each token occurs in its row: (B, T) to (B, V), in logits' dtype."""
    real = (token_ids >= 0).to(logits.dtype)
    return torch.zeros_like(logits).scatter_add(-1, token_ids.clamp(min=0), real)
