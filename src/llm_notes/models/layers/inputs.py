"""What every model asks of the ids it is given, with errors that say what to do.

It knows no model: sizes go in, an error comes out or nothing.
"""

import torch
from torch import Tensor


def require_token_ids(
    token_ids: Tensor,
    vocab_size: int,
    context_length: int | None = None,
    past: int = 0,
    name: str = "token_ids",
) -> None:
    """Refuse ids that a model cannot read.

    Args:
        token_ids: (B, T) integers below `vocab_size`.
        vocab_size: V.
        context_length: the most positions, those in a cache included; no limit when
            not given.
        past: positions that a cache holds already.
        name: what the ids are called in an error.

    Raises:
        ValueError: when ids are not (B, T) integers, out of range, none, or too many.
    """
    if token_ids.dim() != 2 or token_ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"{name} must be integers of shape (batch, length), got "
            f"{token_ids.dtype} of shape {tuple(token_ids.shape)}"
        )
    if token_ids.numel() == 0:
        raise ValueError(
            f"{name} must hold at least one token of one sequence, got shape "
            f"{tuple(token_ids.shape)}"
        )
    length = past + token_ids.size(1)
    if context_length is not None and length > context_length:
        raise ValueError(
            f"the model reads 1 to context_length = {context_length} tokens, got "
            f"{length}" + (f" ({past} of them in the cache)" if past else "")
        )
    if torch.compiler.is_compiling():
        return  # looking at values would break the graph in two
    low, high = int(token_ids.min()), int(token_ids.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"{name} must lie between 0 and vocab_size - 1 = {vocab_size - 1}, "
            f"got {low} to {high}: was the text encoded by this model's tokenizer?"
        )


def require_positions(positions: Tensor, context_length: int) -> None:
    """Refuse places that a model has no position for.

    Args:
        positions: (T,) or (B, T) integers from 0 to context_length - 1.

    Raises:
        ValueError: with the first and the last place that are asked for.
    """
    if torch.compiler.is_compiling():
        return
    first, last = int(positions.min()), int(positions.max())
    if first < 0 or last >= context_length:
        raise ValueError(
            f"positions must lie between 0 and context_length - 1 = "
            f"{context_length - 1}, got {first} to {last}"
        )


def require_sizes(config: object, *names: str) -> None:
    """Refuse a configuration with a size below one.

    Args:
        config: an object that has the named attributes; None stands for "not given".

    Raises:
        ValueError: naming the first size that is not a positive integer.
    """
    for name in names:
        size = getattr(config, name)
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ValueError(f"{name} must be at least 1, got {size}")


def require_dropout(dropout: float) -> None:
    """Refuse a share that is not in [0, 1). Raises ValueError."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
