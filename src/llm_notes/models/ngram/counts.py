"""How often each n-gram of a text occurs, as sorted arrays that find all at once.

It knows no probability and no smoothing: counts go to the models of this package.
Shapes: N tokens in a text, V vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

ABSENT = -1  # the id of an n-gram that the training text does not have


class NGramCounts:
    """How often each n-gram of length 1 to `order` occurs in a text.

    The n-grams form a tree: an n-gram is its first n - 1 tokens (the context, one level
    up) and one more token. Level n is a sorted array of context_id * V + token, and the
    place of a number in it is the id of the n-gram. All n-grams of a text are looked up
    by one binary search per level, and the followers of a context are one slice.
    """

    def __init__(
        self, token_ids: NDArray[np.int64], order: int, vocab_size: int
    ) -> None:
        self.vocab_size = vocab_size
        self.keys = [np.zeros(1, np.int64)]  # level 0 holds the empty n-gram, with id 0
        self.counts = [np.array([len(token_ids)])]
        self.suffixes = [
            np.zeros(1, np.int64)
        ]  # id, one level up, less the first token
        ids = np.zeros(len(token_ids) + 1, np.int64)  # of the n-gram that ends at i - 1
        for n in range(1, order + 1):
            # n-grams of length n begin at each place but the last n - 1.
            contexts, last = ids[:-1], token_ids[n - 1 :]
            shorter = ids[1:]
            keys, first, inverse, counts = np.unique(
                contexts * vocab_size + last,
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            self.keys.append(keys)
            self.counts.append(counts)
            self.suffixes.append(shorter[first])
            ids = inverse.astype(np.int64)

    def contexts(self, n: int) -> NDArray[np.int64]:
        """For each n-gram of length n, the id of its context on level n - 1."""
        return self.keys[n] // self.vocab_size

    def find(
        self, n: int, contexts: NDArray[np.int64], tokens: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The ids of n-grams given by context id and last token, or -1."""
        wanted = contexts * self.vocab_size + tokens
        places = np.searchsorted(self.keys[n], wanted)
        places = np.minimum(places, len(self.keys[n]) - 1)
        # After an absent context `wanted` is negative, and no key is.
        return np.where(self.keys[n][places] == wanted, places, ABSENT)

    def walk(self, token_ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """walk(x)[n][i] is the id of the n-gram that ends before place i, or -1.

        So walk(x)[n][i] is the context of length n of token i, and walk(x)[n][i + 1]
        the n-gram that ends with token i. Each array has N + 1 entries.
        """
        levels = [np.zeros(len(token_ids) + 1, np.int64)]
        for n in range(1, len(self.keys)):
            # The text begins at 0: a context that reaches further back is absent, and
            # so is every longer one.
            ids = np.full(len(token_ids) + 1, ABSENT)
            ids[1:] = self.find(n, levels[-1][:-1], token_ids)
            levels.append(ids)
        return levels

    def followers(self, n: int, context: int) -> slice:
        """The ids of all n-grams of length n that begin with a context."""
        bounds = np.array([context, context + 1]) * self.vocab_size
        return slice(*np.searchsorted(self.keys[n], bounds))

    def sum_by_context(
        self, n: int, values: NDArray[np.generic]
    ) -> NDArray[np.float64]:
        """Add up a value of each n-gram of length n over all that share a context."""
        n_contexts = len(self.keys[n - 1])
        return np.bincount(self.contexts(n), weights=values, minlength=n_contexts)


def take(values: NDArray[np.generic], ids: NDArray[np.int64]) -> NDArray[np.generic]:
    """values[ids], and 0 where the id is absent."""
    return np.where(ids == ABSENT, 0, values[ids])
