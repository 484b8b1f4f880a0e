"""Precision, recall and F1 equal their formulas, whatever the labels are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import (
    Scores,
    accuracy,
    class_scores,
    confusion_matrix,
    macro_scores,
    micro_scores,
)

PREDICTED = ["cat", "cat", "dog", "fox", "cat", "dog", "cat"]
EXPECTED = ["cat", "dog", "dog", "dog", "cat", "cat", "emu"]
LABELS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20
)


def test_accuracy_is_the_share_that_is_right():
    assert accuracy(PREDICTED, EXPECTED) == pytest.approx(3 / 7)


def test_rows_of_the_confusion_matrix_are_right_and_columns_predicted():
    counts, classes = confusion_matrix(PREDICTED, EXPECTED)
    assert classes == ["cat", "dog", "emu", "fox"]
    assert counts.tolist() == [[2, 1, 0, 0], [1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_confusion_matrix_takes_the_order_that_is_given():
    counts, classes = confusion_matrix([1, 0, 1], [1, 1, 0], labels=[1, 2, 0])
    assert classes == [1, 2, 0]
    assert counts.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_scores_of_a_class_count_by_hand():
    scores = class_scores(PREDICTED, EXPECTED)
    assert scores["cat"] == pytest.approx(Scores(2 / 4, 2 / 3, 4 / 7))
    assert scores["dog"] == pytest.approx(Scores(1 / 2, 1 / 3, 2 / 5))


def test_what_is_never_predicted_or_never_right_scores_as_asked():
    assert class_scores(PREDICTED, EXPECTED)["emu"] == Scores(0, 0, 0)
    scores = class_scores(PREDICTED, EXPECTED, zero_division=1.0)
    assert scores["emu"] == Scores(1, 0, 0)
    assert scores["fox"] == Scores(0, 1, 0)


def test_macro_f1_is_the_mean_of_f1_and_not_the_f1_of_the_means():
    scores = macro_scores(PREDICTED, EXPECTED)
    assert scores.f1 == pytest.approx((4 / 7 + 2 / 5) / 4)
    assert scores.precision == pytest.approx((1 / 2 + 1 / 2) / 4)
    assert scores.recall == pytest.approx((2 / 3 + 1 / 3) / 4)


def test_averages_over_some_classes_leave_the_others_out():
    macro = macro_scores(PREDICTED, EXPECTED, labels=["cat", "dog"])
    assert macro.f1 == pytest.approx((4 / 7 + 2 / 5) / 2)
    micro = micro_scores(PREDICTED, EXPECTED, labels=["cat", "dog"])
    assert micro == pytest.approx(Scores(3 / 6, 3 / 6, 3 / 6))
    rare = micro_scores(PREDICTED, EXPECTED, labels=["dog", "fox"])
    assert rare == pytest.approx(Scores(1 / 3, 1 / 3, 1 / 3))
    absent = macro_scores(PREDICTED, EXPECTED, labels=["cat", "yak"], zero_division=1)
    assert absent.f1 == pytest.approx((4 / 7 + 1) / 2)
    assert micro_scores(PREDICTED, EXPECTED, labels=["yak"]) == Scores(0, 0, 0)


@given(LABELS)
@settings(deadline=None, max_examples=60)
def test_micro_scores_over_all_classes_are_the_accuracy(pairs):
    predicted, expected = zip(*pairs, strict=True)
    right = accuracy(predicted, expected)
    assert micro_scores(predicted, expected) == pytest.approx(
        Scores(right, right, right)
    )


@given(LABELS, st.permutations(range(4)), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_neither_names_of_classes_nor_order_of_examples_matter(pairs, names, random):
    renamed = [(names[a], names[b]) for a, b in pairs]
    random.shuffle(renamed)
    before, after = list(zip(*pairs, strict=True)), list(zip(*renamed, strict=True))
    assert macro_scores(*before) == pytest.approx(macro_scores(*after))
    assert accuracy(*before) == pytest.approx(accuracy(*after))


@given(LABELS)
@settings(deadline=None, max_examples=60)
def test_exchanging_the_two_sides_exchanges_precision_and_recall(pairs):
    predicted, expected = zip(*pairs, strict=True)
    there, back = class_scores(predicted, expected), class_scores(expected, predicted)
    for label, scores in there.items():
        assert all(0 <= score <= 1 for score in scores)
        assert back[label] == Scores(scores.recall, scores.precision, scores.f1)


@given(st.lists(st.text(max_size=2), min_size=1, max_size=9))
@settings(deadline=None, max_examples=30)
def test_the_right_labels_score_one(labels):
    assert accuracy(labels, labels) == 1
    assert macro_scores(labels, labels) == Scores(1, 1, 1)


def test_arrays_tensors_and_mixed_labels_are_labels_too():
    predicted, expected = [2, 0, 2], [2, 2, 0]
    for kind in (np.array, torch.tensor):
        assert accuracy(kind(predicted), kind(expected)) == pytest.approx(1 / 3)
        assert set(class_scores(kind(predicted), kind(expected))) == {0, 2}
        # As they come from argmax, one by one.
        one_by_one = [kind(label) for label in predicted]
        assert accuracy(one_by_one, kind(expected)) == pytest.approx(1 / 3)
        assert set(class_scores(one_by_one, expected)) == {0, 2}
    assert confusion_matrix([None, 1], ["a", 1])[1] == ["a", 1, None]


def test_labels_that_cannot_be_scored_are_named():
    with pytest.raises(ValueError, match="2 labels are to be scored by 1"):
        accuracy([1, 2], [1])
    with pytest.raises(ValueError, match="no labels"):
        micro_scores([], [])
    with pytest.raises(ValueError, match="no such class in labels: \\['2'\\]"):
        confusion_matrix([1, 2], [1, 1], labels=[1])
    with pytest.raises(ValueError, match="listed twice"):
        confusion_matrix([1, 2], [1, 1], labels=[1, 2, 1])
    with pytest.raises(ValueError, match="listed twice"):
        macro_scores([1, 2], [1, 1], labels=[1, 1])
    with pytest.raises(ValueError, match="labels is empty"):
        micro_scores([1, 2], [1, 1], labels=[])


def test_classes_may_be_listed_by_a_tensor():
    predicted, expected, labels = [0, 1, 1], [0, 1, 0], torch.arange(2)
    for score in (macro_scores, micro_scores):
        with_list = score(predicted, expected, labels=[0, 1])
        assert score(predicted, expected, labels=labels) == with_list
    counts, classes = confusion_matrix(predicted, expected, labels=labels)
    assert counts.tolist() == [[1, 1], [0, 1]]
    assert classes == [0, 1]
