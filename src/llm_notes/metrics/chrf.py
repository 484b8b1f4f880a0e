r"""chrF and chrF++: the F-score of character n-grams (Popović 2015, 2017).

$$\mathrm{chrF}_\beta = 100 \cdot (1 + \beta^2)\,
  \frac{P R}{\beta^2 P + R}$$

with P and R the precision and recall of n-grams, averaged over the orders that both
sides are long enough to have. White space does not count, so no tokenisation has to be
chosen, and an ending that is wrong costs less than a word. chrF++ averages over words
and pairs of words as well. As with BLEU, counts are summed before they are divided.
"""

from collections import Counter
from collections.abc import Sequence
from string import punctuation

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_notes.metrics.ngrams import ngram_counts
from llm_notes.metrics.references import References, reference_lists


def chrf_statistics(
    hypotheses: Sequence[str],
    references: Sequence[References],
    char_order: int = 6,
    word_order: int = 0,
    beta: float = 2.0,
) -> NDArray[np.int64]:
    """The counts from which chrF is made, one row for each sentence.

    Args:
        hypotheses: N texts.
        references: for each, a text or a list of texts; the one that gives the best
            chrF of the sentence counts, the first of equals.
        char_order: the longest n-grams of characters.
        word_order: the longest n-grams of words: 0 for chrF, 2 for chrF++.
        beta: recall counts beta times as much as precision when the best is chosen.

    Returns:
        (N, 3 * (char_order + word_order)): for each order the n-grams of the
        hypothesis, of the reference, and those that match. Hypotheses do not count
        in orders that the reference is too short to have.

    Raises:
        ValueError: when both orders are 0 or one is negative, for missing texts, and
            for beta <= 0.
    """
    if min(char_order, word_order) < 0 or char_order + word_order < 1:
        raise ValueError(
            f"char_order = {char_order} and word_order = {word_order}: neither may be "
            "negative, and one must be at least 1"
        )
    rows = []
    for hypothesis, texts in zip(
        hypotheses, reference_lists(hypotheses, references), strict=True
    ):
        counts = _all_ngrams(hypothesis, char_order, word_order)
        candidates = [
            _matches(counts, _all_ngrams(text, char_order, word_order))
            for text in texts
        ]
        scores = chrf_from_statistics(candidates, beta)
        rows.append(candidates[int(scores.argmax())])
    return np.array(rows, dtype=np.int64)


def chrf_from_statistics(statistics: ArrayLike, beta: float = 2.0) -> NDArray:
    """chrF, 0 to 100, of summed statistics (..., 3 * orders): one score each, (...).

    Raises ValueError for a shape that is none of statistics, and for beta <= 0.
    """
    counts = np.asarray(statistics, dtype=float)
    if counts.ndim < 1 or not counts.shape[-1] or counts.shape[-1] % 3:
        raise ValueError(
            f"statistics of chrF are (..., 3 * orders), got shape {counts.shape}"
        )
    if not beta > 0:
        raise ValueError(f"beta is {beta}; the weight of recall must be above 0")
    n_given, n_right, n_match = np.moveaxis(
        counts.reshape(*counts.shape[:-1], -1, 3), -1, 0
    )
    exists = (n_given > 0) & (n_right > 0)  # in the others there is nothing to match
    n_orders = np.maximum(exists.sum(axis=-1), 1)

    def mean_share(whole):
        shares = np.divide(n_match, whole, out=np.zeros_like(whole), where=exists)
        return shares.sum(axis=-1) / n_orders

    precision, recall = mean_share(n_given), mean_share(n_right)
    below = beta**2 * precision + recall
    above = (1 + beta**2) * precision * recall
    return 100 * np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def corpus_chrf(
    hypotheses: Sequence[str],
    references: Sequence[References],
    char_order: int = 6,
    word_order: int = 0,
    beta: float = 2.0,
) -> float:
    """chrF of a corpus, 0 to 100 (chrF++ with word_order = 2); equal to sacreBLEU's.

    Arguments and errors are those of `chrf_statistics`.
    """
    statistics = chrf_statistics(hypotheses, references, char_order, word_order, beta)
    return float(chrf_from_statistics(statistics.sum(axis=0), beta))


def sentence_chrf(
    hypothesis: str,
    references: References,
    char_order: int = 6,
    word_order: int = 0,
    beta: float = 2.0,
) -> float:
    """chrF of one sentence, 0 to 100."""
    return corpus_chrf([hypothesis], [references], char_order, word_order, beta)


def _all_ngrams(text: str, char_order: int, word_order: int) -> list[Counter]:
    characters, words = "".join(text.split()), _words(text)
    return [ngram_counts(characters, n + 1) for n in range(char_order)] + [
        ngram_counts(words, n + 1) for n in range(word_order)
    ]


def _matches(given: list[Counter], right: list[Counter]) -> list[int]:
    return [
        number
        for ours, theirs in zip(given, right, strict=True)
        for number in (
            ours.total() if theirs else 0,
            theirs.total(),
            (ours & theirs).total(),
        )
    ]


def _words(text: str) -> list[str]:
    """Words with one punctuation mark cut off: at the end if there is one, else before.

    Only one of the two is cut off, so "(so)" gives "(so" and ")", as in the original.
    """
    words: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in punctuation:
            words += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in punctuation:
            words += [word[0], word[1:]]
        else:
            words.append(word)
    return words
