"""Add-k smoothing: the oldest way to leave something for what was never seen.

It knows no shorter context: what one context lacks is shared evenly.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.models.ngram.base import NGramModel
from llm_notes.models.ngram.counts import ABSENT, take


class AddKNGram(NGramModel):
    r"""Pretend that every n-gram was seen k more times (Lidstone's law).

    $$p(w \mid h) = \frac{c(hw) + k}{\sum_{w'} c(hw') + kV}$$

    where h is the context of n - 1 tokens, c counts in the training text and V is the
    size of the vocabulary. k = 1 is Laplace's rule. A context that was never seen gives
    the uniform distribution.

    Args:
        order, vocab_size: see `NGramModel`.
        k: more than 0.
    """

    def __init__(self, order: int, vocab_size: int, k: float = 1.0) -> None:
        super().__init__(order, vocab_size)
        if not 0 < k < float("inf"):
            raise ValueError(f"k is {k}; it must be a positive number")
        self.k = k

    def fit(self, token_ids: ArrayLike) -> Self:
        super().fit(token_ids)
        self._totals = [
            self.counts.sum_by_context(n, self.counts.counts[n])
            for n in range(1, self.order + 1)
        ]
        return self

    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        n, context = len(contexts), contexts[-1]
        weights = np.full(self.vocab_size, float(self.k))
        if context != ABSENT:
            ids = self.counts.followers(n, context)
            tokens = self.counts.keys[n][ids] % self.vocab_size
            weights[tokens] += self.counts.counts[n][ids]
        return weights / weights.sum()

    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        p = np.empty(len(levels[0]) - 1)
        for n in range(1, self.order + 1):
            # Tokens before place n - 1 keep the answer of a shorter context.
            contexts, ngrams = levels[n - 1][n - 1 : -1], levels[n][n:]
            c = take(self.counts.counts[n], ngrams)
            total = take(self._totals[n - 1], contexts)
            p[n - 1 :] = (c + self.k) / (total + self.k * self.vocab_size)
        return p
