"""What every tokenizer can do: text to ids, ids to text, special tokens, files.

This module knows no particular way of cutting text.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

from llm_notes.data.tokenizers.files import (
    TokenizerFileError,
    read_tokenizer_file,
    write_tokenizer_file,
)
from llm_notes.data.tokenizers.special_tokens import SpecialTokenFinder
from llm_notes.data.tokenizers.streaming import complete_parts
from llm_notes.data.tokenizers.text import require_encodable


class UnknownTokenIdError(ValueError):
    """An id that is not in the vocabulary."""


class Tokenizer(ABC):
    """A map from text to a list of token ids, from 0 to vocab_size - 1, and back.

    Attributes:
        kind: the name of the kind of tokenizer in files.
        lossless: whether decode(encode(text)) == text for every text that `encode`
            takes. Where it is not, the class says what is lost.
        special_ids: the id of each special token, such as <|endoftext|>.
    """

    kind: ClassVar[str]
    lossless: ClassVar[bool]
    special_ids: dict[str, int]

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """V, the number of tokens, special tokens included."""

    @abstractmethod
    def _encode(self, text: str) -> list[int]:
        """The ids of a text without special tokens."""

    @abstractmethod
    def _decode(self, token_ids: list[int]) -> str:
        """The text of ids that are in the vocabulary."""

    @abstractmethod
    def _last_cut(self, text: str, start: int, end: int) -> int:
        """The last place from `start` to `end` where text[start:] may be cut in two
        without a change of its ids, whatever follows `text`; `start` when none is."""

    @abstractmethod
    def token(self, token_id: int) -> str:
        """A label of one token for tables and figures, printable and on one line.

        A space shows as ␣, a line break as ↵, a tab as ⇥, any other character without
        a picture as <U+00A0>, and a byte that is no whole character as <0xE4>.
        Raises UnknownTokenIdError.
        """

    @abstractmethod
    def _to_json(self) -> dict[str, Any]:
        """What the file holds beside header and special tokens."""

    @classmethod
    @abstractmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        """The reverse of `_to_json`; may raise KeyError, TypeError or ValueError."""

    def encode(self, text: str, allowed_special: Collection[str] = ()) -> list[int]:
        """The ids of a text.

        Args:
            text: any text. What looks like a special token in it stays text.
            allowed_special: the special tokens that are read as such, found from left
                to right, the longest first; `tokenizer.special_ids` allows all. Never
                allow them in text that comes from outside.

        Raises:
            UnencodableTextError: for a lone surrogate.
            ValueError: when an allowed token is no special token.
        """
        require_encodable(text)
        if not allowed_special:
            return self._encode(text)
        token_ids: list[int] = []
        finder = SpecialTokenFinder(allowed_special, self.special_ids)
        for index, part in enumerate(finder.split(text)):
            token_ids += [self.special_ids[part]] if index % 2 else self._encode(part)
        return token_ids

    def encode_iterable(
        self, chunks: Iterable[str], allowed_special: Collection[str] = ()
    ) -> Iterator[int]:
        """The ids of a text that comes in chunks: of a file's lines, of a download.

        They are the ids of the joined text, wherever the chunks are cut. Chunks are
        read only as ids are asked for. The memory in use does not grow with the text;
        it holds one chunk, and the longest stretch of text without white space.

        Raises what `encode` raises.
        """
        finder = SpecialTokenFinder(allowed_special, self.special_ids)

        def last_cut(text: str) -> int:
            return self._last_cut(text, *finder.undecided(text))

        return (
            token_id
            for part in complete_parts(chunks, last_cut)
            for token_id in self.encode(part, allowed_special)
        )

    def decode(self, token_ids: Iterable[int], skip_special: bool = False) -> str:
        """The text of some ids; special tokens as their text, unless they are skipped.

        Raises UnknownTokenIdError.
        """
        known = [self._require_id(token_id) for token_id in token_ids]
        if skip_special:
            skipped = set(self.special_ids.values())
            known = [token_id for token_id in known if token_id not in skipped]
        return self._decode(known)

    def save(self, path: str | Path) -> None:
        """Write the tokenizer as plain JSON that `load` reads back."""
        special = {"special_tokens": list(self.special_ids)} if self.special_ids else {}
        write_tokenizer_file(path, self.kind, self._to_json() | special)

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
            return cls._from_json({"special_tokens": []} | content)
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
