import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning import compatibility_losses, normalise

# Where the rules meet: line ends, controls, joiners, letters of several scripts, marks,
# characters that a normal form turns into ASCII, halves of a surrogate pair.
EDGES = (
    "\r\n\x1c\x1f\x0b\x0c\x85\u2028\u2029\x00\x1b\x9f\ufeff\u200b\u200c\u200d\u2060 aK"
    "e\u0301é\u212a\u037e\u1fefमी\u094dع哈👩\ufe0f\ud83d\ude00ﬁ\u0958가\u1100\u1161"
)
texts = st.text(st.one_of(st.sampled_from(EDGES), st.characters()), max_size=30)


@settings(deadline=None, max_examples=500)
@given(texts, st.sampled_from(["NFC", "NFKC"]))
def test_doing_it_twice_changes_nothing(text, form):
    once = normalise(text, form)
    assert normalise(once, form) == once
    assert unicodedata.is_normalized(form, once)
    once.encode()  # no half of a surrogate pair is left


@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_can_be_seen_stays_but_for_its_normal_form(text):
    assert normalise(text) == unicodedata.normalize("NFC", text)


def test_every_line_end_becomes_a_line_feed():
    text = "a\r\nb\rc\nd\x0be\x0cf\x85g\u2028h\u2029i\r\n\r\nj"
    assert normalise(text) == "a\nb\nc\nd\ne\nf\ng\nh\ni\n\nj"


def test_separators_do_not_glue_words_together():
    assert normalise("a\x1cb\x1dc\x1ed\x1fe") == "a\nb\nc\nd e"


def test_controls_and_byte_order_marks_go_and_tabs_and_spaces_stay():
    text = "\ufeff\x00a\x1b[0m\tb\x7f \x9fc\ufeff  d\xa0e\n"
    assert normalise(text) == "a[0m\tb c  d\xa0e\n"


@pytest.mark.parametrize(
    "text",
    [
        "👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️‍🔥",  # emoji of several parts
        "می‌خواهم PDF‌ها",  # Persian, also beside a Latin word
        "ه‍ ",  # a joiner before a space chooses the letter's shape
        "क्‍ष क्‌ष",  # Devanagari, half form and explicit sign
        "ខ្ញុំ\u200bទៅ",  # Khmer: its word space has no width
    ],
)
def test_joiners_that_do_something_stay(text):
    assert "\u200b" in text or "\u200c" in text or "\u200d" in text
    assert normalise(text) == text


def test_joiners_among_ascii_go():
    assert normalise("\u200bwo\u200crd \u2060\u200dtwo\u200b") == "word two"
    assert normalise("\u212a\u200cb") == "Kb"  # the Kelvin sign becomes ASCII first


def test_composed_and_decomposed_letters_become_one():
    assert normalise("cafe\u0301") == normalise("café") == "caf\u00e9"
    assert len(normalise("\u1112\u1161\u11ab")) == 1  # the parts of one Hangul syllable


def test_half_a_surrogate_pair_is_marked_and_two_halves_are_mended():
    assert normalise("a\ud83db\ude00c") == "a\ufffdb\ufffdc"
    assert normalise("\ud83d\ude00") == "😀"


def test_nfc_keeps_what_nfkc_destroys():
    text = "x² = ½，ﬁ①"
    assert normalise(text) == text
    assert normalise(text, "NFKC") == "x2 = 1⁄2,fi1"
    losses = compatibility_losses(text + "，")
    assert losses["，", ","] == 2
    assert set(losses) == {
        ("²", "2"), ("½", "1⁄2"), ("，", ","), ("ﬁ", "fi"), ("①", "1"),
    }  # fmt: skip


def test_what_both_forms_replace_is_no_compatibility_loss():
    assert not compatibility_losses("\u212a e\u0301 plain")


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="NFD"):
        normalise("a", "NFD")
