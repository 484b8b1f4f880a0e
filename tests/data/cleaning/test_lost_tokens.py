import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning import lost_tokens
from llm_notes.data.corpus import python_reference


def test_words_and_runs_of_marks_are_counted():
    lost = lost_tokens("The cat, not the dog: f(x)[0]!")
    # The cat , not the dog : f ( x )[ 0 ]!
    assert (lost.n_tokens, lost.n_function_words, lost.n_marks) == (13, 3, 5)
    assert lost.function_word_share == pytest.approx(3 / 13)
    assert lost.mark_share == pytest.approx(5 / 13)


def test_a_contraction_is_one_function_word_with_either_apostrophe():
    lost = lost_tokens("DON'T say it’s Ann's well")
    assert (lost.n_tokens, lost.n_function_words, lost.n_marks) == (5, 2, 0)
    # A quotation mark stands before a word, and a French article before its noun.
    assert lost_tokens("say 'the cat' l'homme").n_marks == 3


def test_vowel_signs_and_joiners_are_no_marks():
    assert lost_tokens("हिन्दी می‌خواهم").n_marks == 0


def test_another_language_brings_its_own_function_words():
    lost = lost_tokens("我们的模型，好的", function_words={"的"})
    assert (lost.n_tokens, lost.n_function_words, lost.n_marks) == (8, 2, 1)


def test_an_empty_text_loses_nothing():
    assert lost_tokens("").function_word_share == lost_tokens(" ").mark_share == 0


@settings(deadline=None)
@given(st.text())
def test_what_is_lost_is_part_of_the_text(text):
    lost = lost_tokens(text)
    assert 0 <= lost.n_function_words + lost.n_marks <= lost.n_tokens


def test_a_third_and_more_of_the_reference_would_be_destroyed():
    lost = lost_tokens(python_reference().train)
    assert 0.25 < lost.function_word_share < 0.35
    assert 0.2 < lost.mark_share < 0.35
