"""Passages are pieces of their text, cover it, and overlap as asked."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import python_reference
from llm_notes.inference.retrieval import BM25, Chunk, chunk_text

UNITS = ["words", "sentences", "paragraphs"]
TEXTS = st.lists(
    st.sampled_from([*'aB .!?\n\t语。”"\u0301é', "\n\n", ". ", "กิ", "\r\n"]),
    max_size=30,
).map("".join)


@given(TEXTS, st.sampled_from(UNITS), st.integers(1, 4), st.integers(0, 3))
@settings(deadline=None, max_examples=200)
def test_passages_are_pieces_of_the_text_and_cover_it(text, unit, size, overlap):
    chunks = chunk_text(text, size, min(overlap, size - 1), unit)
    covered = set()
    for chunk in chunks:
        assert text[chunk.start : chunk.stop] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        covered |= set(range(chunk.start, chunk.stop))
    missed = [c for i, c in enumerate(text) if i not in covered]
    assert not "".join(missed).strip()
    for one, other in pairwise(chunks):
        assert one.start < other.start
        assert one.stop < other.stop


def test_words_overlap_and_the_last_passage_is_shorter():
    text = " one two, three\nfour five."
    assert [c.text for c in chunk_text(text, 3, 1)] == [
        "one two, three",
        "three\nfour five.",
    ]
    assert chunk_text(text, 2, 0) == [
        Chunk(1, 9, "one two,"),
        Chunk(10, 20, "three\nfour"),
        Chunk(21, 26, "five."),
    ]
    assert [c.text for c in chunk_text("a b c d", 3, 2)] == ["a b c", "b c d"]


def test_a_passage_has_as_many_words_as_asked_for():
    text = " ".join(f"w{i}" for i in range(50))
    chunks = chunk_text(text, 8, 3)
    assert [len(c.text.split()) for c in chunks] == [8] * 9 + [5]
    for one, other in pairwise(chunks):
        assert one.text.split()[-3:] == other.text.split()[:3]


def test_each_chinese_character_counts_as_a_word():
    texts = [c.text for c in chunk_text("我爱读书。Hi there 好", 2, 0)]
    assert texts == ["我爱", "读书。", "Hi there", "好"]
    assert [c.text for c in chunk_text("กิข", 1, 0)] == ["กิ", "ข"]
    assert [c.text for c in chunk_text("naïve café", 1, 0)] == ["naïve", "café"]


def test_sentences_end_where_a_reader_would_end_them():
    text = 'It is 3.5, e.g. here. "Go!" He went...  Then\n\n我来了。他说：“好。”走了'
    assert [c.text for c in chunk_text(text, 1, 0, "sentences")] == [
        "It is 3.5, e.g. here.",
        '"Go!"',
        "He went...",
        "Then",
        "我来了。",
        "他说：“好。”",
        "走了",
    ]
    assert len(chunk_text(text, 3, 1, "sentences")) == 3
    for text in ("Ab 5 z. über Nacht.", "В 5 ч. утра. Да"):
        first = chunk_text(text, 1, 0, "sentences")[0]
        assert first.text == text[: text.rindex(".") + 1]


def test_paragraphs_end_at_an_empty_line():
    text = "\na\nb\n \n\nc\r\n\r\nd\n"
    chunks = chunk_text(text, 1, 0, "paragraphs")
    assert [c.text for c in chunks] == ["a\nb", "c", "d"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_blank_text_has_no_passage(unit):
    assert chunk_text("", unit=unit) == chunk_text(" \n\n ", unit=unit) == []


def test_a_question_finds_the_passage_of_a_long_text():
    text = python_reference().train
    chunks = chunk_text(text, size=60, overlap=20)
    search = BM25([chunk.text for chunk in chunks])
    best = chunks[search.search("which exception does division by zero raise")[0][0]]
    assert "ZeroDivisionError" in text[best.start : best.stop]


def test_sizes_that_do_not_fit_are_named():
    for size, overlap in [(0, 0), (3, 3), (3, -1)]:
        with pytest.raises(ValueError, match=f"size = {size} and overlap = {overlap}"):
            chunk_text("a", size, overlap)
    with pytest.raises(ValueError, match="unit is 'tokens'"):
        chunk_text("a", unit="tokens")
