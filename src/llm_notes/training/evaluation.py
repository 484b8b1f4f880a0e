"""How well a causal model predicts a text: nats of each token, bits per byte.

Bits per byte does not depend on the tokenizer, so models that cut the text into
different tokens stand on one scale.
"""

import math

import torch
from torch import Tensor, nn

from llm_notes import metrics
from llm_notes.data.tokenizers.base import Tokenizer
from llm_notes.training.evaluating import evaluating


@torch.no_grad()
def token_nats(
    model: nn.Module,
    token_ids: Tensor,
    context_length: int,
    stride: int | None = None,
    batch_size: int = 8,
) -> Tensor:
    r"""-log p of each token after the first, each scored exactly once.

    A window of `context_length` tokens slides over the text; only predictions that no
    earlier window made are kept, so with a stride below the context length a token
    has at least `context_length - stride` tokens of context (except at the start).

    Args:
        model: maps ids (B, T) to logits (B, T, V).
        token_ids: (N,) the text.
        context_length: T, tokens the model reads at once.
        stride: by how much the window moves; half of the context when not given.
        batch_size: windows scored at once (memory, not result).

    Returns:
        (N - 1,) nats, of tokens 1 ... N - 1.

    Raises:
        ValueError: when there is nothing to predict or the stride does not fit.
    """
    stride = max(1, context_length // 2) if stride is None else stride
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"stride must lie between 1 and context_length = {context_length}, "
            f"got {stride}"
        )
    n_predictions = token_ids.numel() - 1
    if n_predictions < 1:
        raise ValueError(
            f"a text of {token_ids.numel()} tokens has nothing to predict: "
            "at least 2 are needed"
        )
    device = next(model.parameters()).device
    window = min(context_length, n_predictions)
    starts = list(range(0, n_predictions - window + 1, stride))
    if starts[-1] + window < n_predictions:
        starts.append(n_predictions - window)  # the tail, up to the last token

    nats = torch.empty(n_predictions)
    scored = 0
    for first in range(0, len(starts), batch_size):
        batch_starts = starts[first : first + batch_size]
        rows = torch.stack([token_ids[s : s + window + 1] for s in batch_starts])
        rows = rows.to(device)
        with evaluating(model):
            logits = model(rows[:, :-1])  # (B, T, V)
        losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="none"
        )
        losses = losses.view(rows.size(0), window).cpu()
        for start, loss in zip(batch_starts, losses, strict=True):
            nats[scored : start + window] = loss[scored - start :]
            scored = start + window
    return nats


def bits_per_byte(
    model: nn.Module, tokenizer: Tokenizer, text: str, context_length: int | None = None
) -> float:
    """Bits that the model needs for each UTF-8 byte of a text.

    The first token has no context, so it is charged as one of V equals: log V nats.

    Args:
        model: a causal language model with a `config.context_length`.
        tokenizer: the one it was trained with.
        text: held-out text.
        context_length: read less at once than the model could.

    Returns:
        bits per byte.
    """
    token_ids = torch.tensor(tokenizer.encode(text))
    nats = token_nats(model, token_ids, context_length or model.config.context_length)
    total = charge_first_token(nats, tokenizer.vocab_size)
    return metrics.bits_per_byte(total, len(text.encode()))


def charge_first_token(nats: Tensor, vocab_size: int) -> float:
    """Nats of a whole text: those of `token_nats`, and log V for the first token."""
    return math.log(vocab_size) + nats.sum(dtype=torch.float64).item()
