"""Windows of token ids: random ones to learn from, consecutive ones to measure on.

The text may be a tensor, or a NumPy array in a file larger than memory (`memory_map`):
only the windows that are asked for are read. This module knows no text and no
tokenizer: token ids in, token ids out.
Shapes: N tokens in the text, B batch, T window length (`context_length`).
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from llm_notes.data.batching.padding import require_whole

TokenIds = Tensor | np.ndarray


def sample_windows(
    token_ids: TokenIds,
    batch_size: int,
    context_length: int,
    generator: torch.Generator,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw windows whose places in the text are independent and equally likely.

    Args:
        token_ids: (N,) whole numbers, a tensor on any device or an array, also a
            memory-mapped one; N >= context_length + 1.
        batch_size: B, the number of windows. They may overlap or repeat.
        context_length: T, the number of tokens that the model reads.
        generator: a CPU generator; it alone decides which windows come.
        device: where the batch goes; where the text is when not given.

    Returns:
        Inputs x and targets y, both (B, T) int64, with y[b, t] the token that follows
        x[b, t] in the text.

    Raises ValueError when the text is too short for one window and its last target, or
    is no row of whole numbers.
    """
    _require_text(token_ids)
    _require_positive(batch_size=batch_size, context_length=context_length)
    n_starts = len(token_ids) - context_length
    if n_starts < 1:
        raise ValueError(
            f"the text has {len(token_ids)} tokens, and a window of context_length "
            f"{context_length} needs {context_length + 1} (its last target included); "
            "give a longer text or a shorter window"
        )
    starts = torch.randint(n_starts, (batch_size, 1), generator=generator)
    places = starts + torch.arange(context_length + 1)  # (B, T + 1)
    if isinstance(token_ids, Tensor):
        windows = token_ids[places.to(token_ids.device)].long()
    else:
        windows = _as_tensor(token_ids[places.numpy()])
    windows = windows.to(device=device)
    return windows[:, :-1].clone(), windows[:, 1:].clone()


def consecutive_windows(
    token_ids: TokenIds, context_length: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Walk through a text so that each token after the first is a target once.

    Window number i reads the tokens i T ... i T + T - 1. What is left at the end is
    a batch of one shorter window, so no token is skipped, none is padding, and the
    losses of all batches add up to the loss of the text. A text shorter than
    one window gives that short window alone.

    Args:
        token_ids: (N,) whole numbers, N >= 2, read one batch at a time.
        context_length: T, the greatest length of a window.
        batch_size: the greatest number of windows in a batch.

    Yields:
        x and y, both (B, T) int64 with B <= batch_size; the last pair may be (1, T')
        with T' < T.

    Raises ValueError, when called, for fewer than two tokens (nothing to predict), or
    for what is no row of whole numbers.
    """
    _require_text(token_ids)
    _require_positive(batch_size=batch_size, context_length=context_length)
    if len(token_ids) < 2:
        raise ValueError(
            f"the text has {len(token_ids)} tokens; it takes 2 to predict one"
        )
    return _walk(token_ids, context_length, batch_size)


def _walk(
    token_ids: TokenIds, context_length: int, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    n_targets = len(token_ids) - 1
    n_covered = n_targets // context_length * context_length
    step = batch_size * context_length
    for start in range(0, n_covered, step):
        stop = min(start + step, n_covered)
        ids = _as_tensor(token_ids[start : stop + 1])
        yield _rows(ids[:-1], context_length), _rows(ids[1:], context_length)
    if n_covered < n_targets:
        ids = _as_tensor(token_ids[n_covered:])
        yield _rows(ids[:-1], len(ids) - 1), _rows(ids[1:], len(ids) - 1)


def _rows(ids: Tensor, length: int) -> Tensor:
    """A copy: who changes a batch changes neither the text nor the targets."""
    return ids.clone().view(-1, length)


def _as_tensor(token_ids: TokenIds) -> Tensor:
    """The ids as int64, copied into memory where they came from an array."""
    if isinstance(token_ids, Tensor):
        return token_ids.long()
    return torch.from_numpy(token_ids.astype(np.int64))


def _require_text(token_ids: TokenIds) -> None:
    require_whole(token_ids)
    if token_ids.ndim != 1:
        raise ValueError(
            f"token_ids has shape {tuple(token_ids.shape)}; a text is one row, (N,)"
        )


def _require_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
