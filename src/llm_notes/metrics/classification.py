"""Labels against labels: accuracy, confusion matrix, precision, recall and F1.

Knows no classifier: it takes the labels that were predicted and those that are right,
which may be numbers, strings, or anything else that can be counted.
"""

from collections.abc import Hashable, Iterable, Sequence
from operator import eq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llm_notes.metrics.references import plain_list, require_same_number


class Scores(NamedTuple):
    """Precision, recall and their harmonic mean F1, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


def accuracy(predicted: Iterable[Hashable], expected: Iterable[Hashable]) -> float:
    """The share of labels that are right, 0 to 1.

    Raises ValueError when nothing is given, or not as many of one as of the other.
    """
    predicted, expected = _labels(predicted, expected)
    return sum(map(eq, predicted, expected)) / len(expected)


def confusion_matrix(
    predicted: Iterable[Hashable],
    expected: Iterable[Hashable],
    labels: Sequence[Hashable] | None = None,
) -> tuple[NDArray[np.int64], list[Hashable]]:
    """How often each label was taken for each other.

    Args:
        labels: the C classes and their order. When not given, all that occur, sorted
            (by their text, when they cannot be compared with each other).

    Returns:
        counts (C, C), whose row is the right label and whose column is the predicted
        one, and the list of classes. The diagonal is what was right.

    Raises:
        ValueError: when nothing is given, not as many of one as of the other, when a
            class is listed twice, or when a label is not among `labels`.
    """
    predicted, expected = _labels(predicted, expected)
    occurring = set(predicted) | set(expected)
    if labels is None:
        try:
            classes = sorted(occurring)
        except TypeError:
            classes = sorted(occurring, key=repr)
    else:
        classes = plain_list(labels)
        if len(set(classes)) < len(classes):
            raise ValueError(f"a class is listed twice in labels = {classes}")
        if strange := occurring - set(classes):
            raise ValueError(
                f"no such class in labels: {sorted(map(repr, strange))}; list every "
                "label that occurs, or leave labels out"
            )
    place = {label: index for index, label in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for guess, truth in zip(predicted, expected, strict=True):
        counts[place[truth], place[guess]] += 1
    return counts, classes


def class_scores(
    predicted: Iterable[Hashable],
    expected: Iterable[Hashable],
    zero_division: float = 0.0,
) -> dict[Hashable, Scores]:
    r"""Precision, recall and F1 of every class that occurs.

    $$P = \frac{TP}{TP + FP}, \quad R = \frac{TP}{TP + FN}, \quad
      F_1 = \frac{2 P R}{P + R} = \frac{2\,TP}{2\,TP + FP + FN}$$

    (van Rijsbergen 1979). A class that is never predicted has no precision, and one
    that is never right has no recall: such a 0/0 counts as `zero_division`. F1 has no
    0/0 here, because each class occurs on one side at least.

    Raises ValueError when nothing is given, or not as many of one as of the other.
    """
    counts, classes = confusion_matrix(predicted, expected)
    hits, n_predicted, n_expected = _counts(counts)
    return {
        label: _scores(hits[i], n_predicted[i], n_expected[i], zero_division)
        for i, label in enumerate(classes)
    }


def macro_scores(
    predicted: Iterable[Hashable],
    expected: Iterable[Hashable],
    labels: Sequence[Hashable] | None = None,
    zero_division: float = 0.0,
) -> Scores:
    """The plain mean over classes: a rare class counts as much as a frequent one.

    F1 is the mean of the classes' F1, and not the F1 of the mean precision and recall,
    which can differ by a lot (Opitz and Burst 2019).

    Args:
        labels: the classes that count; all that occur, when not given. One that never
            occurs scores `zero_division` three times.

    Raises ValueError when nothing is given, not as many of one as of the other, or
    when `labels` is empty or lists a class twice.
    """
    scores = class_scores(predicted, expected, zero_division)
    missing = Scores(zero_division, zero_division, zero_division)
    chosen = [scores.get(label, missing) for label in _chosen(labels, scores)]
    return Scores(*np.mean(chosen, axis=0).tolist())


def micro_scores(
    predicted: Iterable[Hashable],
    expected: Iterable[Hashable],
    labels: Sequence[Hashable] | None = None,
    zero_division: float = 0.0,
) -> Scores:
    """The scores of the counts summed over classes: each example counts the same.

    Over all classes, each of the three is the accuracy. They say more when a class is
    left out, such as "no entity" in tagging.

    Args:
        labels: the classes that count; all that occur, when not given.

    Raises ValueError when nothing is given, not as many of one as of the other, or
    when `labels` is empty or lists a class twice.
    """
    counts, classes = confusion_matrix(predicted, expected)
    kept = [classes.index(c) for c in _chosen(labels, classes) if c in classes]
    return _scores(*(n[kept].sum() for n in _counts(counts)), zero_division)


def harmonic_mean(precision: float, recall: float) -> float:
    """F1 of a precision and a recall; 0 where both are 0."""
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def _counts(matrix: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Hits, number predicted and number right of each class, each (C,)."""
    return np.diagonal(matrix), matrix.sum(axis=0), matrix.sum(axis=1)


def _scores(hits, n_predicted, n_expected, zero_division: float) -> Scores:
    def share(part, whole) -> float:
        return float(part / whole) if whole else zero_division

    return Scores(
        share(hits, n_predicted),
        share(hits, n_expected),
        share(2 * hits, n_predicted + n_expected),
    )


def _chosen(labels: Sequence[Hashable] | None, occurring: Iterable) -> list:
    chosen = list(occurring) if labels is None else plain_list(labels)
    if not chosen:
        raise ValueError("labels is empty; name at least one class, or leave it out")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"a class is listed twice in labels = {chosen}")
    return chosen


def _labels(predicted: Iterable, expected: Iterable) -> tuple[list, list]:
    predicted, expected = plain_list(predicted), plain_list(expected)
    require_same_number(predicted, expected, "labels")
    return predicted, expected
