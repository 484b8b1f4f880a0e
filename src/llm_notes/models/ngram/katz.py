"""Katz back-off: trust a context where it was seen, ask a shorter one where it was not.

It knows no tokenizer and no neural network.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.models.ngram.base import NGramModel
from llm_notes.models.ngram.counts import ABSENT, take


class KatzNGram(NGramModel):
    r"""Back-off with Good-Turing discounts (Katz 1987).

    $$p_n(w \mid h) = \begin{cases}
      d_{c(hw)}\, c(hw) / c(h) & c(hw) > 0 \\
      \alpha(h)\, p_{n-1}(w \mid h') & c(hw) = 0
      \end{cases} \qquad p_0(w) = \frac1V$$

    where $c(h) = \sum_w c(hw)$ and $h'$ is $h$ without its first token. What the
    discounts take away goes to the unseen tokens:

    $$\alpha(h) = \frac{1 - \sum_{w:\, c(hw) > 0} p_n(w \mid h)}
      {1 - \sum_{w:\, c(hw) > 0} p_{n-1}(w \mid h')}$$

    and $\alpha(h) = 1$ for a context that was never seen. Counts above k are trusted;
    with $n_r$ the number of n-grams of this length that occur r times,

    $$d_r = \frac{\frac{r^*}{r} - \frac{(k+1)\, n_{k+1}}{n_1}}
      {1 - \frac{(k+1)\, n_{k+1}}{n_1}}, \qquad
      r^* = (r + 1) \frac{n_{r+1}}{n_r}, \qquad 1 \le r \le k$$

    Three cases that the formulas leave open:

    - Where a $d_r$ falls outside $(0, 1]$ or an $n_r$ is 0, the order takes the
      largest smaller k for which all is well; k = 0 trusts every count. (k = 1 never
      works: the formula gives $d_1 = 0$.)
    - Where no follower of a context was discounted, nothing is left for the unseen;
      c(h) is then taken to be one more, as in SRILM (Stolcke 2002).
    - Where all V tokens follow a context, nobody is there to take what the discounts
      left; the discounted counts are then divided by their own sum.

    Args:
        order, vocab_size: see `NGramModel`.
        trusted_above: k >= 0; Katz recommends 5.

    Attributes:
        discounts: for each order the $d_1 \dots d_k$ it found, once fitted.
    """

    def __init__(self, order: int, vocab_size: int, trusted_above: int = 5) -> None:
        super().__init__(order, vocab_size)
        if trusted_above < 0:
            raise ValueError(f"trusted_above is {trusted_above}; it must be 0 or more")
        self.trusted_above = trusted_above

    def fit(self, token_ids: ArrayLike) -> Self:
        super().fit(token_ids)
        discounts = []
        # One entry for each order: p of the n-grams seen, and alpha of their contexts.
        self._seen, self._alphas = [], []
        below = np.array(
            [1 / self.vocab_size]
        )  # what the order below gives its n-grams
        for n in range(1, self.order + 1):
            counts = self.counts.counts[n]
            d = _good_turing_discounts(counts, self.trusted_above)
            kept = counts * np.append(d, 1.0)[np.minimum(counts - 1, len(d))]
            discounts.append(tuple(float(x) for x in d))

            kept_by_context = self.counts.sum_by_context(n, kept)
            total = self.counts.sum_by_context(n, counts)
            followers = np.bincount(self.counts.contexts(n), minlength=len(total))
            total[total == kept_by_context] += 1
            is_full = followers == self.vocab_size
            total[is_full] = kept_by_context[is_full]

            left = 1 - kept_by_context / total
            # What the shorter context gives to all but the same followers.
            unseen = 1 - self.counts.sum_by_context(n, below[self.counts.suffixes[n]])
            alphas = np.ones(len(total))  # a context that ends the text has no follower
            has_unseen = (followers > 0) & ~is_full
            alphas[has_unseen] = left[has_unseen] / unseen[has_unseen]
            below = kept / total[self.counts.contexts(n)]
            self._seen.append(below)
            self._alphas.append(alphas)
        self.discounts = tuple(discounts)
        return self

    def _distribution(self, contexts: list[int]) -> NDArray[np.float64]:
        p = np.full(self.vocab_size, 1 / self.vocab_size)
        for n, context in enumerate(contexts, start=1):
            if context == ABSENT:
                break  # every longer context is absent too
            ids = self.counts.followers(n, context)
            tokens = self.counts.keys[n][ids] % self.vocab_size
            p *= self._alphas[n - 1][context]
            p[tokens] = self._seen[n - 1][ids]
        return p

    def _score(self, levels: list[NDArray[np.int64]]) -> NDArray[np.float64]:
        p = np.full(len(levels[0]) - 1, 1 / self.vocab_size)
        for n in range(1, self.order + 1):
            contexts, ngrams = levels[n - 1][:-1], levels[n][1:]
            backed_off = np.where(
                contexts == ABSENT, p, take(self._alphas[n - 1], contexts) * p
            )
            p = np.where(ngrams == ABSENT, backed_off, take(self._seen[n - 1], ngrams))
        return p


def _good_turing_discounts(
    counts: NDArray[np.int64], trusted_above: int
) -> NDArray[np.float64]:
    """d_1 ... d_k for the largest k <= trusted_above that gives each in (0, 1]."""
    n = np.bincount(np.minimum(counts, trusted_above + 2), minlength=trusted_above + 3)
    for k in range(trusted_above, 0, -1):
        r = np.arange(1, k + 1)
        trusted = (k + 1) * n[k + 1]
        if (n[r] == 0).any() or trusted >= n[1]:
            continue
        ratio = (r + 1) * n[r + 1] / (r * n[r])  # r* / r
        d = (ratio - trusted / n[1]) / (1 - trusted / n[1])
        if ((d > 0) & (d <= 1)).all():
            return d
    return np.zeros(0)
