"""Decoders: how a model is read token by token, whatever it remembers between tokens.

A decoder reads the prompts once (prefill) and then one token of each row at a time
(decode); both give the logits of what follows. What is remembered differs: nothing, a
key/value cache, or the state of a recurrent network. Nothing here draws tokens.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from llm_notes.models.layers.cache import KeyValueCache
from llm_notes.models.layers.mask import real_positions
from llm_notes.models.rnn import RNNLanguageModel

# Attention kernels without cuDNN's, which makes a plan for each new length: 4 ms for
# each layer and token on an H100, against 0.01 ms of work.
_ANY_LENGTH = [
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]


class Decoder(Protocol):
    """What the loop of generation asks for."""

    def prefill(self, prompt_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Read prompts (B, T), padded on the left where `mask` is False: (B, V)."""

    def step(self, token_ids: Tensor) -> Tensor:
        """Read one more token of each row, (B, 1): logits (B, V)."""

    def select(self, rows: Tensor) -> None:
        """Choose rows anew, for beams: row i goes on from what row rows[i] has read."""


class CachedDecoder:
    """Keys and values are remembered: each step reads one token.

    Args:
        model: `model(token_ids, mask=, positions=, cache=)` gives logits (B, T, V).
        cache: an empty one.
    """

    def __init__(self, model: nn.Module, cache: KeyValueCache) -> None:
        self.model, self.cache = model, cache
        self._mask: Tensor | None = None
        self._next: Tensor | None = None  # (B, 1) places of the next tokens

    def prefill(self, prompt_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.cache.length:
            raise ValueError(
                f"the cache holds {self.cache.length} positions of another text: use "
                "a fresh decoder for each"
            )
        if mask is None:
            return self.model(prompt_ids, cache=self.cache)[:, -1]
        self._mask = mask
        mask = mask[:, None, None, :]  # (B, 1, 1, S)
        positions = real_positions(mask)
        self._next = positions[:, -1:] + 1
        logits = self.model(
            prompt_ids, mask=mask, positions=positions, cache=self.cache
        )
        return logits[:, -1]

    def step(self, token_ids: Tensor) -> Tensor:
        with _growing(token_ids):
            return self._step(token_ids)

    def _step(self, token_ids: Tensor) -> Tensor:
        if self._mask is None:
            return self.model(token_ids, cache=self.cache)[:, -1]
        self._mask = nn.functional.pad(self._mask, (0, 1), value=True)
        mask, positions = self._mask[:, None, None, :], self._next
        self._next = positions + 1
        logits = self.model(token_ids, mask=mask, positions=positions, cache=self.cache)
        return logits[:, -1]

    def select(self, rows: Tensor) -> None:
        self.cache.select(rows)
        if self._mask is not None:
            self._mask, self._next = self._mask[rows], self._next[rows]


class UncachedDecoder:
    """Nothing is remembered: each step reads the whole text anew."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._token_ids: Tensor | None = None
        self._mask: Tensor | None = None

    def prefill(self, prompt_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        self._token_ids, self._mask = prompt_ids, mask
        if mask is None:
            return self.model(prompt_ids)[:, -1]
        # A recurrent network skips padding, and has no positions.
        is_recurrent = isinstance(self.model, RNNLanguageModel)
        mask = mask[:, None, None, :]
        places = {} if is_recurrent else {"positions": real_positions(mask)}
        return self.model(prompt_ids, mask=mask, **places)[:, -1]

    def step(self, token_ids: Tensor) -> Tensor:
        mask = self._mask
        if mask is not None:
            mask = nn.functional.pad(mask, (0, 1), value=True)
        with _growing(token_ids):
            return self.prefill(torch.cat([self._token_ids, token_ids], dim=1), mask)

    def select(self, rows: Tensor) -> None:
        self._token_ids = self._token_ids[rows]
        self._mask = None if self._mask is None else self._mask[rows]


class RecurrentDecoder:
    """The state of a recurrent network is all that is remembered."""

    def __init__(self, model: RNNLanguageModel) -> None:
        self.model = model
        self._state = None

    def prefill(self, prompt_ids: Tensor, mask: Tensor | None = None) -> Tensor:
        mask = None if mask is None else mask[:, None, None, :]
        logits, self._state = self.model(prompt_ids, mask=mask, return_state=True)
        return logits[:, -1]

    def step(self, token_ids: Tensor) -> Tensor:
        logits, self._state = self.model(token_ids, self._state, return_state=True)
        return logits[:, -1]

    def select(self, rows: Tensor) -> None:
        self._state = tuple(part[:, rows] for part in self._state)  # (L, B, H) each


def left_padded(
    rows: list[list[int]], pad_id: int = 0, device: torch.device | str | None = None
) -> tuple[Tensor, Tensor]:
    """Prompts of different lengths as one batch whose last tokens stand together.

    Args:
        rows: token ids of each prompt, at least one.
        pad_id: an id that the model has; what it says is not looked at.

    Returns:
        ids (B, T), and a boolean mask (B, T), True at real tokens.

    Raises:
        ValueError: when there is no prompt, or an empty one.
    """
    if not rows or not all(rows):
        raise ValueError("each prompt needs at least one token, and one prompt is due")
    length = max(map(len, rows))
    ids = [[pad_id] * (length - len(row)) + row for row in rows]
    mask = [[False] * (length - len(row)) + [True] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _growing(token_ids: Tensor) -> AbstractContextManager:
    """Around a step: the text is one token longer each time."""
    return sdpa_kernel(_ANY_LENGTH) if token_ids.is_cuda else nullcontext()
