"""GPT-2's words against the pattern itself, and the places where a text may be cut."""

import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers.pre_tokenisation import (
    WHITE_SPACE,
    last_word_end,
    split_words,
)
from llm_notes.parity.tokenizers import GPT2_PATTERN

# What a text from this Python and a newer Unicode version both know alike.
known_characters = st.characters(exclude_categories=["Cs", "Cn", "Co"])
close_texts = st.text(alphabet="ab 's1!\n\t中\x1c\u3000🙂", max_size=30)


@settings(deadline=None)
@given(st.text(alphabet=known_characters))
@example("\r\n\x1c \x1c\x85\u180e\u200b\u2028 \u00a0x")
def test_words_are_those_of_the_gpt2_pattern(text):
    regex = pytest.importorskip("regex")
    assert split_words(text) == regex.findall(GPT2_PATTERN, text)


def test_every_character_is_of_the_class_that_regex_gives_it():
    regex = pytest.importorskip("regex")
    # Whether a word goes on or a new one begins tells the class of a character.
    text = "".join(
        f"a{character}1{character}!{character} "
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) not in ("Cn", "Co", "Cs")
    )
    assert split_words(text) == regex.findall(GPT2_PATTERN, text)


@settings(deadline=None)
@given(st.text())
def test_words_put_together_are_the_text(text):
    assert "".join(split_words(text)) == text


def test_the_white_space_is_that_of_unicode():
    regex = pytest.importorskip("regex")
    every_character = "".join(map(chr, range(sys.maxunicode + 1)))
    assert list(WHITE_SPACE) == regex.findall(r"\s", every_character)


@settings(deadline=None)
@given(close_texts, close_texts, st.integers(0, 30), st.integers(0, 30))
@example("a  b", "", 0, 2)
@example("it", "s", 0, 2)
def test_a_cut_at_the_end_of_a_word_changes_no_word(text, following, start, end):
    end = min(end, len(text))
    start = min(start, end)
    cut = last_word_end(text, start, end)
    assert start <= cut <= end
    whole = text[start:] + following
    here = cut - start
    assert split_words(whole) == split_words(whole[:here]) + split_words(whole[here:])


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("one two three", 0, 13, 7),
        ("one two three", 0, 6, 3),
        ("one two three", 0, 7, 7),
        ("one two \t\n", 0, 10, 7),
        ("one", 0, 3, 0),
        ("one two three", 4, 6, 4),
        ("one two three", 3, 6, 3),
        ("  one", 0, 5, 0),
        ("one\x1ctwo", 0, 7, 0),
        ("", 0, 0, 0),
    ],
)
def test_the_last_end_of_a_word_is_found(text, start, end, expected):
    assert last_word_end(text, start, end) == expected
