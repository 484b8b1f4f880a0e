"""Tokenizers: a ladder from characters to byte pairs, all with one interface."""

from pathlib import Path

from llm_notes.data.tokenizers.base import (
    Tokenizer,
    TokenizerFileError,
    UnencodableTextError,
    UnknownTokenIdError,
    read_tokenizer_file,
)
from llm_notes.data.tokenizers.byte_pair import BytePairTokenizer
from llm_notes.data.tokenizers.character import (
    CharacterTokenizer,
    UnknownCharacterError,
)

__all__ = [
    "BytePairTokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "TokenizerFileError",
    "UnencodableTextError",
    "UnknownCharacterError",
    "UnknownTokenIdError",
    "load_tokenizer",
]

_KINDS: dict[str, type[Tokenizer]] = {
    cls.kind: cls for cls in (CharacterTokenizer, BytePairTokenizer)
}


def load_tokenizer(path: str | Path) -> Tokenizer:
    """Read a tokenizer of any kind that `save` wrote. Raises TokenizerFileError."""
    kind = read_tokenizer_file(path)["kind"]
    if kind not in _KINDS:
        raise TokenizerFileError(
            f"{path} holds a {kind!r} tokenizer; known kinds are {sorted(_KINDS)}"
        )
    return _KINDS[kind].load(path)
