import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning.words import (
    between_words,
    is_spaceless,
    mostly_spaceless,
    words,
    words_and_marks,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't __init__(self, x2)", ["Don", "t", "__init__", "self", "x2"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),  # vowel signs are no letters for \w
        ("می‌خواهم بروم", ["می‌خواهم", "بروم"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("我们有GPT-4模型。", ["我", "们", "有", "GPT", "4", "模", "型"]),
        ("ひらがな・カナ", ["ひ", "ら", "が", "な", "カ", "ナ"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("한국어 문장", ["한국어", "문장"]),  # Korean has spaces
        (" \n…—", []),
    ],
)
def test_words_of_many_scripts(text, expected):
    assert words(text) == expected


def test_marks_are_tokens_of_their_own_and_white_space_is_none():
    assert words_and_marks("x <= 我们，\n ok") == [
        "x",
        "<",
        "=",
        "我",
        "们",
        "，",
        "ok",
    ]


@settings(deadline=None)
@given(st.text())
def test_tokens_are_the_text_without_its_white_space(text):
    assert "".join(words_and_marks(text)) == "".join(text.split())
    marks = "".join(between_words(text).split())
    assert sorted("".join(words(text)) + marks) == sorted("".join(text.split()))


def test_between_the_words_are_the_marks_in_runs():
    assert between_words("f(a, b)[我们]").split() == ["(", ",", ")[", "]"]


def test_letters_of_scripts_without_spaces_are_known():
    assert [is_spaceless(w) for w in ("我", "ก", "カ", "word", "слово", "한")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_mostly_means_more_than_half():
    assert not mostly_spaceless(["我", "a"])
    assert mostly_spaceless(["我", "们", "a"])
    assert not mostly_spaceless([])
