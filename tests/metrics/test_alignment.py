"""The alignment error rate follows Och and Ney (2003)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tasks.grammar import sentence_pairs
from llm_notes.metrics import alignment_error_rate, alignment_scores

LINKS = st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=6)
SENTENCES = st.lists(st.tuples(LINKS, LINKS, LINKS), min_size=1, max_size=4).filter(
    lambda sentences: any(a or s for a, s, _ in sentences)
)


def test_the_error_rate_counts_by_hand():
    predicted = [{(0, 0), (1, 2), (2, 1)}]
    sure, possible = [{(0, 0), (1, 1)}], [{(1, 2)}]
    # A and S share (0, 0); A and P share (0, 0) and (1, 2); |A| = 3, |S| = 2.
    assert alignment_error_rate(predicted, sure, possible) == pytest.approx(1 - 3 / 5)
    scores = alignment_scores(predicted, sure, possible)
    assert scores == pytest.approx((2 / 3, 1 / 2, 4 / 7))


def test_counts_are_summed_over_sentences():
    predicted = [[(0, 0)], [(0, 0), (1, 1), (2, 2)]]
    sure, possible = [[(0, 0)], [(0, 1)]], [[], [(1, 1)]]
    assert alignment_error_rate(predicted, sure, possible) == pytest.approx(1 - 3 / 6)


def test_only_sure_links_are_missed_and_only_impossible_ones_are_wrong():
    assert alignment_error_rate([{(0, 0)}], [{(0, 0)}], [{(0, 0), (1, 1)}]) == 0
    assert alignment_error_rate([{(0, 0), (1, 1)}], [{(0, 0)}], [{(1, 1)}]) == 0
    assert alignment_error_rate([{(2, 2)}], [{(0, 0)}], [{(1, 1)}]) == 1


@given(SENTENCES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_the_rate_is_a_share_and_ignores_the_order_of_sentences(sentences, random):
    rate = alignment_error_rate(*zip(*sentences, strict=True))
    assert 0 <= rate <= 1
    random.shuffle(sentences)
    assert alignment_error_rate(*zip(*sentences, strict=True)) == pytest.approx(rate)


@given(SENTENCES)
@settings(deadline=None, max_examples=80)
def test_without_merely_possible_links_it_is_one_minus_f1(sentences):
    predicted, sure, _ = zip(*sentences, strict=True)
    rate = alignment_error_rate(predicted, sure, sure)
    scores = alignment_scores(predicted, sure, sure)
    # With one side empty, the scores call it right, and there is no F1 to speak of.
    if any(predicted) and any(sure):
        assert rate == pytest.approx(1 - scores.f1)
        assert alignment_error_rate(sure, sure, sure) == 0


def test_nothing_to_get_wrong_is_right():
    assert alignment_scores([[]], [[]], [[]]) == (1, 1, 1)
    assert alignment_scores([[]], [[(0, 0)]], [[]]) == (1, 0, 0)


def test_the_grammars_own_alignments_have_no_error():
    pairs = sentence_pairs(20, seed=3)
    sure, possible = [p.sure for p in pairs], [p.possible for p in pairs]
    assert alignment_error_rate(sure, sure, possible) == 0
    assert alignment_error_rate(possible, sure, possible) == 0
    diagonal = [[(i, i) for i in range(len(p.sure))] for p in pairs]
    assert alignment_error_rate(diagonal, sure, possible) > 0.2


def test_alignments_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="no links, neither sure nor predicted"):
        alignment_error_rate([[], []], [[], []], [[(0, 0)], []])
    with pytest.raises(ValueError, match="2 alignments are to be scored by 1"):
        alignment_error_rate([[], []], [[]], [[], []])
    with pytest.raises(ValueError, match="2 alignments are to be scored by 1"):
        alignment_scores([[], []], [[], []], [[]])
    with pytest.raises(ValueError, match="no alignments"):
        alignment_error_rate([], [], [])
