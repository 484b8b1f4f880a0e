import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.cleaning import (
    Removed,
    clusters,
    drop_exact_duplicates,
    drop_near_duplicates,
    jaccard,
    near_duplicate_pairs,
    shingles,
    words_and_marks,
)
from llm_notes.data.corpus import deduplicate, reference_paragraphs

PROSE = (
    "a model that is tested on a paragraph which it has learned by heart gets a score "
    "that it does not deserve so paragraphs are made unique first and split second"
)
EDITED = PROSE.replace("learned", "known")
OTHER = "the quick brown fox jumps over the lazy dog and into the very cold river"


def kept(results: list[str | Removed]) -> list[str]:
    return [result for result in results if isinstance(result, str)]


def test_the_first_of_copies_stays_and_the_others_name_it():
    results = drop_exact_duplicates(["b", "a  b", "b", " a\nb ", "A b"])
    assert results[:2] == ["b", "a  b"]
    assert results[2] == Removed("a copy of document 0")
    assert results[3] == Removed("a copy of document 1")
    assert results[4] == "A b"


def test_punctuation_and_case_make_texts_different():
    texts = ["x < y", "x > y", "X < y", "x<y"]
    assert drop_exact_duplicates(texts) == texts


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab \n\ud800", max_size=5)))
def test_each_distinct_text_stays_once(texts):
    once = kept(drop_exact_duplicates(texts))
    collapsed = [" ".join(text.split()) for text in once]
    assert len(set(collapsed)) == len(collapsed)
    assert set(collapsed) == {" ".join(text.split()) for text in texts}
    assert drop_exact_duplicates(once) == once


def test_a_changed_word_makes_a_near_duplicate():
    documents = [OTHER, PROSE, "short", EDITED, OTHER + " again"]
    pairs = near_duplicate_pairs(documents, threshold=0.6)
    assert [(a, b) for a, b, _ in pairs] == [(0, 4), (1, 3)]
    for a, b, similarity in pairs:
        sets = [shingles(words_and_marks(documents[i]), 5) for i in (a, b)]
        assert similarity == jaccard(*sets) >= 0.6


def test_the_threshold_decides():
    (pair,) = near_duplicate_pairs([PROSE, EDITED], threshold=0.5)
    at = {"n_bands": 40, "n_rows": 2}
    assert near_duplicate_pairs([PROSE, EDITED], pair.similarity, **at) == [pair]
    assert not near_duplicate_pairs([PROSE, EDITED], pair.similarity + 1e-9, **at)


def test_an_operator_makes_another_line_of_code():
    lines = ['assert "x < y" and "y > z"', 'assert "x > y" and "y < z"']
    assert not near_duplicate_pairs(lines, n_bands=64, n_rows=1)


def test_texts_shorter_than_a_shingle_are_in_no_pair():
    assert near_duplicate_pairs(["see also", "see also"], n_tokens=3) == []
    assert len(near_duplicate_pairs(["see also", "see also"], n_tokens=2)) == 1


def test_chinese_without_spaces_has_near_duplicates_too():
    text = "语言模型给每一段文字一个概率，它必须学会写标点和虚词，否则写不出句子。"
    edited = text.replace("一段", "一句")
    (pair,) = near_duplicate_pairs([text, edited, text[::-1]], threshold=0.6)
    assert (pair.first, pair.second) == (0, 1)


def test_banding_finds_what_comparing_all_pairs_finds():
    documents = deduplicate(reference_paragraphs())[:300]
    documents += [text.replace(" the ", " a ", 1) for text in documents[::10]]
    sets = [shingles(words_and_marks(text), 5) for text in documents]
    expected = {
        (i, j)
        for i in range(len(sets))
        for j in range(i + 1, len(sets))
        if sets[i] and jaccard(sets[i], sets[j]) >= 0.8
    }
    found = near_duplicate_pairs(documents, 0.8)
    assert len(expected) > 10
    assert {(a, b) for a, b, _ in found} == expected
    assert found == sorted(found)


def test_links_carry_over_and_groups_come_in_order():
    pairs = [(7, 2), (5, 6), (2, 4), (3, 7)]
    assert clusters(9, pairs) == [[2, 3, 4, 7], [5, 6]]
    assert clusters(3, []) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11))))
def test_groups_are_the_connected_parts_of_the_graph(pairs):
    reached = [{i} for i in range(12)]
    for _ in range(12):
        for a, b in pairs:
            joined = reached[a] | reached[b]
            for member in joined:
                reached[member] = reached[member] | joined
    expected = {tuple(sorted(group)) for group in reached if len(group) > 1}
    assert clusters(12, pairs) == [list(group) for group in sorted(expected)]


def test_the_first_of_a_group_stays():
    results = drop_near_duplicates([OTHER, EDITED, "short", PROSE], threshold=0.6)
    assert results == [OTHER, EDITED, "short", Removed("in a group with document 1")]


def test_the_seed_repeats():
    documents = [PROSE, EDITED, OTHER] * 2
    first = near_duplicate_pairs(documents, 0.3, n_bands=2, n_rows=6, seed=1)
    assert first == near_duplicate_pairs(documents, 0.3, n_bands=2, n_rows=6, seed=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: near_duplicate_pairs([PROSE], 0), "threshold is 0"),
        (lambda: near_duplicate_pairs([PROSE], 1.5), "threshold is 1.5"),
        (lambda: near_duplicate_pairs([PROSE], n_tokens=0), "n is 0"),
        (lambda: near_duplicate_pairs([PROSE], n_rows=0), "n_rows is 0"),
        (lambda: near_duplicate_pairs([], n_bands=0), "n_bands is 0"),
        (lambda: clusters(3, [(0, 3)]), r"\(0, 3\).* 2"),
    ],
)
def test_bad_arguments_are_refused_with_the_numbers(call, message):
    with pytest.raises(ValueError, match=message):
        call()
