"""Tokenizers: a ladder with one interface.

Characters, words, byte pairs (GPT-2), word pieces (BERT), unigram pieces (T5).
"""

from pathlib import Path

from llm_notes.data.tokenizers.base import Tokenizer, UnknownTokenIdError
from llm_notes.data.tokenizers.byte_pair import BytePairTokenizer
from llm_notes.data.tokenizers.character import (
    CharacterTokenizer,
    UnknownCharacterError,
)
from llm_notes.data.tokenizers.files import TokenizerFileError, read_tokenizer_file
from llm_notes.data.tokenizers.text import UnencodableTextError
from llm_notes.data.tokenizers.unigram import UnigramTokenizer
from llm_notes.data.tokenizers.word import WordTokenizer
from llm_notes.data.tokenizers.word_piece import WordPieceTokenizer

__all__ = [
    "BytePairTokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "TokenizerFileError",
    "UnencodableTextError",
    "UnigramTokenizer",
    "UnknownCharacterError",
    "UnknownTokenIdError",
    "WordPieceTokenizer",
    "WordTokenizer",
    "load_tokenizer",
]

_KINDS: dict[str, type[Tokenizer]] = {
    cls.kind: cls
    for cls in (
        CharacterTokenizer,
        WordTokenizer,
        BytePairTokenizer,
        WordPieceTokenizer,
        UnigramTokenizer,
    )
}


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read a tokenizer of any kind that `save` wrote. Raises TokenizerFileError."""
    kind = read_tokenizer_file(path)["kind"]
    if kind not in _KINDS:
        raise TokenizerFileError(
            f"{path} holds a {kind!r} tokenizer; known kinds are {sorted(_KINDS)}"
        )
    return _KINDS[kind].load(path)
