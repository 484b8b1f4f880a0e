"""The tables of a Kneser-Ney model, pruned where asked, and their probabilities.

What is dropped hands its probability to the next shorter context, so all still sum to
one. Knows no file and no page; `web_ngram` writes the tables.
"""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.models.ngram.kneser_ney import KneserNeyNGram

Level = dict[str, NDArray[Any]]


class NGramTables:
    """Sorted tables, one level for each length of n-gram, and what follows from them.

    The n-grams of one context stand together, sorted by their last token. Level n is

        tokens  (ngrams,) last token of each n-gram
        counts  (ngrams,) its adjusted count a; 0 for one that only leads to longer ones
        starts  (contexts + 1,) where the n-grams of each context begin; contexts are
                the n-grams of level n - 1, in their order
        totals  (contexts,) sum of a over all n-grams of a context, dropped ones too;
                0 where none is left

    Args:
        vocab_size: V.
        discounts: for each order the discount of a = 1, 2, ...; the last: and more.
        levels: the levels 1, 2, ... to the order.
    """

    def __init__(
        self,
        vocab_size: int,
        discounts: Sequence[Sequence[float]],
        levels: Sequence[Level],
    ) -> None:
        self.vocab_size, self.discounts, self.levels = vocab_size, discounts, levels

    @classmethod
    def from_model(
        cls, model: KneserNeyNGram, min_count: int = 1, min_gain: float = 0.0
    ) -> Self:
        """The tables of a fitted model, without what is hardly needed.

        Single tokens all stay, and so does the beginning of each n-gram that stays.

        Args:
            model: plain or modified Kneser-Ney.
            min_count: n-grams seen less often than this are dropped.
            min_gain: n-grams that gain fewer nats than this are dropped; see `gains`.

        Raises:
            ValueError: for a `min_count` below 1 or a `min_gain` below 0.
        """
        if min_count < 1:
            raise ValueError(f"min_count is {min_count}; 1 keeps everything")
        if not 0 <= min_gain < math.inf:
            raise ValueError(f"min_gain is {min_gain}; 0 keeps everything")
        counts, levels = model.counts, []
        stays = _what_stays(model, min_count, min_gain)
        for n in range(1, model.order + 1):
            here, contexts = stays[n], stays[n - 1]
            number = np.cumsum(contexts) - 1  # contexts, counted anew
            sizes = np.bincount(
                number[counts.contexts(n)[here]], minlength=int(contexts.sum())
            )
            adjusted = model.adjusted_counts(n)
            totals = counts.sum_by_context(n, adjusted)[contexts].astype(np.int64)
            levels.append(
                {
                    "tokens": counts.keys[n][here] % model.vocab_size,
                    "counts": adjusted[here],
                    "starts": np.append(0, np.cumsum(sizes)),
                    "totals": np.where(sizes > 0, totals, 0),
                }
            )
        return cls(model.vocab_size, _discounts(model), levels)

    def probabilities(self, context: Sequence[int] = ()) -> NDArray[np.float64]:
        """The distribution of the next token, (V,), which sums to one."""
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for n, place in enumerate(self._contexts(context)):
            total = float(self.levels[n]["totals"][place]) if place >= 0 else 0.0
            if not total:
                continue
            level = self.levels[n]
            part = slice(*level["starts"][place : place + 2].tolist())
            kept = _kept(level["counts"][part], self.discounts[n])
            p *= (total - kept.sum()) / total
            p[level["tokens"][part]] += kept / total
        return p

    def log_probabilities(self, token_ids: ArrayLike) -> NDArray[np.float64]:
        """ln p of each token given those before it, (N,), in nats.

        Raises ValueError for ids outside the vocabulary.
        """
        ids = np.asarray(token_ids, dtype=np.int64)
        if ids.size and not 0 <= ids.min() <= ids.max() < self.vocab_size:
            raise ValueError(f"ids lie from 0 to {self.vocab_size - 1}: encode again")
        p = np.full(len(ids), 1 / self.vocab_size)
        contexts = np.zeros(len(ids), np.int64)  # place of each, or -1
        for level, discounts in zip(self.levels, self.discounts, strict=True):
            if not level["tokens"].size:  # all was dropped, and so all longer ones
                break
            sizes = np.diff(level["starts"])
            owner = np.repeat(np.arange(len(sizes)), sizes)
            kept = _kept(level["counts"], discounts)
            total = level["totals"].astype(float)
            passed_on = total - np.bincount(owner, kept, minlength=len(total))
            keys = owner * self.vocab_size + level["tokens"]
            wanted = contexts * self.vocab_size + ids
            places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            # After an absent context `wanted` is negative, and no key is.
            met = keys[places] == wanted
            seen = (contexts >= 0) & (total[contexts] > 0)
            own = np.zeros(len(ids))
            own[met] = kept[places[met]]
            c = contexts[seen]
            p[seen] = (own[seen] + passed_on[c] * p[seen]) / total[c]
            contexts = np.append(-1, np.where(met, places, -1))[:-1]
        return np.log(p)

    def _contexts(self, context: Sequence[int]) -> list[int]:
        """The place of each context of length 0, 1, ..., or -1."""
        found = []
        for length in range(len(self.levels)):
            place = 0 if length <= len(context) else -1
            for n, token in enumerate(context[len(context) - length :]):
                place = self._child(n, place, token) if place >= 0 else -1
            found.append(place)
        return found

    def _child(self, n: int, context: int, token: int) -> int:
        level = self.levels[n]
        start, end = level["starts"][context : context + 2].tolist()
        place = start + int(np.searchsorted(level["tokens"][start:end], token))
        return place if place < end and level["tokens"][place] == token else -1


def gains(model: KneserNeyNGram) -> list[NDArray[np.float64]]:
    r"""How many nats of the training text each n-gram is worth, for each order.

    $$c(hw)\,\ln\frac{p_n(w \mid h)}{\gamma_n(h)\; p_{n-1}(w \mid h')}$$

    with the count c and the share $\gamma_n(h)$ that the context passes on: what the
    text would lose if this n-gram alone were dropped, and $\gamma$ stayed. This is the
    weighted difference of Seymore and Rosenfeld, as Stolcke (1998) gives it.
    """
    counts, found = model.counts, []
    lower = np.full(len(counts.keys[1]), 1 / model.vocab_size)
    for n, discounts in enumerate(_discounts(model), start=1):
        contexts, adjusted = counts.contexts(n), model.adjusted_counts(n)
        kept = _kept(adjusted, discounts)
        total = counts.sum_by_context(n, adjusted)
        left = total - counts.sum_by_context(n, kept)
        nothing = total == 0  # all is passed on
        total, left = np.where(nothing, 1, total), np.where(nothing, 1, left)
        passed_on = left[contexts] / total[contexts] * lower
        p = kept / total[contexts] + passed_on
        found.append(counts.counts[n] * np.log(p / passed_on))
        if n < model.order:
            lower = p[counts.suffixes[n + 1]]
    return found


def _what_stays(
    model: KneserNeyNGram, min_count: int, min_gain: float
) -> list[NDArray[np.bool_]]:
    """For each length 0, 1, ... which n-grams are kept."""
    counts = model.counts
    worth = gains(model)
    stays = [np.ones(len(keys), bool) for keys in counts.keys]
    for n in range(model.order, 1, -1):
        stays[n] = (counts.counts[n] >= min_count) & (worth[n - 1] >= min_gain)
        if n < model.order:
            stays[n][counts.contexts(n + 1)[stays[n + 1]]] = True
    return stays


def _discounts(model: KneserNeyNGram) -> list[list[float]]:
    return [np.atleast_1d(discount).tolist() for discount in model.discounts]


def _kept(adjusted: NDArray[Any], discounts: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted counts less their discount; of 0 nothing is taken."""
    by_count = np.array([0.0, *discounts])
    group = np.minimum(adjusted, len(discounts)).astype(np.int64)
    return adjusted - by_count[group]
