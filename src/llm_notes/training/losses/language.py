"""Objectives of models of text: cross-entropy, and what it is applied to.

Shapes: B batch, T length, V vocabulary; `...` stands for any leading axes.
"""

from torch import Tensor

from llm_notes.data.batching.padding import IGNORE


def token_log_probs(logits: Tensor, targets: Tensor) -> Tensor:
    r"""$\log p(y)$ of each target; zero where the target is IGNORE.

    Args:
        logits: (..., V).
        targets: (...) integers below V, or IGNORE.

    Returns:
        (...), in the type of the logits.

    Raises:
        ValueError: when the shapes do not fit together.
    """
    _require_targets(logits, targets)
    ignored = targets == IGNORE
    chosen = targets.masked_fill(ignored, 0)[..., None]  # any valid id; zeroed below
    log_probs = logits.log_softmax(dim=-1).gather(-1, chosen).squeeze(-1)
    return log_probs.masked_fill(ignored, 0.0)


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    label_smoothing: float = 0.0,
    z_weight: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    r"""Nats that the targets cost, with smoothed labels if wanted.

    $$L = -(1 - \epsilon) \log p_y - \frac{\epsilon}{V} \sum_v \log p_v
      + \zeta\, (\log \textstyle\sum_v e^{z_v})^2$$

    Smoothing is that of Szegedy et al. (2016, section 7): with probability epsilon the
    label is drawn from all V tokens. The last term keeps logits from drifting (the
    z-loss of Chowdhery et al. 2022, section 5). Without it equal to
    `torch.nn.functional.cross_entropy`, except that the mean over no target is 0.

    Args:
        logits: (..., V).
        targets: (...) integers below V; IGNORE is not counted.
        label_smoothing: epsilon, in [0, 1].
        z_weight: zeta.
        reduction: "mean" over the counted targets, "sum", or "none".

    Returns:
        a scalar; (...) for "none".

    Raises:
        ValueError: when shapes do not fit, or a setting is out of range.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; it must lie in [0, 1]")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}; it must be mean, sum or none")
    ignored = targets == IGNORE
    nats = -token_log_probs(logits, targets)
    if label_smoothing:
        uniform = -logits.log_softmax(dim=-1).mean(dim=-1).masked_fill(ignored, 0.0)
        nats = (1 - label_smoothing) * nats + label_smoothing * uniform
    if z_weight:
        log_z = logits.logsumexp(dim=-1).masked_fill(ignored, 0.0)
        nats = nats + z_weight * log_z.square()
    if reduction == "none":
        return nats
    total = nats.sum()
    return total if reduction == "sum" else total / (~ignored).sum().clamp(min=1)


def causal_lm_loss(
    logits: Tensor, token_ids: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Mean nats of each token given those before it.

    Args:
        logits: (B, T, V) a causal model's, for these very tokens.
        token_ids: (B, T), IGNORE where nothing is to be learned; the logits of place t
            are compared with the token of place t + 1.

    Raises:
        ValueError: as `cross_entropy`.
    """
    _require_targets(logits, token_ids)
    return cross_entropy(logits[:, :-1], token_ids[:, 1:], label_smoothing)


def masked_lm_loss(
    logits: Tensor, targets: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Mean nats of the tokens that were hidden (Devlin et al. 2019, section 3.1).

    Args:
        logits: (B, T, V) for the corrupted text.
        targets: (B, T) of `mask_tokens`: the true token at the chosen places, IGNORE at
            the others, whose logits are not even normalised.

    Raises:
        ValueError: as `cross_entropy`.
    """
    _require_targets(logits, targets)
    chosen = targets != IGNORE
    return cross_entropy(logits[chosen], targets[chosen], label_smoothing)


def span_corruption_loss(
    logits: Tensor, targets: Tensor, z_weight: float = 0.0
) -> Tensor:
    """Mean nats of T5's targets: sentinels, hidden spans, and the end token.

    Raffel et al. (2020), section 3.1.4. All are learned, also the sentinels: the model
    has to say where a span ends.

    Args:
        logits: (B, T, V) of the decoder, which has read `target_in`.
        targets: (B, T) `target_out` of `collate_pairs`; IGNORE at the padding.
        z_weight: see `cross_entropy`; T5 was trained with 1e-4.

    Raises:
        ValueError: as `cross_entropy`.
    """
    return cross_entropy(logits, targets, z_weight=z_weight)


def _require_targets(logits: Tensor, targets: Tensor) -> None:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"logits have the shape {tuple(logits.shape)} and targets "
            f"{tuple(targets.shape)}: all axes of the logits but the last must be "
            "those of the targets"
        )
