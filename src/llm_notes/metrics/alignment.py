r"""Word alignments: which words translate each other, scored by a person's links.

People mark some links as *sure* (S) and others as only *possible* (P, which holds S):
a link that is missing counts as wrong where it was sure, and a link too many where it
was not even possible (Och and Ney 2003). Knows no words, only pairs of their places.
"""

from collections.abc import Collection, Sequence

from llm_notes.metrics.classification import Scores, harmonic_mean
from llm_notes.metrics.references import require_same_number

Links = Collection[tuple[int, int]]


def alignment_error_rate(
    predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]
) -> float:
    r"""The alignment error rate of a corpus, 0 (best) to 1.

    $$\mathrm{AER} = 1 - \frac{|A \cap S| + |A \cap P|}{|A| + |S|}$$

    with the counts summed over sentences.

    Args:
        predicted: for each sentence pair, links (i, j) from word i to word j.
        sure: the links that must be there.
        possible: the links that may be there; sure ones count as possible, listed or
            not.

    Raises:
        ValueError: when the three do not have the same number of sentences, or none,
            or when there are neither sure nor predicted links.
    """
    n_sure_hits, n_possible_hits, n_predicted, n_sure = _counts(
        predicted, sure, possible
    )
    if not n_predicted + n_sure:
        raise ValueError("there are no links, neither sure nor predicted: 0 of 0")
    return 1 - (n_sure_hits + n_possible_hits) / (n_predicted + n_sure)


def alignment_scores(
    predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]
) -> Scores:
    r"""Precision $|A \cap P| / |A|$, recall $|A \cap S| / |S|$, and their F1.

    Precision is 1 when nothing was predicted, and recall when nothing was sure: there
    was nothing to get wrong. Where S = P and neither is empty, F1 is 1 - AER.
    Arguments are those of `alignment_error_rate`.

    Raises ValueError when the three do not have the same number of sentences, or none.
    """
    n_sure_hits, n_possible_hits, n_predicted, n_sure = _counts(
        predicted, sure, possible
    )
    precision = n_possible_hits / n_predicted if n_predicted else 1.0
    recall = n_sure_hits / n_sure if n_sure else 1.0
    return Scores(precision, recall, harmonic_mean(precision, recall))


def _counts(
    predicted: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]
) -> tuple[int, int, int, int]:
    """|A ∩ S|, |A ∩ P|, |A| and |S|, summed over sentences."""
    require_same_number(predicted, sure, "alignments")
    require_same_number(predicted, possible, "alignments")
    rows = []
    for a, s, p in zip(predicted, sure, possible, strict=True):
        a, s = set(a), set(s)
        p = s | set(p)
        rows.append((len(a & s), len(a & p), len(a), len(s)))
    return tuple(map(sum, zip(*rows, strict=True)))
