"""Byte-level byte-pair encoding, as GPT-2 uses it (Sennrich et al. 2016; Radford 2019).

Training starts from the 256 bytes and merges the most frequent pair of neighbours into
a new token, again and again. Every text can be encoded, since every text is bytes.

A text is first cut into words, and no merge crosses a word. A word keeps the space in
front of it, so that no character is lost. This module knows no other tokenizer; what it
learns is equal, id by id, to what the library `tokenizers` learns (tests say so).
"""

import heapq
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby, pairwise
from typing import Any, Self

from llm_notes.data.tokenizers.base import Tokenizer, printable, require_encodable

Pair = tuple[int, int]

# GPT-2 numbers the bytes so that those with a visible Latin-1 character come first.
# The order matters: of equally frequent pairs, the one with smaller ids is merged.
_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
BYTES = bytes(_VISIBLE + sorted(set(range(256)) - set(_VISIBLE)))  # id -> byte
_ID_OF_BYTE = {byte: token_id for token_id, byte in enumerate(BYTES)}

_CACHE_LIMIT = 2**16  # words; about the vocabulary of a large book


class BytePairTokenizer(Tokenizer):
    """Tokens are the 256 bytes, then one for each merge, in the order of learning.

    Args:
        merges: merges[i] is the pair of ids that token 256 + i joins; both exist
            before it.
    """

    kind = "byte_pair"

    def __init__(self, merges: Sequence[Pair]) -> None:
        self.merges = [(int(a), int(b)) for a, b in merges]
        self._bytes_of = [bytes([byte]) for byte in BYTES]
        for new_id, (a, b) in enumerate(self.merges, start=256):
            if not (0 <= a < new_id and 0 <= b < new_id):
                raise ValueError(
                    f"merge {new_id - 256} joins {a} and {b}; "
                    f"only ids 0 to {new_id - 1} exist before it"
                )
            self._bytes_of.append(self._bytes_of[a] + self._bytes_of[b])
        self._joined = {pair: i for i, pair in enumerate(self.merges, start=256)}
        if len(self._joined) != len(self.merges):
            raise ValueError("a pair is merged twice")
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def train(cls, text: str, vocab_size: int) -> Self:
        """Learn vocab_size - 256 merges from the words of a text.

        Each step merges the pair of neighbours that is most frequent; among equally
        frequent ones, that with the smaller first id, then the smaller second id. It
        stops early when every word is one token: `vocab_size` then comes out smaller.

        Raises ValueError when `vocab_size` < 256, UnencodableTextError for a text with
        a lone surrogate.
        """
        if vocab_size < 256:
            raise ValueError(
                f"vocab_size is {vocab_size}; the 256 bytes alone need 256"
            )
        require_encodable(text)
        counts = Counter(split_words(text))
        words = [[_ID_OF_BYTE[byte] for byte in word.encode()] for word in counts]
        return cls(_learn_merges(words, list(counts.values()), vocab_size - 256))

    @property
    def vocab_size(self) -> int:
        return len(self._bytes_of)

    def encode(self, text: str) -> list[int]:
        """The ids of a text. Raises UnencodableTextError for a lone surrogate."""
        require_encodable(text)
        token_ids: list[int] = []
        for word in split_words(text):
            known = self._cache.get(word)
            if known is None:
                known = self._encode_word(word)
                if len(self._cache) < _CACHE_LIMIT:
                    self._cache[word] = known
            token_ids += known
        return token_ids

    def _encode_word(self, word: str) -> list[int]:
        token_ids = [_ID_OF_BYTE[byte] for byte in word.encode()]
        while True:
            # The earliest merge first, as in training: it made the later ones possible.
            joined = [self._joined[p] for p in pairwise(token_ids) if p in self._joined]
            if not joined:
                return token_ids
            new_id = min(joined)
            token_ids = _merge(token_ids, self.merges[new_id - 256], new_id)

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for; not always whole characters."""
        return self._bytes_of[self._require_id(token_id)]

    def decode(self, token_ids: Iterable[int]) -> str:
        """The text of some ids. Bytes that are no UTF-8 come out as U+FFFD, �.

        `encode` never gives such ids; a model that samples token by token can.
        """
        data = b"".join(self.token_bytes(token_id) for token_id in token_ids)
        return data.decode("utf-8", errors="replace")

    def token(self, token_id: int) -> str:
        # "surrogateescape" decodes a stray byte 0xNN to U+DCNN: no text holds that.
        text = self.token_bytes(token_id).decode("utf-8", errors="surrogateescape")
        return "".join(
            f"<0x{ord(c) - 0xDC00:02X}>" if 0xDC80 <= ord(c) <= 0xDCFF else printable(c)
            for c in text
        )

    def _to_json(self) -> dict[str, Any]:
        return {"merges": self.merges}

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        return cls(content["merges"])


def split_words(text: str) -> list[str]:
    """Cut a text into words, numbers, punctuation and white space, as GPT-2 does.

    Joined again, the pieces are the text.
    """
    return _word_pattern().findall(text)


@cache
def _word_pattern() -> re.Pattern[str]:
    r"""GPT-2's pattern, in the notation that Python's `re` does not have:

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

    Python's `re` has no \p, so the classes are written out from the Unicode categories
    of this Python (at first use: it takes a fraction of a second). Its \s is no help
    either: it counts the four separators U+001C to U+001F, which Unicode does not.
    """
    ranges: dict[str, str] = defaultdict(str)
    code_points = range(0x110000)
    for group, run in groupby(code_points, lambda c: unicodedata.category(chr(c))[0]):
        if group in "LN":
            run = list(run)
            ranges[group] += f"\\U{run[0]:08x}-\\U{run[-1]:08x}"
    letter, number = ranges["L"], ranges["N"]
    space = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    return re.compile(
        "'s|'t|'re|'ve|'m|'ll|'d"
        f"| ?[{letter}]+| ?[{number}]+| ?[^{space}{letter}{number}]+"
        f"|[{space}]+(?![^{space}])|[{space}]+"
    )


def _learn_merges(
    words: list[list[int]], counts: list[int], n_merges: int
) -> list[Pair]:
    """The merges for distinct words, words[i] standing counts[i] times; changes words.

    Recounting all pairs after each merge is the definition, and slow. A merge changes
    only the words that hold its pair, so an index from pairs to words keeps the counts
    up to date, and a heap finds the most frequent pair.
    """
    count_of: Counter[Pair] = Counter()
    words_with: dict[Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in pairwise(word):
            count_of[pair] += counts[index]
            words_with[pair].add(index)

    # Smallest first: the negated count, then the pair itself, which settles ties.
    heap = [(-count, pair) for pair, count in count_of.items()]
    heapq.heapify(heap)
    merges: list[Pair] = []
    while heap and len(merges) < n_merges:
        negated, pair = heapq.heappop(heap)
        if -negated != count_of[pair]:  # out of date: counts only ever sink
            if count_of[pair]:
                heapq.heappush(heap, (-count_of[pair], pair))
            continue
        new_id = 256 + len(merges)
        merges.append(pair)
        new_pairs: set[Pair] = set()
        for index in words_with.pop(pair):
            old, new = words[index], _merge(words[index], pair, new_id)
            if len(new) == len(old):
                continue  # an earlier merge took the pair out of this word
            for neighbours in pairwise(old):
                count_of[neighbours] -= counts[index]
            for neighbours in pairwise(new):
                count_of[neighbours] += counts[index]
                if new_id in neighbours:
                    words_with[neighbours].add(index)
                    new_pairs.add(neighbours)
            words[index] = new
        for neighbours in new_pairs:
            heapq.heappush(heap, (-count_of[neighbours], neighbours))
    return merges


def _merge(token_ids: list[int], pair: Pair, new_id: int) -> list[int]:
    """Replace each occurrence of a pair, from left to right, by the new token."""
    merged: list[int] = []
    i = 0
    while i < len(token_ids):
        if i + 1 < len(token_ids) and (token_ids[i], token_ids[i + 1]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(token_ids[i])
            i += 1
    return merged
