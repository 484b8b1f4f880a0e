import pytest

from llm_notes.viz import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the", "the"),
        (" the", "␣the"),
        ("a b ", "a b␣"),
        ("  ", "␣␣"),
        ("", ""),
        ("\n", "↵"),
        ("a\tb", "a⇥b"),
        ("\x00\x1b", "␀␛"),
        ("\u202eabc", "U+202Eabc"),
        ("\u2066\ufeff", "U+2066U+FEFF"),
        ("\udc80", "U+DC80"),
        ("\u2028", "U+2028"),
        ("a$b_c", "a$b_c"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("中文", "中文"),
    ],
)
def test_what_cannot_be_seen_is_replaced_and_the_rest_stays(text, shown):
    assert visible(text) == shown
    shown.encode("utf-8")


def test_kept_characters_and_edges_stay_as_they_are():
    assert visible(" a\n\tb ", edges=False, keep="\n") == " a\n⇥b "
