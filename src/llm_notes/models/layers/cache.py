"""The key/value cache: what decoding must remember of the tokens it has read.

The keys and values of a causal decoder never change once they are computed, so each
new token computes its own and looks at the stored ones. One cache grows as needed, the
other takes its memory at once. Rows of the batch can be chosen anew (beams, a server's
requests), and the last positions forgotten (rejected guesses). They know nothing of
queries, masks or sampling.
"""

from collections.abc import Callable

import torch
from torch import Tensor

KeysAndValues = tuple[Tensor, Tensor]


class KeyValueCache:
    """A growing cache: one pair of (B, G, S, K) tensors for each layer.

    Use it for one model and one batch: pass it to `model(token_ids, cache=cache)`
    again and again, each time with the new tokens only.
    """

    def __init__(self) -> None:
        self._layers: dict[int, KeysAndValues] = {}
        self._memory: dict[int, tuple[Tensor, KeysAndValues]] = {}

    @property
    def length(self) -> int:
        """Number of positions S that are stored (0 when empty)."""
        return self.length_of(next(iter(self._layers), 0))

    def length_of(self, layer: int) -> int:
        """Number of positions that are stored for one layer (0 when none)."""
        return self._layers[layer][0].size(2) if layer in self._layers else 0

    @property
    def n_bytes(self) -> int:
        """Memory that the stored keys and values take, in bytes."""
        return sum(
            tensor.numel() * tensor.element_size()
            for pair in (*self._layers.values(), *(m[1] for m in self._memory.values()))
            for tensor in pair
        )

    def append(self, layer: int, keys: Tensor, values: Tensor) -> KeysAndValues:
        """Store the new keys and values of one layer and return all of them.

        Args:
            layer: which layer they belong to.
            keys, values: (B, G, T, K) of the new tokens.

        Returns:
            keys, values: (B, G, S, K) of all tokens so far, the new ones last.

        Raises:
            ValueError: when the batch, the heads or the head width differ from what
                is stored (the cache belongs to another batch or another model).
        """
        if layer in self._layers:
            old_keys, old_values = self._layers[layer]
            _require_same_shape(old_keys, keys)
            keys = torch.cat([old_keys, keys], dim=2)
            values = torch.cat([old_values, values], dim=2)
        self._layers[layer] = (keys, values)
        return keys, values

    def of_memory(
        self, layer: int, memory: Tensor, compute: Callable[[Tensor], KeysAndValues]
    ) -> KeysAndValues:
        """Keys and values of an encoder's output, computed at the first call only.

        Args:
            layer: which layer they belong to.
            memory: (B, S, D), the same numbers at each call; after `select`, its
                rows in the new order.
            compute: maps it to keys and values (B, G, S, K).

        Raises:
            ValueError: when another memory is given than the first time.
        """
        if layer not in self._memory:
            self._memory[layer] = memory, compute(memory)
        first, keys_and_values = self._memory[layer]
        if first is not memory:
            # A copy, as after `select`, is as good; looked at once, then known.
            if not torch.equal(first, memory):
                raise ValueError(
                    "the cache belongs to another source: use a fresh KeyValueCache "
                    "for each, and give the same memory at each step"
                )
            self._memory[layer] = memory, keys_and_values
        return keys_and_values

    def select(self, rows: Tensor) -> None:
        """Choose the rows of the batch anew: row i becomes what row rows[i] was.

        A row may be chosen several times (beams) or not at all (a finished text). The
        keys and values of an encoder's output are chosen too.

        Args:
            rows: (B',) integers from 0 to B - 1.
        """
        self._layers = {i: _rows_of(pair, rows) for i, pair in self._layers.items()}
        self._memory = {
            layer: (memory.index_select(0, rows), _rows_of(pair, rows))
            for layer, (memory, pair) in self._memory.items()
        }

    def crop(self, length: int) -> None:
        """Forget the positions from `length` on; those of an encoder stay.

        Raises:
            ValueError: when `length` is negative or more than is stored.
        """
        self._check_crop(length)
        self._layers = {
            layer: (keys[:, :, :length], values[:, :, :length])
            for layer, (keys, values) in self._layers.items()
        }

    def _check_crop(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(
                f"length must lie between 0 and {self.length}, the positions that are "
                f"stored, got {length}"
            )


class StaticKeyValueCache(KeyValueCache):
    """A cache with room for `max_length` positions, taken when a layer is first used.

    Appending copies the new tokens only, where the growing cache copies all of them
    again for each new token. What `append` returns are views into the store.

    Args:
        max_length: the most positions that one sequence can have.

    Raises:
        ValueError: from `append`, when the positions exceed `max_length`, or when
            gradients are recorded; nothing is stored then.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__()
        if max_length < 1:
            raise ValueError(f"max_length must be at least 1, got {max_length}")
        self.max_length = max_length
        self._used: dict[int, int] = {}

    def length_of(self, layer: int) -> int:
        return self._used.get(layer, 0)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> KeysAndValues:
        if torch.is_grad_enabled() and (keys.requires_grad or values.requires_grad):
            raise ValueError(
                "a static cache is overwritten in place and cannot be differentiated: "
                "generate under torch.no_grad(), or use KeyValueCache"
            )
        start = self.length_of(layer)
        stop = start + keys.size(2)
        if stop > self.max_length:
            raise ValueError(
                f"the cache has room for max_length = {self.max_length} positions, "
                f"and {stop} are needed ({start} of them stored)"
            )
        if layer not in self._layers:
            self._layers[layer] = (self._store_for(keys), self._store_for(values))
        all_keys, all_values = self._layers[layer]
        _require_same_shape(all_keys, keys)
        all_keys[:, :, start:stop] = keys
        all_values[:, :, start:stop] = values
        self._used[layer] = stop
        return all_keys[:, :, :stop], all_values[:, :, :stop]

    def stored(self, layer: int) -> KeysAndValues:
        """Views (B, G, S, K) of what is stored for one layer so far."""
        keys, values = self._layers[layer]
        length = self.length_of(layer)
        return keys[:, :, :length], values[:, :, :length]

    def crop(self, length: int) -> None:
        self._check_crop(length)
        self._used = dict.fromkeys(self._used, length)

    def _store_for(self, new: Tensor) -> Tensor:
        batch_size, n_heads, _, d_head = new.shape
        return new.new_empty(batch_size, n_heads, self.max_length, d_head)


def _rows_of(pair: KeysAndValues, rows: Tensor) -> KeysAndValues:
    keys, values = pair
    return keys.index_select(0, rows), values.index_select(0, rows)


def _require_same_shape(stored_keys: Tensor, new_keys: Tensor) -> None:
    stored = (*stored_keys.shape[:2], stored_keys.size(3))
    new = (*new_keys.shape[:2], new_keys.size(3))
    if stored != new:
        raise ValueError(
            f"the cache holds (batch, heads, head width) {stored}, the new "
            f"keys have {new}: use a fresh KeyValueCache for each batch"
        )
