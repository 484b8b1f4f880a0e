"""The character tokenizer: one token for each character of a fixed alphabet.

It knows nothing of words. Its vocabulary is small and its sequences are long.
"""

from collections.abc import Sequence
from typing import Any, Self

from llm_notes.data.tokenizers.base import Tokenizer
from llm_notes.data.tokenizers.special_tokens import number_special_tokens
from llm_notes.data.tokenizers.text import printable, require_encodable


class UnknownCharacterError(ValueError):
    """The text holds a character that is not in the tokenizer's alphabet."""


class CharacterTokenizer(Tokenizer):
    """Ids are places in the alphabet, which is sorted by code point.

    Only the characters of the text that `train` saw can be encoded; there is no token
    for "unknown", because it could not be decoded, and it would make bits per byte
    look better than they are. So train it on an alphabet that covers all texts in use,
    such as `Corpus.alphabet`, or use the byte-level `BytePairTokenizer`, which can
    encode every text.

    Args:
        alphabet: the characters, in any order.
        special_tokens: their ids follow those of the alphabet, in this order.

    Raises ValueError for an empty alphabet or one that names a character twice.
    """

    kind = "character"
    lossless = True

    def __init__(self, alphabet: str, special_tokens: Sequence[str] = ()) -> None:
        if not alphabet:
            raise ValueError("the alphabet is empty; train on a text with characters")
        require_encodable(alphabet)
        self.alphabet = "".join(sorted(set(alphabet)))
        if len(self.alphabet) != len(alphabet):
            raise ValueError("the alphabet names a character twice")
        self._id_of = {c: index for index, c in enumerate(self.alphabet)}
        self.special_ids = number_special_tokens(special_tokens, len(self.alphabet))
        self._texts = [*self.alphabet, *self.special_ids]

    @classmethod
    def train(cls, text: str, special_tokens: Sequence[str] = ()) -> Self:
        """The tokenizer whose alphabet is the characters of `text`."""
        return cls("".join(sorted(set(text))), special_tokens)

    @property
    def vocab_size(self) -> int:
        return len(self._texts)

    def token(self, token_id: int) -> str:
        return printable(self._texts[self._require_id(token_id)])

    def _encode(self, text: str) -> list[int]:
        """One id for each character. Raises UnknownCharacterError."""
        try:
            return [self._id_of[c] for c in text]
        except KeyError as error:
            unknown = error.args[0]
            position = text.index(unknown)
            raise UnknownCharacterError(
                f"{unknown!r} (U+{ord(unknown):04X}) at position {position}, after "
                f"{text[max(0, position - 20) : position]!r}, is not among the "
                f"{len(self.alphabet)} characters of the alphabet, "
                f"{printable(self.alphabet)}; train the tokenizer on a text that has "
                "it, remove it, or use BytePairTokenizer"
            ) from None

    def _decode(self, token_ids: list[int]) -> str:
        return "".join([self._texts[token_id] for token_id in token_ids])

    def _last_cut(self, text: str, start: int, end: int) -> int:
        return end

    def _to_json(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        alphabet = content["alphabet"]
        if not isinstance(alphabet, str):
            raise TypeError(f"the alphabet is a {type(alphabet).__name__}, not a text")
        return cls(alphabet, content["special_tokens"])
