"""Short answers are compared as SQuAD compares them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.metrics import exact_match, normalise_answer, token_f1


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Cat", "cat"),
        ("an apple, a day!", "apple day"),
        ("theatre", "theatre"),
        ("U.S. well-known", "us wellknown"),
        ("The", ""),
        ("the.a", "thea"),
        ("北京。", "北京。"),
        ("\tTwo\n words ", "two words"),
    ],
)
def test_answers_are_normalised(text, normalised):
    assert normalise_answer(text) == normalised


def test_an_answer_matches_any_of_its_references():
    assert exact_match("the Louvre.", "Louvre") == 1
    assert exact_match("Louvre", ["a museum", "The Louvre"]) == 1
    assert exact_match("Louvre museum", ["a museum", "The Louvre"]) == 0


def test_token_f1_counts_each_word_as_often_as_both_have_it():
    # 2 words in common of 3 given and 4 right.
    assert token_f1("so so good", "so good it is") == pytest.approx(2 * 2 / (3 + 4))
    # precision 1/2 and recall 1: the F1 lies below their mean
    assert token_f1("Paris France", "Paris") == pytest.approx(2 / 3)


def test_the_best_reference_counts():
    assert token_f1("red fox", ["blue", "red fox", "red"]) == 1


@pytest.mark.parametrize(("answer", "f1"), [("the", 1), ("", 1), ("cat", 0)])
def test_an_empty_reference_wants_an_empty_answer(answer, f1):
    assert token_f1(answer, "") == f1
    assert exact_match(answer, "") == f1


@given(st.text("ab .", max_size=8), st.text("ab .", max_size=8))
@settings(deadline=None, max_examples=60)
def test_token_f1_is_symmetric_and_exact_match_implies_it(a, b):
    assert token_f1(a, b) == pytest.approx(token_f1(b, a))
    assert 0 <= token_f1(a, b) <= 1
    assert exact_match(a, b) <= token_f1(a, b)
    assert exact_match(a, a) == token_f1(a, a) == 1


def test_a_question_without_a_reference_is_named():
    with pytest.raises(ValueError, match="no reference"):
        exact_match("a", [])
    with pytest.raises(ValueError, match="no reference"):
        token_f1("a", [])
