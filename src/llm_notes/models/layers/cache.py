"""The key/value cache: what decoding must remember of the tokens it has read.

The keys and values of a causal decoder never change once they are computed, so each
new token computes its own and looks at the stored ones. It knows nothing of queries,
masks or sampling.
"""

import torch
from torch import Tensor


class KeyValueCache:
    """A growing cache: one pair of (B, G, S, K) tensors for each layer.

    Use it for one model and one batch: pass it to `model(token_ids, cache=cache)`
    again and again, each time with the new tokens only.
    """

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

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
            for pair in self._layers.values()
            for tensor in pair
        )

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
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
            stored = (*old_keys.shape[:2], old_keys.size(3))
            new = (*keys.shape[:2], keys.size(3))
            if stored != new:
                raise ValueError(
                    f"the cache holds (batch, heads, head width) {stored}, the new "
                    f"keys have {new}: use a fresh KeyValueCache for each batch"
                )
            keys = torch.cat([old_keys, keys], dim=2)
            values = torch.cat([old_values, values], dim=2)
        self._layers[layer] = (keys, values)
        return keys, values
