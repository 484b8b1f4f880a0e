"""The texts that a run can be asked for, with a held-out part, and their tokens."""

from pathlib import Path

from llm_notes.data.corpus import (
    PARAGRAPH_BREAK,
    Corpus,
    deduplicate,
    paragraphs_of,
    python_reference,
    split_paragraphs,
)
from llm_notes.data.tasks.source_code import python_source
from llm_notes.data.tokenizers import BytePairTokenizer, CharacterTokenizer, Tokenizer


def read_corpus(name: str, seed: int = 0) -> Corpus:
    """A text in two parts, of which a tenth is held out.

    Args:
        name: "python-docs" (the language reference, 0.35 MB of prose), "python-source"
            (the standard library's files, about 10 MB), or the path of a text file in
            UTF-8, which is de-duplicated and split by paragraph.
        seed: decides what of a file, or which files, are held out.

    Raises:
        ValueError: when there is no such file, or it is no UTF-8 (and from `Corpus`
            and `split_paragraphs`, when there is too little text).
    """
    if name == "python-docs":
        return python_reference()
    if name == "python-source":
        return python_source(seed=seed)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"--data {name} is neither python-docs nor python-source, and no file that "
            f"can be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text: {error}") from error
    train, validation = split_paragraphs(deduplicate(paragraphs_of(text)), seed=seed)
    parts = PARAGRAPH_BREAK.join(train), PARAGRAPH_BREAK.join(validation)
    return Corpus(Path(name).name, *parts)


def make_tokenizer(kind: str, corpus: Corpus, vocab_size: int) -> Tokenizer:
    """A tokenizer for a corpus: of its characters, or of byte pairs.

    Args:
        kind: "characters" or "byte-pairs".
        corpus: its characters, or the pairs of its training part, are learned.
        vocab_size: V of byte pairs; the alphabet decides it for characters.

    Raises:
        ValueError: for another kind, or a vocabulary without room for all bytes.
    """
    if kind == "characters":
        return CharacterTokenizer.train(corpus.alphabet)
    if kind == "byte-pairs":
        return BytePairTokenizer.train(corpus.train, vocab_size)
    raise ValueError(f"tokenizer is {kind!r}; known are characters and byte-pairs")
