"""BERT's words against the library `tokenizers`, character by character."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_notes.data.tokenizers.bert_words import split_bert_words

tokenizers = pytest.importorskip("tokenizers")

# The library's character classes are those of an old Unicode version. These characters
# were assigned before it, and have kept their class. U+166D has changed its.
OLD = unicodedata.ucd_3_2_0
SHARED = [
    c
    for c in map(chr, range(0x110000))
    if OLD.category(c) == unicodedata.category(c) not in ("Cn", "Cs")
    and OLD.normalize("NFD", c) == unicodedata.normalize("NFD", c)
]
odd_texts = st.text(
    alphabet="aÀéß İΣ中あ한.,#'’«\t\n\r\x00\x0b\x85\u00a0\u200b\ufffd\u0301"
)


def library_words(text: str, lower_case: bool) -> list[str]:
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lower_case)
    pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    pieces = pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text))
    return [word for word, _ in pieces]


@pytest.mark.parametrize("lower_case", [True, False])
def test_every_character_is_treated_as_the_library_does(lower_case):
    assert len(SHARED) > 90_000
    text = "".join(f"a{character}b " for character in SHARED)
    assert split_bert_words(text, lower_case) == library_words(text, lower_case)


@settings(deadline=None)
@given(odd_texts, st.booleans())
@example("e\u0301É À\u0301 \u0301a", True)
@example("ΑΣ ΣΑΣ İ", True)
@example("a\x0bb\x85c\u00a0d\u2028e", False)
def test_words_are_those_of_the_library(text, lower_case):
    assert split_bert_words(text, lower_case) == library_words(text, lower_case)


def test_a_character_that_unicode_has_not_assigned_stays():
    assert unicodedata.category("\uffff") == "Cn"
    assert split_bert_words("a\uffffb", True) == library_words("a\uffffb", True)
    assert split_bert_words("a\uffffb", True) == ["a\uffffb"]


def test_every_chinese_character_is_a_word_and_kana_and_hangul_are_not():
    words = split_bert_words("深度学习にほん한국어", lower_case=False)
    assert words == ["深", "度", "学", "习", "にほん한국어"]


@pytest.mark.parametrize("block", ["𪜀𫝀𫠠", "㐀䶿", "豈", "丽𠀀"])
def test_every_block_of_chinese_characters_is_known(block):
    assert split_bert_words(block, lower_case=False) == list(block)


def test_capitals_and_accents_stay_in_cased_text():
    assert split_bert_words("Élan, café", lower_case=False) == ["Élan", ",", "café"]
    assert split_bert_words("Élan, café", lower_case=True) == ["elan", ",", "cafe"]
