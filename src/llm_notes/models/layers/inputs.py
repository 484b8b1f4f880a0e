"""What every model asks of the ids it is given, with errors that say what to do.

It knows no model: sizes go in, an error comes out or nothing.
"""

from numbers import Integral

import torch
from torch import Tensor


def require_token_ids(
    token_ids: Tensor,
    vocab_size: int,
    context_length: int | None = None,
    past: int = 0,
    name: str = "token_ids",
    size_name: str = "vocab_size",
) -> None:
    """Refuse ids that a model cannot read.

    Args:
        token_ids: (B, T) integers below `vocab_size`.
        vocab_size: V.
        context_length: the most positions, those in a cache included; no limit when
            not given.
        past: positions that a cache holds already.
        name, size_name: what ids and `vocab_size` are called in an error.

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
    if torch.compiler.is_compiling() or token_ids.is_meta:
        return  # looking at values would break the graph in two, or there are none
    low, high = int(token_ids.min()), int(token_ids.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"{name} must lie between 0 and {size_name} - 1 = {vocab_size - 1}, "
            f"got {low} to {high}: was the text encoded by this model's tokenizer?"
        )


def require_positions(
    positions: Tensor, token_ids: Tensor, context_length: int
) -> None:
    """Refuse places that do not belong to the tokens or that a model does not have.

    Args:
        positions: (T,) or (B, T) integers from 0 to context_length - 1.
        token_ids: (B, T), whose places they are.

    Raises:
        ValueError: when they have another shape or dtype, or lie outside.
    """
    shapes = (tuple(token_ids.shape[1:]), tuple(token_ids.shape))
    integers = (torch.int64, torch.int32)
    if tuple(positions.shape) not in shapes or positions.dtype not in integers:
        raise ValueError(
            f"positions must be integers of shape {shapes[0]} or {shapes[1]}, got "
            f"{positions.dtype} of shape {tuple(positions.shape)}"
        )
    if torch.compiler.is_compiling() or positions.is_meta:
        return
    first, last = int(positions.min()), int(positions.max())
    if first < 0 or last >= context_length:
        raise ValueError(
            f"positions must lie between 0 and context_length - 1 = "
            f"{context_length - 1}, got {first} to {last}"
        )


def require_mask(
    mask: Tensor, batch_size: int, n_heads: int, n_queries: int, n_keys: int
) -> None:
    """Refuse a mask that would be broadcast to something else than it means.

    Args:
        mask: boolean, (T, S), or four axes, each full or of length one. The last one
            is always S, which counts the keys in a cache.

    Raises:
        ValueError: with both shapes.
    """
    wanted = (batch_size, n_heads, n_queries, n_keys)
    shape = tuple(mask.shape)
    fits = len(shape) in (2, 4) and shape[-1] == n_keys
    # zip stops at the shorter one: a mask of two axes has no batch and no heads.
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    if mask.dtype != torch.bool or not fits or any(n not in (1, m) for n, m in pairs):
        raise ValueError(
            "mask must be boolean, of shape (T, S) or (B or 1, H or 1, T or 1, S) with "
            f"(B, H, T, S) = {wanted}, got {mask.dtype} of shape {shape}; S counts "
            "the keys in a cache too, and True means: may attend"
        )


def require_one_memory_each(target_ids: Tensor, memory: Tensor) -> None:
    """Refuse targets (B, T) that do not have one memory (B, S, D) each."""
    if memory.size(0) != target_ids.size(0):
        raise ValueError(
            f"{memory.size(0)} sources but {target_ids.size(0)} targets: each target "
            "needs the memory of its own source"
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
        if size is None:
            continue
        if not isinstance(size, Integral):
            raise ValueError(f"{name} must be an integer, got {size!r}")
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")


def require_dropout(dropout: float) -> None:
    """Refuse a share that is not in [0, 1). Raises ValueError."""
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
