"""A vote is counted, and a tie is broken the same way each time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notes.inference.voting import best_of, majority_vote, self_consistency


def test_the_most_frequent_answer_wins_and_its_share_counts_all_samples():
    vote = majority_vote(["7", "8", None, "8"])
    assert vote.answer == "8"
    assert list(vote.counts.items()) == [("8", 2), ("7", 1)]
    assert vote.n_samples == 4
    assert vote.share == 0.5


def test_a_tie_goes_to_the_larger_sum_of_log_probabilities():
    assert majority_vote(["a", "b", "b", "a"], [-1, -1, -2, -4]).answer == "b"
    assert majority_vote(["a", "b", "b", "a"], [-4, -1, -2, -1]).answer == "b"
    # Not to the one with the largest single value, and not against the count.
    assert majority_vote(["a", "b", "a"], [-50.0, -1.0, -50.0]).answer == "a"


def test_a_tie_of_all_goes_to_the_first():
    assert majority_vote(["b", "a"]).answer == "b"
    assert majority_vote(["b", "a"], [-2.0, -2.0]).answer == "b"


def test_no_answer_at_all_has_no_winner():
    vote = majority_vote([None, None])
    assert (vote.answer, vote.counts, vote.share) == (None, {}, 0.0)


@given(st.lists(st.sampled_from([None, "x", "y", 3]), min_size=1, max_size=12))
def test_counts_are_those_of_the_answers(answers):
    vote = majority_vote(answers)
    given_answers = [a for a in answers if a is not None]
    assert vote.counts == {a: answers.count(a) for a in given_answers}
    assert vote.counts.get(vote.answer, 0) == max(vote.counts.values(), default=0)
    assert next(iter(vote.counts), None) == vote.answer


def test_self_consistency_samples_extracts_and_votes():
    texts = ["so it is 12", "no idea", "thus 5", "hence 12"]

    def extract(text):
        return int(text.split()[-1]) if text[-1].isdigit() else None

    vote = self_consistency(lambda seed: (texts[seed], -1.0), extract, 4)
    assert (vote.answer, vote.counts, vote.share) == (12, {12: 2, 5: 1}, 0.5)


def test_self_consistency_breaks_ties_by_the_samples_probability():
    samples = [("a", -3.0), ("b", -2.0)]
    assert self_consistency(samples.__getitem__, str, 2).answer == "b"


def test_best_of_takes_the_first_of_the_highest_scores():
    assert best_of(["aa", "b", "cc"], len) == ("aa", 2.0)
    assert best_of([3, 1, 2], lambda x: -x) == (1, -1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: majority_vote([]), "no answers"),
        (lambda: majority_vote(["a"], [-1.0, -2.0]), "1 answers and 2 log-prob"),
        (lambda: self_consistency(lambda s: ("", 0.0), str, 0), "n_samples must"),
        (lambda: best_of([], len), "no candidates"),
        (lambda: best_of(["a"], lambda c: math.nan), "not a number"),
    ],
)
def test_what_cannot_be_decided_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
