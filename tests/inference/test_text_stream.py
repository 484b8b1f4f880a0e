"""Text comes in whole characters, and nothing of a stop string ever comes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers import (
    BytePairTokenizer,
    CharacterTokenizer,
    UnigramTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.inference.text_stream import TextStream

letters = CharacterTokenizer("abc€ ", ("<|end|>",))
pairs = BytePairTokenizer.train("abc abc €€ aab", 262, ("<|end|>",))


def pieces_of(tokenizer, token_ids, stop=()):
    stream = TextStream(tokenizer, stop)
    pieces = [stream.add(token_id) for token_id in token_ids]
    return [*pieces, stream.end()], stream


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 261), max_size=30))
def test_pieces_join_to_what_decode_gives(token_ids):
    pieces, _ = pieces_of(pairs, token_ids)
    assert "".join(pieces) == pairs.decode(token_ids, skip_special=True)


def test_half_a_character_waits_for_its_other_half():
    tokenizer = BytePairTokenizer.train("a", 256)
    pieces, _ = pieces_of(tokenizer, tokenizer.encode("€"))
    assert pieces == ["", "", "€", ""]


@settings(deadline=None, max_examples=100)
@given(
    st.text("abc", max_size=20),
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_text_ends_before_the_stop_that_is_complete_first(text, stop):
    pieces, stream = pieces_of(letters, letters.encode(text), stop)
    ends = [(text.index(s) + len(s), text.index(s)) for s in stop if s in text]
    assert "".join(pieces) == (text[: min(ends)[1]] if ends else text)
    assert stream.stopped == bool(ends)
    assert stream.n_given == len("".join(pieces))


def test_only_what_a_stop_may_begin_with_is_held_back():
    pieces, _ = pieces_of(letters, letters.encode("aabab"), ["abc"])
    assert pieces == ["", "a", "", "ab", "", "ab"]


TEXT = "the cat sat on a mat, 日é € [1, 2] the cat"
TOKENIZERS = {
    "unigram": UnigramTokenizer.train(TEXT, 300, ["<|end|>"]),
    "word pieces": WordPieceTokenizer.train(TEXT, 60, ["[UNK]", "<|end|>"]),
    "words": WordTokenizer.train(TEXT, 60, ["[UNK]", "<|end|>"]),
}


@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(deadline=None, max_examples=60)
@given(choices=st.lists(st.integers(0, 10**6), max_size=12))
def test_pieces_of_tokens_that_depend_on_those_before_join_too(kind, choices):
    tokenizer = TOKENIZERS[kind]
    token_ids = [choice % tokenizer.vocab_size for choice in choices]
    pieces, _ = pieces_of(tokenizer, token_ids)
    assert "".join(pieces) == tokenizer.decode(token_ids, skip_special=True)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 261), max_size=20),
    st.lists(st.text("ab€ \ufffd", min_size=1, max_size=3), max_size=3),
)
def test_with_bytes_and_stops_text_is_what_decoding_all_and_cutting_gives(ids, stop):
    pieces, stream = pieces_of(pairs, ids, stop)
    text = pairs.decode(ids, skip_special=True)
    ends = [(text.index(s) + len(s), text.index(s)) for s in stop if s in text]
    assert "".join(pieces) == (text[: min(ends)[1]] if ends else text)
    assert stream.stopped == bool(ends)
    # What is given out is final at once: every beginning of the tokens says so too.
    shorter, given = TextStream(pairs, stop), ""
    for token_id in ids:
        given += shorter.add(token_id)
        assert "".join(pieces).startswith(given)
        assert shorter.n_characters >= shorter.n_given == len(given)


def test_of_two_stops_in_one_token_the_one_that_ends_first_counts():
    tokenizer = WordTokenizer.train("abcd", 9, ["[UNK]"])
    pieces, _ = pieces_of(tokenizer, tokenizer.encode("abcd"), ["abcd", "bc"])
    assert "".join(pieces) == "a"


def test_a_replacement_character_at_the_end_is_text_too():
    tokenizer = CharacterTokenizer("a\ufffd")
    pieces, _ = pieces_of(tokenizer, tokenizer.encode("a\ufffda\ufffd"))
    assert pieces == ["a", "", "\ufffda", "", "\ufffd"]


def test_after_a_stop_nothing_more_comes():
    stream = TextStream(letters, ["b"])
    found = [stream.add(i) for i in letters.encode("abaab")]
    assert found == ["a", "", "", "", ""]
    assert stream.stopped
    assert stream.end() == ""


def test_what_stands_before_a_stop_comes_with_it_whatever_it_may_begin():
    tokenizer = WordTokenizer.train("ab abc", 9, ["[UNK]"])
    stream = TextStream(tokenizer, ["bc", "ax"])
    assert [stream.add(i) for i in tokenizer.encode("ab abc")] == ["a", "b a"]


def test_special_tokens_have_no_text_and_stop_nothing():
    end = letters.special_ids["<|end|>"]
    pieces, stream = pieces_of(letters, [*letters.encode("a"), end], ["<|end|>"])
    assert pieces == ["a", "", ""]
    assert not stream.stopped


def test_one_stop_may_be_given_alone_and_an_empty_one_is_refused():
    pieces, _ = pieces_of(letters, letters.encode("cbabca"), "abc")
    assert "".join(pieces) == "cb"
    with pytest.raises(ValueError, match="at least one character"):
        TextStream(letters, ["a", ""])
