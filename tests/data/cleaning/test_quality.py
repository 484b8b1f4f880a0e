import pytest

from llm_notes.data.cleaning import FILTERS
from llm_notes.data.cleaning.quality import (
    mostly_bullets,
    mostly_cut_off,
    placeholder,
    too_few_letters,
    too_many_symbols,
    unusual_length,
    unusual_words,
)
from llm_notes.data.cleaning.repetition import (
    duplicate_ngrams,
    frequent_ngram,
    repeated_lines,
)

ENGLISH = """
Nobody has counted the lamps along the harbour since the last keeper retired, and the
company that owns them prefers not to ask. When one goes out, a fisherman writes its
number on the door of the office; within a week somebody climbs up with a ladder.

She learned this during her first winter there. It seemed careless, then it seemed
wise, because every lamp that mattered was noticed by the people who needed its light.
"""
CHINESE = """
港口的路灯有多少盏，自从上一位看灯人退休以后，就没有人数过了。公司也不愿意问。要是哪一盏灭了，渔民便把
编号写在办公室的门上；不到一个星期，总有人扛着梯子爬上去修好。

她在这里过第一个冬天时明白了这件事。起初觉得太随便，后来觉得很聪明：凡是要紧的灯，需要光的人自然会看见。
"""
RUSSIAN = """
Никто не считал фонари вдоль гавани с тех пор, как последний смотритель ушёл на покой, и
компания, которой они принадлежат, предпочитает не спрашивать. Когда один из них гаснет,
рыбак пишет его номер на двери конторы, и через неделю кто-нибудь приходит с лестницей.
Она узнала об этом в первую зиму: сначала это казалось небрежностью, а потом мудростью.
"""


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, RUSSIAN])
@pytest.mark.parametrize("name", FILTERS)
def test_prose_passes_every_filter_whatever_its_script(name, text):
    assert FILTERS[name](text) is None


@pytest.mark.parametrize("name", FILTERS)
def test_an_empty_text_is_only_too_short(name):
    assert (FILTERS[name]("") is None) == (name != "unusual length")


def test_length_is_counted_in_words_or_letters_of_chinese():
    assert unusual_length("a b c", minimum=3, maximum=3) is None
    assert unusual_length("a b", minimum=3) == "2 words, fewer than 3"
    assert unusual_length("我们，好", minimum=3) is None
    assert "4 words, more than 3" in unusual_length("a b c d", minimum=1, maximum=3)


def test_codes_and_hashes_are_no_words():
    assert unusual_words("a1 b2 c3 d4") == "mean word length 2.00, not in 3.0 to 10.0"
    assert "16.00" in unusual_words("0123456789abcdef " * 5)
    assert unusual_words("abc " * 4) is None
    assert unusual_words("abcdefghij " * 4) is None


def test_initials_do_not_condemn_a_chinese_text():
    assert unusual_words("我们学习 A B C") is None  # 4 letters to 3 words
    assert unusual_words("我们 A B C") is not None  # 2 letters to 3 words


def test_hash_signs_and_ellipses_are_measured_against_words():
    assert too_many_symbols("#tag " + "word " * 9) is None  # 1 to 10 words
    assert "1 hash signs to 9 words" in too_many_symbols("#tag " + "word " * 8)
    assert "2 ellipses to 3 words" in too_many_symbols("what... ever… then")
    assert "2 ellipses to 3 words" in too_many_symbols("what...... ever…… then")
    assert too_many_symbols("one.. two..") is None


def test_a_table_of_numbers_has_too_few_letters():
    assert too_few_letters("one 2 three four five") is None  # 4 in 5
    assert "75%" in too_few_letters("one 2 three four")


def test_menus_and_teasers_are_known_by_their_lines():
    menu = "- home\n* about\n• contact\n\n"
    assert "3 of 3 lines" in mostly_bullets(menu)
    assert mostly_bullets(menu + "We sell lamps.") is None  # 3 of 4
    assert "1 of 3 lines" in mostly_cut_off("Read on ...\nb\nc")
    assert mostly_cut_off("He left…\nb\nc\nd") is None


def test_filler_is_found_in_any_case():
    assert placeholder("LOREM ipsum dolor") == "lorem ipsum"
    assert placeholder("Lorem Ipswich") is None


def test_lines_that_stood_above_are_repetitions():
    assert repeated_lines("a\nb\n\nc\n a ", maximum=0.25) is None  # 1 of 4
    assert "1 of 4 lines" in repeated_lines("a\nb\n\nc\n a ", maximum=0.24)


def test_the_most_frequent_ngram_is_measured_in_letters():
    # "aa bb" covers 8 of 20 letters.
    text = "aa bb ccc ddd aa bb ee ffff"
    assert frequent_ngram(text, {2: 8 / 20}) is None
    assert "'aa bb' covers 40%" in frequent_ngram(text, {2: 0.39})


def test_what_occurs_once_repeats_nothing():
    assert frequent_ngram("two words", {2: 0.1}) is None


def test_places_that_overlap_are_counted_once():
    assert "covers 100%" in frequent_ngram("na na na na", {2: 0.9})
    assert frequent_ngram("na na na na", {2: 1.0}) is None


def test_the_first_place_of_an_ngram_is_no_repetition():
    text = "one two three four one two three"
    share = len("onetwothree") / len("onetwothreefouronetwothree")
    assert duplicate_ngrams(text, {3: share + 0.01}) is None
    assert "3-grams" in duplicate_ngrams(text, {3: share - 0.01})
    assert duplicate_ngrams(text, {4: 0.0}) is None


def test_two_letters_of_chinese_stand_for_a_word():
    text = "模型学习词语，模型学习句子"  # 4 letters repeated: two words, not four
    assert duplicate_ngrams(text, {2: 0.1}) is not None
    assert duplicate_ngrams(text, {3: 0.1}) is None
    assert frequent_ngram(text, {2: 0.6}) is not None
    assert frequent_ngram(text, {3: 0.0}) is None


def test_a_page_made_by_a_loop_is_refused():
    page = "".join(f"Buy lamp number {i} now and save a lot. " for i in range(30))
    assert FILTERS["duplicate n-grams"](page) is not None
    assert (
        FILTERS["repeated lines"](page.replace(". ", ".\n")) is None
    )  # numbers differ
