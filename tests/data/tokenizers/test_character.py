import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import CharacterTokenizer, UnknownCharacterError


def test_ids_follow_the_order_of_code_points():
    tokenizer = CharacterTokenizer.train("banana é")
    assert tokenizer.alphabet == " abné"
    assert tokenizer.encode("nab") == [3, 1, 2]


@settings(deadline=None)
@given(st.text(min_size=1))
def test_decoding_undoes_encoding_for_every_text(text):
    tokenizer = CharacterTokenizer.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.vocab_size == len(set(text))


def test_an_unknown_character_is_named_with_code_point_and_place():
    tokenizer = CharacterTokenizer.train("ab \n")
    with pytest.raises(UnknownCharacterError) as caught:
        tokenizer.encode("ab ßx")
    message = str(caught.value)
    assert "'ß'" in message
    assert "U+00DF" in message
    assert "position 3" in message
    assert "↵␣ab" in message
    assert "BytePairTokenizer" in message


def test_an_empty_text_has_no_alphabet():
    with pytest.raises(ValueError, match="empty"):
        CharacterTokenizer.train("")


def test_the_corpus_alphabet_covers_both_parts():
    corpus = python_reference()
    tokenizer = CharacterTokenizer.train(corpus.alphabet)
    for text in (corpus.train, corpus.validation):
        assert tokenizer.decode(tokenizer.encode(text)) == text
