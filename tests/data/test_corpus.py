import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notes.data.corpus import (
    PARAGRAPH_BREAK,
    Corpus,
    EmptyCorpusError,
    deduplicate,
    leaked_share,
    near_duplicate_share,
    paragraphs_of,
    python_reference,
    reference_paragraphs,
    split_paragraphs,
)

words = st.text(alphabet="abé \n", max_size=12)


def test_paragraphs_end_at_blank_lines_and_keep_their_indentation():
    text = "\n\nfirst\nline two\n\n   code\n \t \n\n\nlast\n\n"
    assert paragraphs_of(text) == ["first\nline two", "   code", "last"]


@pytest.mark.parametrize("text", ["", "\n", " \n\n\t\n"])
def test_white_space_has_no_paragraphs(text):
    assert paragraphs_of(text) == []


@settings(deadline=None)
@given(st.text(alphabet="ab \t\n\r", max_size=40))
def test_cutting_into_paragraphs_loses_no_word(text):
    assert " ".join(paragraphs_of(text)).split() == text.split()
    assert all(paragraph.strip() for paragraph in paragraphs_of(text))


def test_copies_that_differ_in_white_space_are_removed_and_the_first_is_kept():
    assert deduplicate(["  a b", "c", "a  b\n", "A b", "c"]) == ["  a b", "c", "A b"]


def test_empty_paragraphs_are_removed():
    assert deduplicate(["", "a", " \n "]) == ["a"]


@settings(deadline=None)
@given(st.lists(words))
def test_deduplicating_twice_changes_nothing(paragraphs):
    once = deduplicate(paragraphs)
    assert deduplicate(once) == once
    assert {" ".join(p.split()) for p in paragraphs} - {""} == {
        " ".join(p.split()) for p in once
    }


@settings(deadline=None)
@given(
    st.lists(words, min_size=2, unique=True),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_a_split_is_a_partition_in_the_order_of_the_document(paragraphs, share, seed):
    train, validation = split_paragraphs(paragraphs, share, seed)
    assert train
    assert validation
    assert not set(train) & set(validation)
    assert set(train) | set(validation) == set(paragraphs)
    for part in (train, validation):
        assert part == sorted(part, key=paragraphs.index)


def test_the_held_out_share_is_of_bytes_not_of_paragraphs():
    paragraphs = [f"{i} " + "é" * (i % 50) for i in range(2000)]
    train, validation = split_paragraphs(paragraphs, 0.2)
    n_train, n_validation = (len("".join(p).encode()) for p in (train, validation))
    assert n_validation / (n_train + n_validation) == pytest.approx(0.2, abs=0.002)


def test_the_seed_decides_what_is_held_out():
    paragraphs = [str(i) for i in range(300)]
    assert split_paragraphs(paragraphs, seed=1) == split_paragraphs(paragraphs, seed=1)
    assert split_paragraphs(paragraphs, seed=1) != split_paragraphs(paragraphs, seed=2)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(share):
    with pytest.raises(ValueError, match="validation_share"):
        split_paragraphs(["a", "b"], share)


@pytest.mark.parametrize("paragraphs", [[], ["alone"]])
def test_too_few_paragraphs_to_split_is_an_empty_corpus(paragraphs):
    with pytest.raises(EmptyCorpusError, match=f"{len(paragraphs)} paragraph"):
        split_paragraphs(paragraphs)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_an_empty_part_is_named(part):
    texts = {"train": "a", "validation": "b"} | {part: " \n"}
    with pytest.raises(EmptyCorpusError, match=f"{part} part of corpus 'mine'"):
        Corpus("mine", **texts)


def test_sizes_are_in_bytes_of_utf_8():
    corpus = Corpus("mine", train="aé", validation="中")
    assert (corpus.train_bytes, corpus.validation_bytes) == (3, 3)


def test_the_alphabet_has_each_character_of_both_parts_once():
    assert Corpus("mine", train="cab", validation="béa").alphabet == "abcé"


def test_leaked_share_is_of_bytes_and_ignores_white_space():
    train = "one two\n\nthree"
    validation = "  one\ntwo\n\nother\n\nthr"  # the first one leaks
    leaked, total = len("  one\ntwo"), len("  one\ntwo") + len("other") + len("thr")
    assert leaked_share(train, validation) == pytest.approx(leaked / total)


def test_nothing_leaks_from_an_empty_training_text_and_all_from_the_same_one():
    assert leaked_share("", "a\n\nb") == 0
    assert leaked_share("a\n\nb", "b\n\na") == 1


@pytest.mark.parametrize("measure", [leaked_share, near_duplicate_share])
def test_measuring_an_empty_held_out_text_is_an_error(measure):
    with pytest.raises(EmptyCorpusError, match="held-out"):
        measure("a", " \n\n ")


def test_a_changed_word_makes_a_near_duplicate_and_not_a_leak():
    train = "the quick brown fox jumps over the lazy dog and runs away"
    changed = train.replace("runs", "walks").upper()
    assert leaked_share(train, changed) == 0
    # 8 shingles of 5 words, of which the changed word spoils 2.
    assert near_duplicate_share(train, changed, n_words=5, threshold=6 / 8) == 1
    assert near_duplicate_share(train, changed, n_words=5, threshold=7 / 8) == 0


def test_near_duplicates_are_weighed_by_their_bytes():
    train = "a b c d"
    validation = "a b c d\n\n" + "z" * 14
    share = near_duplicate_share(train, validation, n_words=2)
    assert share == pytest.approx(7 / (7 + 14))


def test_a_paragraph_without_a_shingle_is_no_near_duplicate():
    assert near_duplicate_share("see also", "see also", n_words=3) == 0


@pytest.mark.parametrize(
    ("name", "value"), [("n_words", 0), ("threshold", 0), ("threshold", 1.1)]
)
def test_settings_of_the_near_duplicate_measure_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        near_duplicate_share("a", "a", **{name: value})


def test_the_reference_is_prose_of_hundreds_of_kilobytes():
    corpus = python_reference()
    assert 250_000 < corpus.train_bytes + corpus.validation_bytes < 1_000_000
    share = corpus.validation_bytes / (corpus.train_bytes + corpus.validation_bytes)
    assert share == pytest.approx(0.1, abs=0.01)
    assert "statement" in corpus.train
    assert "statement" in corpus.validation
    assert python_reference() is corpus


def test_the_reference_repeats_itself_until_it_is_deduplicated():
    paragraphs = reference_paragraphs()
    assert len(deduplicate(paragraphs)) < 0.9 * len(paragraphs)


def test_a_split_by_position_leaks_and_the_books_split_does_not():
    everything = PARAGRAPH_BREAK.join(reference_paragraphs())
    cut = len(everything) * 9 // 10
    assert leaked_share(everything[:cut], everything[cut:]) > 0.03
    corpus = python_reference()
    assert leaked_share(corpus.train, corpus.validation) == 0


def test_few_paragraphs_of_the_books_split_are_near_duplicates():
    corpus = python_reference()
    share = near_duplicate_share(corpus.train, corpus.validation)
    assert 0 < share < 0.05
