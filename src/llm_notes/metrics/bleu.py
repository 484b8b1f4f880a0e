r"""BLEU: how many n-grams of a translation stand in a reference (Papineni et al. 2002).

$$\mathrm{BLEU} = 100 \cdot \min\bigl(1, e^{1 - r/h}\bigr) \cdot
  \exp\Bigl(\frac1N \sum_{n=1}^{N} \ln p_n\Bigr)$$

with $p_n$ the share of the hypotheses' n-grams that a reference has (each at most as
often as there), h the number of their tokens and r that of the references nearest in
length. Counts are summed over the corpus before they are divided: BLEU of a corpus is
not the mean of its sentences' BLEU. So the work is split in two: integer statistics of
each sentence, and the score of their sum, which `bootstrap` can compute many times.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.metrics.ngrams import ngram_counts
from llm_notes.metrics.references import References, reference_lists
from llm_notes.metrics.scored_tokens import TOKENISATIONS

_SMOOTHING = {"none": 0.0, "floor": 0.1, "add-k": 1.0, "exp": 0.0}


def bleu_statistics(
    hypotheses: Sequence[str],
    references: Sequence[References],
    tokenisation: str = "13a",
    max_order: int = 4,
) -> NDArray[np.int64]:
    """The counts from which BLEU is made, one row for each sentence.

    Args:
        hypotheses: N texts.
        references: for each, a text or a list of texts.
        tokenisation: a name in `TOKENISATIONS`: "13a", "zh", "char" or "none".
        max_order: the longest n-grams counted.

    Returns:
        (N, 2 + 2 * max_order): number of tokens, number of tokens of the nearest
        reference (the shorter of equally near ones), n-grams found in a reference for
        n = 1, 2, ..., and n-grams in all.

    Raises:
        ValueError: for an unknown tokenisation, an order below 1, and texts that are
            missing.
    """
    if tokenisation not in TOKENISATIONS:
        raise ValueError(
            f"no tokenisation {tokenisation!r}; there are {', '.join(TOKENISATIONS)}"
        )
    if max_order < 1:
        raise ValueError(f"max_order is {max_order}; the shortest n-gram has order 1")
    cut = TOKENISATIONS[tokenisation]
    rows = []
    for hypothesis, texts in zip(
        hypotheses, reference_lists(hypotheses, references), strict=True
    ):
        tokens = cut(hypothesis.rstrip())
        right = [cut(text.rstrip()) for text in texts]
        nearest = min((abs(len(r) - len(tokens)), len(r)) for r in right)[1]
        found, total = [], []
        for n in range(1, max_order + 1):
            counts = ngram_counts(tokens, n)
            allowed: Counter = Counter()
            for reference in right:
                allowed |= ngram_counts(reference, n)  # the larger count of each
            found.append((counts & allowed).total())  # clipped
            total.append(counts.total())
        rows.append([len(tokens), nearest, *found, *total])
    return np.array(rows, dtype=np.int64)


def bleu_from_statistics(
    statistics: ArrayLike,
    smoothing: str = "exp",
    smooth_value: float | None = None,
    effective_order: bool = False,
) -> NDArray[np.float64]:
    """BLEU, 0 to 100, of summed statistics (..., 2 + 2 * max_order): one score each.

    Args:
        smoothing: what an order without any match counts (Chen and Cherry 2014):
            "none": 0, and so the whole score; "floor": `smooth_value` matches (0.1);
            "add-k": `smooth_value` (1) is added to matches and totals of all orders
            above 1; "exp": 1/2 match in the first such order, 1/4 in the next, ...
        effective_order: average only over the orders that the hypotheses are long
            enough to have, which single sentences need.

    Returns:
        (...). A text without one matching token scores 0 whatever the smoothing.

    Raises:
        ValueError: for an unknown smoothing, a negative `smooth_value`, or a shape
            that is none of statistics.
    """
    if smoothing not in _SMOOTHING:
        raise ValueError(
            f"no smoothing {smoothing!r}; there are {', '.join(_SMOOTHING)}"
        )
    value = _SMOOTHING[smoothing] if smooth_value is None else smooth_value
    if smooth_value is not None and not smooth_value >= 0:
        raise ValueError(f"smooth_value is {smooth_value}; it must be 0 or above")
    counts = np.asarray(statistics, dtype=float)
    if counts.ndim < 1 or counts.shape[-1] < 4 or counts.shape[-1] % 2:
        raise ValueError(
            f"statistics of BLEU are (..., 2 + 2 * max_order), got shape {counts.shape}"
        )
    max_order = counts.shape[-1] // 2 - 1
    n_tokens, n_right = counts[..., 0], counts[..., 1]
    found, total = counts[..., 2 : 2 + max_order], counts[..., 2 + max_order :]
    some_match = found.any(axis=-1)
    if smoothing == "add-k":
        added = np.where(np.arange(max_order) > 0, value, 0.0)
        found, total = found + added, total + added
    matches = found
    if smoothing == "exp":
        matches = np.where(found == 0, 0.5 ** (found == 0).cumsum(axis=-1), found)
    elif smoothing == "floor":
        matches = np.where(found == 0, value, found)
    exists = total > 0
    # An order that does not exist counts as precision 0, or not at all.
    precision = np.divide(matches, total, out=np.zeros_like(total), where=exists)
    counted = exists if effective_order else np.ones_like(exists)
    with np.errstate(divide="ignore"):
        logs = np.where(counted, np.log(precision), 0.0)
    mean_log = logs.sum(axis=-1) / np.maximum(counted.sum(axis=-1), 1)
    ratio = np.divide(n_right, n_tokens, out=np.ones_like(n_right), where=n_tokens > 0)
    brevity = np.exp(np.minimum(0.0, 1 - ratio))
    return np.where(some_match, 100 * brevity * np.exp(mean_log), 0.0)


def corpus_bleu(
    hypotheses: Sequence[str],
    references: Sequence[References],
    tokenisation: str = "13a",
    max_order: int = 4,
    smoothing: str = "exp",
    smooth_value: float | None = None,
    effective_order: bool = False,
) -> float:
    """BLEU of a corpus, 0 to 100; equal to sacreBLEU's with the same settings.

    Arguments and errors are those of `bleu_statistics` and `bleu_from_statistics`.
    References are listed by hypothesis, and not by set as sacreBLEU takes them.
    """
    statistics = bleu_statistics(hypotheses, references, tokenisation, max_order)
    total = statistics.sum(axis=0)
    return float(bleu_from_statistics(total, smoothing, smooth_value, effective_order))


def sentence_bleu(
    hypothesis: str,
    references: References,
    tokenisation: str = "13a",
    max_order: int = 4,
    smoothing: str = "exp",
    smooth_value: float | None = None,
    effective_order: bool = True,
) -> float:
    """BLEU of one sentence, 0 to 100, by default over the orders that it has."""
    return corpus_bleu(
        [hypothesis],
        [references],
        tokenisation,
        max_order,
        smoothing,
        smooth_value,
        effective_order,
    )
