"""Places: the keys and values of a batch whose rows come and go.

Each running sequence has a place, a row of one store that is taken once. The rows have
different lengths, and they are decoded together: each writes its new token at its own
end, and a mask hides what lies behind it. The places in use always come first, so the
batch is a view of the store and nothing is copied at a step. It knows no model and no
request.
"""

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

from llm_notes.models.layers.cache import KeysAndValues, KeyValueCache


class Places:
    """A fixed number of places for sequences of at most `max_length` positions.

    Args:
        n_places: the most sequences that run at the same time.
        max_length: the most positions of one sequence.
        device: where masks and positions are made.

    Raises:
        ValueError: when a size is below 1.
    """

    def __init__(
        self, n_places: int, max_length: int, device: torch.device | str = "cpu"
    ) -> None:
        if n_places < 1 or max_length < 1:
            raise ValueError(
                f"n_places = {n_places} and max_length = {max_length} must be at "
                "least 1"
            )
        self.n_places, self.max_length, self.device = n_places, max_length, device
        self.lengths: list[int] = []  # positions stored in each place in use
        self._store: dict[int, KeysAndValues] = {}

    @property
    def n_free(self) -> int:
        """Places that nobody has."""
        return self.n_places - len(self.lengths)

    def enter(self, lengths: Sequence[int]) -> KeyValueCache:
        """Give the next places to prompts of these lengths.

        Returns:
            a cache for one call of the model with the prompts (B, T), padded on the
            right. Causal masks hide the padding from the tokens before it, so the
            logits of place length - 1 are those of the prompt alone.

        Raises:
            ValueError: when there are more prompts than free places, or one is empty
                or longer than a place.
        """
        if len(lengths) > self.n_free:
            raise ValueError(
                f"{len(lengths)} sequences want a place and {self.n_free} of "
                f"{self.n_places} are free"
            )
        if not lengths or min(lengths) < 1 or max(lengths) > self.max_length:
            raise ValueError(
                f"lengths must lie between 1 and max_length = {self.max_length}, got "
                f"{list(lengths)}"
            )
        first = len(self.lengths)
        self.lengths += lengths
        return _Entrance(self, first)

    def step(self) -> tuple[KeyValueCache, Tensor, Tensor]:
        """Everything for one more token in each of the B places in use.

        Returns:
            a cache for one call of the model with the new tokens (B, 1), their
            positions (B, 1), and the mask (B, 1, 1, S), S being the longest row with
            its new token. The lengths count the new tokens from here on.

        Raises:
            ValueError: when no place is in use, or one is full.
        """
        if not self.lengths or max(self.lengths) >= self.max_length:
            raise ValueError(
                f"rows of lengths {self.lengths} cannot grow: a step needs at least "
                f"one row, and room for one more of {self.max_length} positions in each"
            )
        ends = torch.tensor(self.lengths, device=self.device)  # (B,)
        self.lengths = [length + 1 for length in self.lengths]
        n_keys = max(self.lengths)
        mask = torch.arange(n_keys, device=self.device) <= ends[:, None]
        return _Step(self, ends, n_keys), ends[:, None], mask[:, None, None, :]

    def leave(self, place: int, clean: bool = False) -> None:
        """Free a place. The last one in use moves there, so that no gap is left.

        Args:
            place: which one.
            clean: whether what was stored may be no number. Then it is wiped, since a
                mask only multiplies it by 0 for the next row that has the place.
        """
        last = len(self.lengths) - 1
        if clean:
            for stored in chain.from_iterable(self._store.values()):
                stored[place] = 0
        if place != last:
            length = self.lengths[last]
            for keys, values in self._store.values():
                keys[place, :, :length] = keys[last, :, :length]
                values[place, :, :length] = values[last, :, :length]
            self.lengths[place] = length
        self.lengths.pop()

    def store_for(self, layer: int, new: Tensor) -> KeysAndValues:
        """The store of one layer, taken when it is first used.

        Zeros, because 0 times what memory happens to hold may be no number.
        """
        if layer not in self._store:
            size = (self.n_places, new.size(1), self.max_length, new.size(3))
            self._store[layer] = (new.new_zeros(size), new.new_zeros(size))
        return self._store[layer]


class _Entrance(KeyValueCache):
    """Empty for the model; what it stores goes to places from `first` on."""

    def __init__(self, places: Places, first: int) -> None:
        super().__init__()
        self._places, self._first = places, first

    def length_of(self, layer: int) -> int:
        return 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> KeysAndValues:
        """Store (B, G, T, K) and give them back: nothing stands before them."""
        rows = slice(self._first, self._first + keys.size(0))
        all_keys, all_values = self._places.store_for(layer, keys)
        all_keys[rows, :, : keys.size(2)] = keys
        all_values[rows, :, : keys.size(2)] = values
        return keys, values


class _Step(KeyValueCache):
    """As long as the longest row for the model; each row grows at its own end."""

    def __init__(self, places: Places, ends: Tensor, n_keys: int) -> None:
        super().__init__()
        self._places, self._ends, self._n_keys = places, ends, n_keys
        self._rows = torch.arange(len(ends), device=ends.device)

    def length_of(self, layer: int) -> int:
        return self._n_keys - 1

    def append(self, layer: int, keys: Tensor, values: Tensor) -> KeysAndValues:
        """Store (B, G, 1, K) and give back views (B, G, S, K) of the rows."""
        all_keys, all_values = self._places.store_for(layer, keys)
        all_keys[self._rows, :, self._ends] = keys[:, :, 0]
        all_values[self._rows, :, self._ends] = values[:, :, 0]
        n_rows = len(self._rows)
        return (
            all_keys[:n_rows, :, : self._n_keys],
            all_values[:n_rows, :, : self._n_keys],
        )
