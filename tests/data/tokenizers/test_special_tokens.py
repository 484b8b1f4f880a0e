import pytest

from llm_notes.data.tokenizers.special_tokens import (
    SpecialTokenFinder,
    number_special_tokens,
)
from llm_notes.data.tokenizers.text import UnencodableTextError

KNOWN = ["<a>", "<a>b", "<c>"]


def test_listed_tokens_keep_their_ids_and_the_others_follow():
    listed = {"x": 0, "<b>": 1, "y": 2}
    ids = number_special_tokens(["<a>", "<b>", "<c>"], 3, listed)
    assert ids == {"<a>": 3, "<b>": 1, "<c>": 4}
    assert list(ids) == ["<a>", "<b>", "<c>"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("<a>", "'<a>'; give a list"),
        (["<a>", ""], "is ''"),
        ([3], "is 3"),
        (["<a>", "<b>", "<a>"], "'<a>' is given twice"),
    ],
)
def test_what_is_no_list_of_marks_is_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        number_special_tokens(tokens, 0)


def test_half_a_character_is_no_mark():
    with pytest.raises(UnencodableTextError):
        number_special_tokens(["<\ud800>"], 0)


def test_of_two_marks_at_one_place_the_longer_is_found():
    finder = SpecialTokenFinder(KNOWN, KNOWN)
    assert finder.split("x<a>b<a><c>y") == ["x", "<a>b", "", "<a>", "", "<c>", "y"]
    finder = SpecialTokenFinder(["<a>"], KNOWN)
    assert finder.split("x<a>b<c>") == ["x", "<a>", "b<c>"]


def test_signs_with_a_meaning_in_patterns_are_signs():
    finder = SpecialTokenFinder(["(.)|a*"], ["(.)|a*"])
    assert finder.split("b(.)|a*a") == ["b", "(.)|a*", "a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello world", (0, 8)),  # "rld" might begin a mark
        ("hello <a>b, world", (10, 14)),
        ("hello <a>", (0, 6)),  # "b" may follow
        ("hello <a>c", (9, 9)),
        ("<c><c>", (3, 3)),
        ("", (0, 0)),
    ],
)
def test_what_may_still_become_a_mark_is_undecided(text, expected):
    assert SpecialTokenFinder(KNOWN, KNOWN).undecided(text) == expected


def test_without_marks_everything_is_decided():
    assert SpecialTokenFinder([], KNOWN).undecided("x<a>") == (0, 4)
    assert SpecialTokenFinder([], KNOWN).split("x<a>") == ["x<a>"]
