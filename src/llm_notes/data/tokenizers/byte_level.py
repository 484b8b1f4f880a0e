"""What tokenizers have in common whose tokens are byte strings: nothing is ever lost.

Every text is bytes, and each of the 256 bytes is a token. So every text can be encoded,
and so can data that is no text. This module does not know how a word is cut.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain

from llm_notes.data.tokenizers.base import Tokenizer
from llm_notes.data.tokenizers.pre_tokenisation import last_word_end, split_words
from llm_notes.data.tokenizers.special_tokens import number_special_tokens
from llm_notes.data.tokenizers.text import printable
from llm_notes.data.tokenizers.word_cache import WordCache


class ByteLevelTokenizer(Tokenizer):
    """Tokens are byte strings, found within the words of GPT-2's pattern.

    Args:
        bytes_of: the bytes of each ordinary token.
        special_tokens: their ids follow those of the ordinary tokens.
    """

    lossless = True

    def __init__(
        self, bytes_of: Sequence[bytes], special_tokens: Sequence[str]
    ) -> None:
        self.special_ids = number_special_tokens(special_tokens, len(bytes_of))
        self._bytes_of = [*bytes_of, *(token.encode() for token in self.special_ids)]
        self._cache = WordCache(self._encode_word)

    @abstractmethod
    def _encode_word(self, word: str) -> list[int]:
        """The ids of one word; a surrogate U+DCxx in it is the stray byte xx."""

    @property
    def vocab_size(self) -> int:
        return len(self._bytes_of)

    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of any byte string, also of one that is no UTF-8.

        Each byte that is no part of a character counts as a punctuation mark when words
        are cut: a run of them is one word, with the space before it. For the bytes of a
        text the ids are those of `encode`.
        """
        # "surrogateescape" decodes a stray byte 0xNN to U+DCNN, which no text holds.
        return self._encode(data.decode("utf-8", errors="surrogateescape"))

    def decode_bytes(self, token_ids: Iterable[int]) -> bytes:
        """The bytes of some ids, undoing `encode_bytes` for every byte string.

        Raises UnknownTokenIdError.
        """
        return b"".join(self.token_bytes(token_id) for token_id in token_ids)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; not always whole characters.

        Raises UnknownTokenIdError.
        """
        return self._bytes_of[self._require_id(token_id)]

    def decode(self, token_ids: Iterable[int], skip_special: bool = False) -> str:
        """The text of some ids. Bytes that are no UTF-8 come out as U+FFFD, �.

        `encode` never gives such ids; a model that samples token by token can.

        Args:
            skip_special: leave special tokens out, rather than showing their text.

        Raises UnknownTokenIdError.
        """
        return super().decode(token_ids, skip_special)

    def token(self, token_id: int) -> str:
        text = self.token_bytes(token_id).decode("utf-8", errors="surrogateescape")
        return "".join(
            f"<0x{ord(c) - 0xDC00:02X}>" if 0xDC80 <= ord(c) <= 0xDCFF else printable(c)
            for c in text
        )

    def _encode(self, text: str) -> list[int]:
        # map and chain run this loop in C: it is where the time of encoding goes.
        words = split_words(text)
        return list(chain.from_iterable(map(self._cache.__getitem__, words)))

    def _decode(self, token_ids: list[int]) -> str:
        data = b"".join([self._bytes_of[token_id] for token_id in token_ids])
        return data.decode("utf-8", errors="replace")

    def _last_cut(self, text: str, start: int, end: int) -> int:
        return last_word_end(text, start, end)
