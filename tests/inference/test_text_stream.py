"""Text comes in whole characters, and nothing of a stop string ever comes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers import BytePairTokenizer, CharacterTokenizer
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
