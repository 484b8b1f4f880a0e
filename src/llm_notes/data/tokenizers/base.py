"""What every tokenizer can do, and the plain JSON file that it is kept in.

This module knows no particular way of cutting text. A file holds one JSON object with
the keys `format`, `version` and `kind`, beside what the kind of tokenizer needs.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

FILE_FORMAT = "llm_notes.tokenizer"
FILE_VERSION = 1

_LABELS = {" ": "␣", "\n": "↵", "\t": "⇥"}


class UnencodableTextError(ValueError):
    """The text holds half of a surrogate pair, which no UTF-8 text can."""


class UnknownTokenIdError(ValueError):
    """An id that is not in the vocabulary."""


class TokenizerFileError(ValueError):
    """The file is cut short, damaged, or does not hold this kind of tokenizer."""


class Tokenizer(ABC):
    """A two-way map between text and a list of token ids from 0 to vocab_size - 1."""

    kind: ClassVar[str]

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """V, the number of tokens."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of a text. `decode` turns them back into the same text."""

    @abstractmethod
    def decode(self, token_ids: Iterable[int]) -> str:
        """The text of some ids. Raises UnknownTokenIdError."""

    @abstractmethod
    def token(self, token_id: int) -> str:
        """A label of one token for tables and figures, printable and on one line.

        A space shows as ␣, a line break as ↵, a tab as ⇥, any other character without
        a picture as <U+00A0>, and a byte that is no whole character as <0xE4>.
        Raises UnknownTokenIdError.
        """

    @abstractmethod
    def _to_json(self) -> dict[str, Any]:
        """What the file holds beside the header."""

    @classmethod
    @abstractmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        """The reverse of `_to_json`; may raise KeyError, TypeError or ValueError."""

    def save(self, path: str | Path) -> None:
        """Write the tokenizer as plain JSON that `load` reads back."""
        header = {"format": FILE_FORMAT, "version": FILE_VERSION, "kind": self.kind}
        text = json.dumps(header | self._to_json(), ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a tokenizer of this class that `save` wrote.

        Raises TokenizerFileError, and FileNotFoundError where there is no file.
        """
        content = read_tokenizer_file(path)
        if content["kind"] != cls.kind:
            raise TokenizerFileError(
                f"{path} holds a {content['kind']!r} tokenizer, and {cls.__name__} "
                f"reads {cls.kind!r}; load_tokenizer reads every kind"
            )
        try:
            return cls._from_json(content)
        except (KeyError, TypeError, ValueError) as error:
            raise TokenizerFileError(
                f"{path} is no complete {cls.kind!r} tokenizer "
                f"({type(error).__name__}: {error}); save it anew"
            ) from error

    def _require_id(self, token_id: int) -> int:
        # int() turns NumPy's and PyTorch's scalars into what a list can be indexed by.
        token_id = int(token_id)
        if not 0 <= token_id < self.vocab_size:
            raise UnknownTokenIdError(
                f"token id {token_id} is not in the vocabulary; "
                f"allowed are 0 to {self.vocab_size - 1}"
            )
        return token_id


def read_tokenizer_file(path: str | Path) -> dict[str, Any]:
    """The JSON object in a tokenizer file, its header checked."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TokenizerFileError(
            f"{path} is not JSON, or is cut short ({error}); save the tokenizer anew"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FILE_FORMAT:
        raise TokenizerFileError(
            f"{path} is JSON, but no tokenizer of this package "
            f'(it lacks "format": "{FILE_FORMAT}")'
        )
    if content.get("version") != FILE_VERSION:
        raise TokenizerFileError(
            f"{path} is written in version {content.get('version')!r} of the format; "
            f"this package reads version {FILE_VERSION}"
        )
    if not isinstance(content.get("kind"), str):
        raise TokenizerFileError(f'{path} does not say its "kind" of tokenizer')
    return content


def require_encodable(text: str) -> None:
    """Raise UnencodableTextError at the first lone surrogate of a text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnencodableTextError(
            f"the text holds a lone surrogate, U+{ord(text[error.start]):04X}, at "
            f"position {error.start}; it is half a character and has no UTF-8 form. "
            "Decode the text anew, or drop the surrogates"
        ) from error


def printable(text: str) -> str:
    """A text as a label: on one line, with a sign for each invisible character."""
    return "".join(
        _LABELS.get(c) or (c if c.isprintable() else f"<U+{ord(c):04X}>") for c in text
    )
