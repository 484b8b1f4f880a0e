r"""ROUGE: how much of a reference summary stands in a summary (Lin 2004).

ROUGE-N counts n-grams, ROUGE-L the longest common subsequence, which may have gaps;
ROUGE-Lsum takes the union of such subsequences over sentences. No stemming. Each gives
precision, recall and F1; it was made for recall, and papers mostly print F1.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from llm_notes.metrics.classification import Scores, harmonic_mean
from llm_notes.metrics.ngrams import ngram_counts
from llm_notes.metrics.references import References, reference_list

Tokenise = Callable[[str], list[str]]


def rouge_words(text: str) -> list[str]:
    """The tokens of the original: runs of a to z and 0 to 9, in lower case.

    All else is dropped, which leaves nothing of a Chinese text and cuts "naïve" in
    two. Pass another `tokenise`, such as `list`, for texts that are not English.
    """
    return re.findall("[a-z0-9]+", text.lower())


def rouge_n(
    summary: str,
    references: References,
    n: int = 1,
    tokenise: Tokenise = rouge_words,
) -> Scores:
    r"""ROUGE-N: the overlap of n-grams, each counted as often as it is in both.

    $$R_n = \frac{\sum_g \min(c_{\mathrm{sum}}(g), c_{\mathrm{ref}}(g))}
      {\sum_g c_{\mathrm{ref}}(g)}$$

    and precision with the summary's count below the line. A text too short for one
    n-gram scores 0.

    Args:
        references: a reference summary, or several: the one with the best F1 counts.

    Raises:
        ValueError: for n below 1, and when there is no reference.
    """
    if n < 1:
        raise ValueError(f"n is {n}; the shortest n-gram has length 1")

    def score(reference: str) -> Scores:
        given, right = (
            ngram_counts(tokenise(text), n) for text in (summary, reference)
        )
        return _scores((given & right).total(), given.total(), right.total())

    return _best(map(score, reference_list(references)))


def rouge_l(
    summary: str, references: References, tokenise: Tokenise = rouge_words
) -> Scores:
    """ROUGE-L: the longest common subsequence of the two texts, sentences ignored.

    Args:
        references: a reference summary, or several: the one with the best F1 counts.

    Raises ValueError when there is no reference.
    """

    def score(reference: str) -> Scores:
        given, right = tokenise(summary), tokenise(reference)
        return _scores(len(_common(right, given)), len(given), len(right))

    return _best(map(score, reference_list(references)))


def rouge_lsum(
    summary: str, references: References, tokenise: Tokenise = rouge_words
) -> Scores:
    r"""ROUGE-L of summaries of several sentences, one on each line.

    For each sentence of the reference, its tokens in a longest common subsequence with
    *any* sentence of the summary are hits (Lin 2004, section 3.2). As in the original
    program, a token is a hit at most as often as each of the texts has it.

    Args:
        summary: sentences separated by "\n".
        references: a reference summary, or several: the one with the best F1 counts.

    Raises ValueError when there is no reference.
    """

    def score(reference: str) -> Scores:
        given = [tokenise(line) for line in summary.split("\n")]
        right = [tokenise(line) for line in reference.split("\n")]
        left = Counter(t for s in given for t in s) & Counter(
            t for s in right for t in s
        )
        n_hits = 0
        for sentence in right:
            places = {i for other in given for i in _common(sentence, other)}
            for place in places:
                if left[sentence[place]] > 0:
                    left[sentence[place]] -= 1
                    n_hits += 1
        return _scores(n_hits, sum(map(len, given)), sum(map(len, right)))

    return _best(map(score, reference_list(references)))


def _common(right: Sequence[str], given: Sequence[str]) -> list[int]:
    """Places in `right` of one longest common subsequence, the last first.

    There may be several; ROUGE-Lsum depends on which one is taken, and this is the
    original's: walking back from the ends, it skips a token of `right` unless skipping
    one of `given` leaves more in common.
    """
    lengths = [[0] * (len(given) + 1) for _ in range(len(right) + 1)]
    for i, token in enumerate(right):
        for j, other in enumerate(given):
            lengths[i + 1][j + 1] = (
                lengths[i][j] + 1
                if token == other
                else max(lengths[i][j + 1], lengths[i + 1][j])
            )
    places: list[int] = []
    i, j = len(right), len(given)
    while i and j:
        if right[i - 1] == given[j - 1]:
            i, j = i - 1, j - 1
            places.append(i)
        elif lengths[i][j - 1] > lengths[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places


def _scores(n_hits: int, n_given: int, n_right: int) -> Scores:
    precision = n_hits / n_given if n_given else 0.0
    recall = n_hits / n_right if n_right else 0.0
    return Scores(precision, recall, harmonic_mean(precision, recall))


def _best(scores) -> Scores:
    return max(scores, key=lambda score: score.f1)
