"""Texts by name or file, with a held-out part, and tokenizers for them."""

import pytest

from llm_notes.data.corpus import PARAGRAPH_BREAK, Corpus, python_reference
from llm_notes.training import texts
from llm_notes.training.texts import make_tokenizer, read_corpus


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "novel.txt"
    lines = [f"Chapter {i} is about the year {1900 + i}." for i in range(60)]
    path.write_text(PARAGRAPH_BREAK.join([*lines, *lines]), encoding="utf-8")
    return path


def test_a_file_is_split_by_paragraph_and_nothing_is_in_both_parts(file):
    corpus = read_corpus(str(file))
    train, held_out = (
        set(part.split(PARAGRAPH_BREAK)) for part in (corpus.train, corpus.validation)
    )
    assert not train & held_out
    assert len(train) + len(held_out) == 60  # each paragraph stood there twice
    assert 0.08 < corpus.validation_bytes / corpus.train_bytes < 0.15
    assert corpus.name == "novel.txt"


def test_the_seed_decides_what_is_held_out(file):
    assert read_corpus(str(file), 1) == read_corpus(str(file), 1)
    assert read_corpus(str(file), 1) != read_corpus(str(file), 2)


def test_texts_that_have_a_name(monkeypatch):
    assert read_corpus("python-docs") is python_reference()
    monkeypatch.setattr(texts, "python_source", lambda seed: f"code by seed {seed}")
    assert read_corpus("python-source", 3) == "code by seed 3"


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.txt is neither .* No such file"):
        read_corpus(str(tmp_path / "nowhere.txt"))
    (tmp_path / "latin.txt").write_bytes("Señor".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin.txt is not UTF-8 text"):
        read_corpus(str(tmp_path / "latin.txt"))


def test_tokenizers_of_both_kinds_read_both_parts():
    corpus = Corpus("tiny", train="abcabc" * 30, validation="cabz")
    characters = make_tokenizer("characters", corpus, 999)
    assert characters.vocab_size == 4  # also the z, which only the held-out part has
    pairs = make_tokenizer("byte-pairs", corpus, 260)
    assert pairs.vocab_size == 260
    for tokenizer in (characters, pairs):
        assert tokenizer.decode(tokenizer.encode("cabz")) == "cabz"
    with pytest.raises(ValueError, match="known are characters and byte-pairs"):
        make_tokenizer("words", corpus, 9)
