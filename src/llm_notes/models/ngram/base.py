"""What every n-gram model can do once it has counted: probabilities, scores, samples.

How the probability of what was never seen is found is left to the subclasses. This
module knows no tokenizer and no neural network.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.models.ngram.counts import ABSENT, NGramCounts


class NGramModel(ABC):
    """A model of order n: the next token depends on the last n - 1 tokens.

    Near the beginning of a text, where fewer tokens came before, the model conditions
    on those there are. Ids are whole numbers from 0 to V - 1; a list, an array or a
    tensor on the CPU will do.

    Args:
        order: n >= 1; 1 is the unigram model, which looks at nothing.
        vocab_size: V, the number of tokens that there are, seen or not.
    """

    def __init__(self, order: int, vocab_size: int) -> None:
        for name, value in (("order", order), ("vocab_size", vocab_size)):
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        self.order = order
        self.vocab_size = vocab_size
        self._counts: NGramCounts | None = None

    @property
    def counts(self) -> NGramCounts:
        """The counts of the training text. Raises RuntimeError before `fit`."""
        if self._counts is None:
            raise RuntimeError("the model has counted nothing yet; call fit first")
        return self._counts

    def fit(self, token_ids: ArrayLike) -> Self:
        """Count all n-grams of a text, in place of what was counted before.

        Raises ValueError for a text of fewer than `order` tokens or with ids outside
        the vocabulary, TypeError for ids that are no whole numbers.
        """
        tokens = self._require_ids(token_ids)
        if len(tokens) < self.order:
            raise ValueError(
                f"the text has {len(tokens)} tokens; a model of order {self.order} "
                f"needs at least {self.order}"
            )
        self._counts = NGramCounts(tokens, self.order, self.vocab_size)
        return self

    def count(self, ngram: Sequence[int]) -> int:
        """How often an n-gram occurs in the training text; () counts all tokens.

        Raises ValueError for an n-gram longer than `order`.
        """
        if len(ngram) > self.order:
            raise ValueError(
                f"the n-gram has {len(ngram)} tokens; a model of order {self.order} "
                f"counts n-grams of at most {self.order}"
            )
        last = self.counts.walk(self._require_ids(ngram))[len(ngram)][-1]
        return 0 if last == ABSENT else int(self.counts.counts[len(ngram)][last])

    def distinct(self, length: int | None = None) -> int:
        """How many different n-grams of a length (the order, if none is given)."""
        return len(self.counts.keys[self._require_length(length)])

    def unseen_share(self, token_ids: ArrayLike, length: int | None = None) -> float:
        """The share of a text's n-grams that the training text does not have.

        Every place of the text counts, so a frequent n-gram counts often.

        Raises ValueError when the text is shorter than one n-gram.
        """
        length = self._require_length(length)
        tokens = self._require_ids(token_ids)
        if len(tokens) < length:
            raise ValueError(
                f"the text has {len(tokens)} tokens, fewer than one {length}-gram"
            )
        return float(np.mean(self.counts.walk(tokens)[length][length:] == ABSENT))

    def probabilities(self, context: Sequence[int] = ()) -> NDArray[np.float64]:
        """The distribution of the next token, (V,), which sums to one.

        Of the context, only the last `order` - 1 tokens matter.
        """
        context = context[len(context) - min(len(context), self.order - 1) :]
        levels = self.counts.walk(self._require_ids(context))
        return self._distribution([int(ids[-1]) for ids in levels[: len(context) + 1]])

    def log_probabilities(self, token_ids: ArrayLike) -> NDArray[np.float64]:
        """ln p of each token given those before it, (N,), in nats; at most 0."""
        levels = self.counts.walk(self._require_ids(token_ids))
        return np.log(self._score(levels))

    def sample(
        self, n: int, generator: np.random.Generator, prompt: Sequence[int] = ()
    ) -> list[int]:
        """Draw n tokens, one after the other; the prompt is not part of the result."""
        history = [int(token) for token in prompt]
        for _ in range(n):
            context = history[max(0, len(history) - self.order + 1) :]
            cumulative = np.cumsum(self.probabilities(context))
            place = generator.random() * cumulative[-1]  # the sum is 1 up to rounding
            history.append(int(np.searchsorted(cumulative, place)))
        return history[len(prompt) :]

    @abstractmethod
    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        """(V,) from the ids of the contexts of length 0, 1, ... that there are."""

    @abstractmethod
    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        """(N,) probabilities of the tokens of a text that `NGramCounts.walk` walked."""

    def _require_length(self, length: int | None) -> int:
        length = self.order if length is None else length
        if not 1 <= length <= self.order:
            raise ValueError(
                f"length is {length}; a model of order {self.order} counts n-grams of "
                f"length 1 to {self.order}"
            )
        return length

    def _require_ids(self, token_ids: ArrayLike) -> NDArray[np.int64]:
        tokens = np.asarray(token_ids)
        if tokens.ndim != 1:
            raise ValueError(f"token_ids has shape {tokens.shape}; a text is one row")
        if tokens.size == 0:
            return np.zeros(0, np.int64)
        if tokens.dtype.kind not in "iu":
            raise TypeError(f"token_ids is {tokens.dtype}; ids are whole numbers")
        smallest, largest = int(tokens.min()), int(tokens.max())
        if smallest < 0 or largest >= self.vocab_size:
            raise ValueError(
                f"token id {smallest if smallest < 0 else largest} is not in the "
                f"vocabulary; allowed are 0 to {self.vocab_size - 1}"
            )
        return tokens.astype(np.int64)
