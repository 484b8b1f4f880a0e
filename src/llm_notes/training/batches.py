"""Where batches come from: endless sources whose place can be saved.

A batch is a tuple or a dict of tensors, or a `TensorBatch` of `data.batching`, whose
tensors' first axis counts the examples. A source
has `next_batch()`, and `state_dict()` and `load_state_dict(state)`: its place as plain
JSON, after which the same batches follow. It knows no model and no loss.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from llm_notes.data.batching import IGNORE, sample_windows
from llm_notes.data.batching.padding import TensorBatch

Batch = tuple[Tensor, ...] | dict[str, Tensor] | TensorBatch


class Batches(Protocol):
    """What the trainer asks of a source."""

    def next_batch(self) -> Batch: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class WindowBatches:
    """Random windows of one text, for a causal model: batches (x, y), both (B, T).

    Args:
        token_ids: (N,) a tensor or a memory-mapped array, N >= context_length + 1.
        batch_size: B, windows in each batch.
        context_length: T, tokens in each window.
        seed: of the draws.

    Raises:
        ValueError: (from `sample_windows`) when the text is shorter than one window.
    """

    def __init__(
        self,
        token_ids: Tensor | np.ndarray,
        batch_size: int,
        context_length: int,
        seed: int = 0,
    ) -> None:
        self.token_ids = token_ids
        self.batch_size, self.context_length = batch_size, context_length
        self._generator = torch.Generator().manual_seed(seed)
        sample_windows(token_ids, batch_size, context_length, torch.Generator())

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Inputs x and targets y, the tokens that follow them."""
        return sample_windows(
            self.token_ids, self.batch_size, self.context_length, self._generator
        )

    def state_dict(self) -> dict[str, Any]:
        return {"generator": _generator_state(self._generator)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        _set_generator_state(self._generator, state["generator"])


class ListBatches:
    """A list of examples, each used once in an epoch, in a new order each time.

    Args:
        examples: anything that `collate` understands.
        batch_size: examples in a batch; the last of an epoch may have fewer.
        collate: a list of examples -> a batch.
        seed: of the orders; the order of an epoch depends on seed and epoch alone.
        generator: that `collate` draws from, when it does (to mask tokens, for
            example); its state is saved with the place.
        drop_last: leave out the smaller batch at the end of an epoch.

    Raises:
        ValueError: when there is no example, or none would be used.
    """

    def __init__(
        self,
        examples: Sequence[Any],
        batch_size: int,
        collate: Callable[[list[Any]], Batch],
        seed: int = 0,
        *,
        generator: torch.Generator | None = None,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        n_used = len(examples)
        if drop_last:
            n_used -= n_used % batch_size
        if n_used < 1:
            raise ValueError(
                f"{len(examples)} examples give no batch of {batch_size}; give more, "
                "or smaller batches"
            )
        self.examples, self.batch_size, self.collate = examples, batch_size, collate
        self.epoch, self.position = 0, 0
        self._n_used, self._seed, self._generator = n_used, seed, generator
        self._order = self._shuffled()

    def next_batch(self) -> Batch:
        """The next examples of this epoch, or the first of a new one."""
        if self.position >= self._n_used:
            self.epoch, self.position = self.epoch + 1, 0
            self._order = self._shuffled()
        end = self.position + self.batch_size
        chosen = [self.examples[i] for i in self._order[self.position : end]]
        self.position = end
        return self.collate(chosen)

    def state_dict(self) -> dict[str, Any]:
        state = {"seed": self._seed, "epoch": self.epoch, "position": self.position}
        if self._generator is not None:
            state["generator"] = _generator_state(self._generator)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._seed = state["seed"]
        self.epoch, self.position = state["epoch"], state["position"]
        self._order = self._shuffled()
        if self._generator is not None:
            _set_generator_state(self._generator, state["generator"])

    def _shuffled(self) -> list[int]:
        random = np.random.default_rng((self._seed, self.epoch))
        return random.permutation(len(self.examples)).tolist()


def count_targets(batch: Batch) -> int:
    """Targets of a causal batch (x, y) that count: all but IGNORE."""
    return int((batch[1] != IGNORE).sum())


def count_examples(batch: Batch) -> int:
    """The examples of a batch: the first axis of its tensors. Raises ValueError."""
    sizes = {len(tensor) for tensor in _tensors(batch)}
    if len(sizes) != 1:
        raise ValueError(
            f"the tensors of a batch must agree in their first axis, got {sizes}"
        )
    return sizes.pop()


def split_batch(batch: Batch, n_parts: int) -> list[Batch]:
    """Cut a batch along its examples into parts that differ by at most one example.

    Raises ValueError when there are fewer examples than parts.
    """
    if n_parts == 1:
        return [batch]
    n_examples = count_examples(batch)
    if n_examples < n_parts:
        raise ValueError(
            f"a batch of {n_examples} examples cannot be cut into {n_parts} parts; "
            "give larger batches, or accumulate over fewer parts"
        )
    ends = [n_examples * i // n_parts for i in range(n_parts + 1)]
    return [
        _map(batch, lambda tensor, a=a, b=b: tensor[a:b]) for a, b in pairwise(ends)
    ]


def move_batch(batch: Batch, device: torch.device) -> Batch:
    """The same batch on another device."""
    return _map(batch, lambda tensor: tensor.to(device, non_blocking=True))


def _tensors(batch: Batch) -> Iterator[Tensor]:
    if isinstance(batch, TensorBatch):
        return (getattr(batch, field.name) for field in fields(batch))
    return iter(batch.values() if isinstance(batch, Mapping) else batch)


def _map(batch: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    changed = [change(tensor) for tensor in _tensors(batch)]
    if isinstance(batch, TensorBatch):
        return type(batch)(*changed)
    if isinstance(batch, Mapping):
        return dict(zip(batch, changed, strict=True))
    return tuple(changed)


def _generator_state(generator: torch.Generator) -> str:
    """The state of a generator as text, which JSON can hold."""
    return generator.get_state().numpy().tobytes().hex()


def _set_generator_state(generator: torch.Generator, state: str) -> None:
    generator.set_state(torch.frombuffer(bytearray.fromhex(state), dtype=torch.uint8))
