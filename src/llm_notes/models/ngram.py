"""N-gram language models: predict a token from the n - 1 tokens before it, by counting.

Two ways to share probability with what was never seen: adding k to each count, and
interpolated Kneser-Ney (Kneser and Ney 1995; Chen and Goodman 1999).

Shapes: N tokens in a text, V vocabulary. This module knows no tokenizer and no neural
network; it needs NumPy only.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ABSENT = -1  # the id of an n-gram that the training text does not have


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
        found = (contexts != _ABSENT) & (self.keys[n][places] == wanted)
        return np.where(found, places, _ABSENT)

    def walk(self, token_ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """walk(x)[n][i] is the id of the n-gram that ends before place i, or -1.

        So walk(x)[n][i] is the context of length n of token i, and walk(x)[n][i + 1]
        the n-gram that ends with token i. Each array has N + 1 entries.
        """
        levels = [np.zeros(len(token_ids) + 1, np.int64)]
        for n in range(1, len(self.keys)):
            # The text begins at 0: a context that reaches further back is absent, and
            # so is every longer one.
            ids = np.full(len(token_ids) + 1, _ABSENT)
            ids[1:] = self.find(n, levels[-1][:-1], token_ids)
            levels.append(ids)
        return levels

    def followers(self, n: int, context: int) -> slice:
        """The ids of all n-grams of length n that begin with a context."""
        bounds = np.array([context, context + 1]) * self.vocab_size
        return slice(*np.searchsorted(self.keys[n], bounds))


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
        return 0 if last == _ABSENT else int(self.counts.counts[len(ngram)][last])

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
        return float(np.mean(self.counts.walk(tokens)[length][length:] == _ABSENT))

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
            _sum_by_context(self.counts, n, self.counts.counts[n])
            for n in range(1, self.order + 1)
        ]
        return self

    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        n, context = len(contexts), contexts[-1]
        weights = np.full(self.vocab_size, float(self.k))
        if context != _ABSENT:
            ids = self.counts.followers(n, context)
            weights[self.counts.keys[n][ids] % self.vocab_size] += self.counts.counts[
                n
            ][ids]
        return weights / weights.sum()

    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        p = np.empty(len(levels[0]) - 1)
        for n in range(1, self.order + 1):
            # Tokens before place n - 1 keep the answer of a shorter context.
            contexts, ngrams = levels[n - 1][n - 1 : -1], levels[n][n:]
            c = _take(self.counts.counts[n], ngrams)
            total = _take(self._totals[n - 1], contexts)
            p[n - 1 :] = (c + self.k) / (total + self.k * self.vocab_size)
        return p


class KneserNeyNGram(NGramModel):
    r"""Interpolated Kneser-Ney: take a little from each count, share it out by variety.

    $$p_n(w \mid h) = \frac{\max(a_n(hw) - D_n, 0)}{\sum_{w'} a_n(hw')}
      + \frac{D_n\, T_n(h)}{\sum_{w'} a_n(hw')}\; p_{n-1}(w \mid h'),
      \qquad p_0(w) = \frac1V$$

    where $h'$ is $h$ without its first token, and $T_n(h)$ is the number of tokens $w$
    with $a_n(hw) > 0$. At the model's own order, $a_n$ is the count; at lower orders it
    is the number of different tokens that precede the n-gram in the training text, so a
    word like "Francisco" that follows one word only has little weight in new places. A
    context that was never seen passes on all to the next shorter one.

    The discount is estimated for each order as $D_n = n_1 / (n_1 + 2 n_2)$, where $n_r$
    is the number of n-grams with $a_n = r$ (Ney, Essen and Kneser 1994). Where no
    n-gram has $a_n = 1$ that would be 0 and leave nothing for what is unseen; the
    discount is 1/2 then. Source: Chen and Goodman (1999).

    Args:
        order, vocab_size: see `NGramModel`.
        discount: one D for all orders, more than 0 and at most 1; None estimates it.
    """

    def __init__(
        self, order: int, vocab_size: int, discount: float | None = None
    ) -> None:
        super().__init__(order, vocab_size)
        if discount is not None and not 0 < discount <= 1:
            raise ValueError(f"discount is {discount}; it must lie in (0, 1]")
        self.discount = discount

    def fit(self, token_ids: ArrayLike) -> Self:
        super().fit(token_ids)
        levels = range(1, self.order + 1)
        self._adjusted = [self._adjusted_counts(n) for n in levels]
        self.discounts = tuple(
            _estimated_discount(a) if self.discount is None else self.discount
            for a in self._adjusted
        )
        self._totals = [
            _sum_by_context(self.counts, n, a)
            for n, a in zip(levels, self._adjusted, strict=True)
        ]
        self._varieties = [
            _sum_by_context(self.counts, n, a > 0)
            for n, a in zip(levels, self._adjusted, strict=True)
        ]
        return self

    def _adjusted_counts(self, n: int) -> NDArray[np.int64]:
        if n == self.order:
            return self.counts.counts[n]
        # Every distinct longer n-gram is one more token seen in front of its suffix.
        return np.bincount(
            self.counts.suffixes[n + 1], minlength=len(self.counts.keys[n])
        )

    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for n, context in enumerate(contexts, start=1):
            if context == _ABSENT or self._totals[n - 1][context] == 0:
                continue
            total = self._totals[n - 1][context]
            discount = self.discounts[n - 1]
            ids = self.counts.followers(n, context)
            tokens = self.counts.keys[n][ids] % self.vocab_size
            p *= discount * self._varieties[n - 1][context] / total
            p[tokens] += np.maximum(self._adjusted[n - 1][ids] - discount, 0) / total
        return p

    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        p = np.full(len(levels[0]) - 1, 1 / self.vocab_size)
        for n in range(1, self.order + 1):
            contexts, ngrams = levels[n - 1][:-1], levels[n][1:]
            discount = self.discounts[n - 1]
            a = _take(self._adjusted[n - 1], ngrams)
            total = _take(self._totals[n - 1], contexts)
            variety = _take(self._varieties[n - 1], contexts)
            seen = total > 0
            kept = np.maximum(a - discount, 0)
            passed_on = discount * variety * p
            p[seen] = (kept[seen] + passed_on[seen]) / total[seen]
        return p


def _sum_by_context(
    counts: NGramCounts, n: int, values: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Add up a value of each n-gram of length n over all that share a context."""
    n_contexts = len(counts.keys[n - 1])
    return np.bincount(counts.contexts(n), weights=values, minlength=n_contexts)


def _take(values: NDArray[np.generic], ids: NDArray[np.int64]) -> NDArray[np.generic]:
    """values[ids], and 0 where the id is absent."""
    return np.where(ids == _ABSENT, 0, values[ids])


def _estimated_discount(adjusted: NDArray[np.int64]) -> float:
    n_1, n_2 = int(np.sum(adjusted == 1)), int(np.sum(adjusted == 2))
    return n_1 / (n_1 + 2 * n_2) if n_1 else 0.5
