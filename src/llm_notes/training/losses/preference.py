"""Objectives that learn from pairs of answers, one of them better.

Shapes: B pairs, T length, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from llm_notes.data.batching.padding import IGNORE
from llm_notes.training.losses.language import token_log_probs


def sequence_log_probs(
    logits: Tensor, targets: Tensor, average: bool = False
) -> Tensor:
    r"""$\log \pi(y \mid x)$: the sum over the tokens of an answer.

    Args:
        logits: (B, T, V).
        targets: (B, T) the next token where it belongs to the answer, else IGNORE.
        average: divide by the number of tokens, so that length does not count.

    Returns:
        (B,).
    """
    total = token_log_probs(logits, targets).sum(dim=-1)
    return total / (targets != IGNORE).sum(dim=-1).clamp(min=1) if average else total


def reward_model_loss(
    chosen: Tensor, rejected: Tensor, margin: Tensor | float = 0.0
) -> Tensor:
    r"""Pairwise loss of a reward model (Ouyang et al. 2022, equation 1).

    $$L = -\log \sigma(r_+ - r_- - m)$$

    The difference of two rewards is the log-odds that the one with the higher reward is
    preferred (Bradley & Terry 1952).

    Args:
        chosen, rejected: (B,) rewards of the better and of the worse answers.
        margin: m, by how much the better one should win (Touvron et al. 2023, Llama 2,
            equation 2); one number, or (B,).

    Returns:
        the mean, a scalar; log 2 when the rewards are equal and there is no margin.

    Raises:
        ValueError: when the shapes differ.
    """
    _require_pairs(chosen, rejected)
    return -logsigmoid(chosen - rejected - margin).mean()


def dpo_margins(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor | None = None,
    reference_rejected: Tensor | None = None,
    beta: float = 0.1,
) -> Tensor:
    r"""By how much the implied reward of the better answer is higher.

    $$h = \beta \log\frac{\pi(y_+)}{\pi_{\mathrm{ref}}(y_+)}
      - \beta \log\frac{\pi(y_-)}{\pi_{\mathrm{ref}}(y_-)}$$

    Args and errors as for `dpo_loss`.

    Returns:
        (B,).
    """
    _require_pairs(chosen, rejected)
    margins = chosen - rejected
    if (reference_chosen is None) != (reference_rejected is None):
        raise ValueError(
            "the reference needs log-probabilities of both answers, or of neither"
        )
    if reference_chosen is not None:
        _require_pairs(reference_chosen, reference_rejected)
        margins = margins - (reference_chosen - reference_rejected)
    return beta * margins


def dpo_loss(
    chosen: Tensor,
    rejected: Tensor,
    reference_chosen: Tensor | None = None,
    reference_rejected: Tensor | None = None,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Direct preference optimisation (Rafailov et al. 2023, equation 7).

    $$L = -(1 - \epsilon) \log \sigma(h) - \epsilon \log \sigma(-h)$$

    with h of `dpo_margins`. With epsilon above 0 it is the conservative form, in which
    that share of the labels is held to be wrong (Mitchell 2023). Without a reference
    its log-ratio is taken to be zero.

    Args:
        chosen, rejected: (B,) log-probabilities of the answers under the policy.
        reference_chosen, reference_rejected: (B,) under the frozen reference; both or
            neither.
        beta: how strongly the policy is held to the reference.
        label_smoothing: epsilon, in [0, 0.5).

    Returns:
        the mean, a scalar; log 2 when policy and reference agree.

    Raises:
        ValueError: when shapes differ, half a reference is given, or a setting is out
            of range.
    """
    if not beta > 0:
        raise ValueError(f"beta is {beta}; it must be above 0")
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(
            f"label_smoothing is {label_smoothing}; it must lie in [0, 0.5)"
        )
    h = dpo_margins(chosen, rejected, reference_chosen, reference_rejected, beta)
    losses = -(1 - label_smoothing) * logsigmoid(h) - label_smoothing * logsigmoid(-h)
    return losses.mean()


def _require_pairs(chosen: Tensor, rejected: Tensor) -> None:
    if chosen.shape != rejected.shape or not torch.is_floating_point(chosen):
        raise ValueError(
            f"chosen {tuple(chosen.shape)} and rejected {tuple(rejected.shape)} must "
            "be real numbers, one of each for each pair"
        )
