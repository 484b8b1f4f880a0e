"""Kneser-Ney smoothing: discount each count, share what was taken by variety.

Plain (one discount for each order) and modified (three). It knows no tokenizer and no
neural network.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.models.ngram.base import NGramModel
from llm_notes.models.ngram.counts import ABSENT, take


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

    Attributes:
        discounts: D_1 ... D_n, once fitted.
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
        # One entry for each order: what n-grams keep of their (adjusted) count, what
        # their contexts withhold from all of them together, and the sum of both.
        self._kept, self._withheld, self._totals = [], [], []
        discounts = []
        for n in range(1, self.order + 1):
            adjusted = self.adjusted_counts(n)
            discounts.append(self._estimated_discounts(adjusted))
            by_count = np.atleast_1d(discounts[-1])  # for a = 1, 2, ...; the last: more
            kept, withheld = adjusted.astype(float), 0.0
            for r, discount in enumerate(by_count, start=1):
                group = adjusted >= r if r == len(by_count) else adjusted == r
                kept[group] -= discount
                withheld = withheld + discount * self.counts.sum_by_context(n, group)
            self._kept.append(kept)
            self._withheld.append(withheld)
            self._totals.append(self.counts.sum_by_context(n, adjusted))
        self.discounts = tuple(discounts)
        return self

    def adjusted_counts(self, n: int) -> NDArray[np.int64]:
        """$a_n$ of each n-gram of length n: its count, or what precedes it."""
        if n == self.order:
            return self.counts.counts[n]
        # Every distinct longer n-gram is one more token seen in front of its suffix.
        return np.bincount(
            self.counts.suffixes[n + 1], minlength=len(self.counts.keys[n])
        )

    def _estimated_discounts(
        self, adjusted: NDArray[np.int64]
    ) -> float | tuple[float, ...]:
        """One discount for all counts, or one for each of 1, 2, ... "and more"."""
        if self.discount is not None:
            return self.discount
        n_1, n_2 = (int(np.sum(adjusted == r)) for r in (1, 2))
        return n_1 / (n_1 + 2 * n_2) if n_1 else 0.5

    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for n, context in enumerate(contexts, start=1):
            if context == ABSENT or self._totals[n - 1][context] == 0:
                continue
            total = self._totals[n - 1][context]
            ids = self.counts.followers(n, context)
            tokens = self.counts.keys[n][ids] % self.vocab_size
            p *= self._withheld[n - 1][context] / total
            p[tokens] += self._kept[n - 1][ids] / total
        return p

    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        p = np.full(len(levels[0]) - 1, 1 / self.vocab_size)
        for n in range(1, self.order + 1):
            contexts, ngrams = levels[n - 1][:-1], levels[n][1:]
            kept = take(self._kept[n - 1], ngrams)
            passed_on = take(self._withheld[n - 1], contexts) * p
            total = take(self._totals[n - 1], contexts)
            seen = total > 0
            p[seen] = (kept[seen] + passed_on[seen]) / total[seen]
        return p


class ModifiedKneserNeyNGram(KneserNeyNGram):
    r"""Kneser-Ney with three discounts for each order, by how often a thing was seen.

    As `KneserNeyNGram`, with $D_n$ replaced by $D_n(a)$ for n-grams with $a_n = 1$, 2,
    and 3 or more; the share that a context passes on becomes

    $$\frac{D_n(1)\, T_{n,1}(h) + D_n(2)\, T_{n,2}(h) + D_n(3)\, T_{n,3+}(h)}
      {\sum_{w'} a_n(hw')}$$

    where $T_{n,r}(h)$ counts the tokens $w$ with $a_n(hw) = r$. With $n_r$ as above and
    $Y = n_1 / (n_1 + 2 n_2)$, the discounts are estimated as

    $$D_n(r) = r - (r + 1)\, Y\, \frac{n_{r+1}}{n_r}, \qquad r = 1, 2, 3$$

    Source: Chen and Goodman (1999). Where $n_1$, $n_2$ or $n_3$ is 0 or a discount is
    not positive, as happens with small vocabularies, the order takes 1/2, 1 and 3/2,
    the fall-back of KenLM (Heafield et al. 2013).

    Args:
        order, vocab_size: see `NGramModel`.

    Attributes:
        discounts: a triple for each order, once fitted.
    """

    FALL_BACK = (0.5, 1.0, 1.5)

    def __init__(self, order: int, vocab_size: int) -> None:
        super().__init__(order, vocab_size)

    def _estimated_discounts(self, adjusted: NDArray[np.int64]) -> tuple[float, ...]:
        n = [int(np.sum(adjusted == r)) for r in range(5)]  # n[r] is n_r
        if 0 in n[1:4]:
            return self.FALL_BACK
        y = n[1] / (n[1] + 2 * n[2])
        discounts = tuple(r - (r + 1) * y * n[r + 1] / n[r] for r in (1, 2, 3))
        return discounts if min(discounts) > 0 else self.FALL_BACK
