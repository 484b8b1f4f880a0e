"""The loss of a causal model, as the trainer calls it: with a model and a batch."""

from torch import Tensor, nn

from llm_notes.data.batching import IGNORE


def next_token_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    r"""Mean nats of the targets that are not IGNORE.

    $$-\frac1N \sum_{b, t} \log p(y_{bt} \mid x_{b1} \dots x_{bt})$$

    Args:
        model: maps ids (B, T) to logits (B, T, V).
        batch: inputs x and targets y, both (B, T).

    Returns:
        a scalar; 0 where nothing is scored.
    """
    x, y = batch
    logits = model(x)  # (B, T, V)
    nats = nn.functional.cross_entropy(
        logits.flatten(0, 1), y.flatten(), ignore_index=IGNORE, reduction="sum"
    )
    return nats / (y != IGNORE).sum().clamp(min=1)
