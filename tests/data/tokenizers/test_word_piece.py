"""WordPiece against the library `tokenizers`: vocabulary, ids, decoded text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.data.tokenizers import WordPieceTokenizer
from llm_notes.data.tokenizers.word_piece import BERT_SPECIAL_TOKENS
from llm_notes.parity.tokenizers import trained_word_piece, word_piece_with

tokenizers = pytest.importorskip("tokenizers")

texts = st.text(alphabet="abcAé.,#' \n中", max_size=60)


def library_of(tokenizer: WordPieceTokenizer):
    ids = {piece: token_id for token_id, piece in enumerate(tokenizer.vocabulary)}
    return word_piece_with(ids, tokenizer.lower_case)


@settings(deadline=None)
@given(texts, texts, st.booleans())
@example("abab ab abc ababc", "ababab cab", True)
def test_vocabulary_and_ids_of_any_text_equal_the_library(text, other, lower_case):
    ours = WordPieceTokenizer.train(text, 60, lower_case=lower_case)
    characters = [p for p in ours.vocabulary if len(p.removeprefix("##")) == 1]
    library = trained_word_piece(text, 60, characters, lower_case)
    vocabulary = library.get_vocab()
    assert ours.vocabulary == sorted(vocabulary, key=vocabulary.get)
    assert ours.encode(other) == library.encode(other).ids


@pytest.mark.parametrize("lower_case", [True, False])
def test_held_out_ids_and_text_equal_the_library(lower_case):
    corpus = python_reference()
    ours = WordPieceTokenizer.train(corpus.train, 2000, lower_case=lower_case)
    library = library_of(ours)
    library.decoder = tokenizers.decoders.WordPiece(cleanup=False)
    text = corpus.validation + " Ünseen 中文 x\u0301\x00y \u200b 🙂🙂" + "a" * 101
    token_ids = ours.encode(text)
    assert token_ids == library.encode(text).ids
    assert ours.decode(token_ids) == library.decode(token_ids)


def test_special_tokens_and_characters_come_first():
    tokenizer = WordPieceTokenizer.train("bab ab ab", 12)
    characters = ["a", "b", "##a", "##b"]
    assert tokenizer.vocabulary[:9] == [*BERT_SPECIAL_TOKENS, *characters]
    assert tokenizer.vocabulary[9:] == ["ab", "ba", "bab"]
    assert tokenizer.special_ids == {
        "[PAD]": 0,
        "[UNK]": 1,
        "[CLS]": 2,
        "[SEP]": 3,
        "[MASK]": 4,
    }


def test_the_longest_piece_is_taken_first_whatever_the_merges_were():
    pieces = ["un", "##aff", "##able", "una", "##ff", "##ffa", "##ble", "[UNK]"]
    tokenizer = WordPieceTokenizer(pieces, ["[UNK]"])
    labels = [tokenizer.token(i) for i in tokenizer.encode("unaffable")]
    assert labels == ["una", "##ffa", "##ble"]


def test_a_word_that_cannot_be_cut_is_unknown_as_a_whole():
    tokenizer = WordPieceTokenizer(["[UNK]", "a", "##a"], ["[UNK]"])
    assert tokenizer.encode("aa ab ba a") == [1, 2, 0, 0, 1]
    assert tokenizer.unknown_share("aa ab ba a") == 2 / 5


def test_a_word_of_more_than_a_hundred_characters_is_unknown():
    tokenizer = WordPieceTokenizer(["[UNK]", "a", "##a"], ["[UNK]"])
    assert tokenizer.encode("a" * 100) == [1] + [2] * 99
    assert tokenizer.encode("a" * 101) == [0]


def test_a_published_vocabulary_keeps_its_ids():
    lines = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hug", "##s"]
    tokenizer = WordPieceTokenizer(lines)
    assert tokenizer.special_ids["[CLS]"] == 3
    assert tokenizer.encode("[CLS] Hugs [SEP]", {"[CLS]", "[SEP]"}) == [3, 6, 7, 4]
    assert tokenizer.decode([3, 6, 7, 4], skip_special=True) == "hugs"


def test_no_room_for_the_characters_is_refused():
    with pytest.raises(ValueError, match=r"vocab_size is 8; the 5 special .* need 9"):
        WordPieceTokenizer.train("bab ab ab", 8)


@pytest.mark.parametrize("control", ["\x0b", "\x0c", "\x85"])
def test_a_control_character_joins_two_words_also_across_chunks(control):
    tokenizer = WordPieceTokenizer(["[UNK]", "a", "##b", "b"], ["[UNK]"])
    assert tokenizer.encode(f"a{control}b a b") == [1, 2, 1, 3]
    assert list(tokenizer.encode_iterable([f"a{control}", "b a b"])) == [1, 2, 1, 3]
