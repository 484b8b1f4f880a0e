"""Byte-level byte-pair encoding, as GPT-2 uses it (Sennrich et al. 2016; Radford 2019).

Training starts from the 256 bytes and merges the most frequent pair of neighbours into
a new token, again and again. Every text can be encoded, since every text is bytes.

What it learns is equal, id by id, to what the library `tokenizers` learns (tests say
so). This module knows no other tokenizer, and not how merges are counted.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer
from llm_notes.data.tokenizers.merges import Pair, learn_merges
from llm_notes.data.tokenizers.pre_tokenisation import split_words
from llm_notes.data.tokenizers.text import require_encodable

# GPT-2 numbers the bytes so that those with a visible Latin-1 character come first.
# The order matters: of equally frequent pairs, the one with smaller ids is merged.
_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
BYTES = bytes(_VISIBLE + sorted(set(range(256)) - set(_VISIBLE)))  # id -> byte
_ID_OF_BYTE = bytes.maketrans(BYTES, bytes(range(256)))  # data.translate gives its ids


class BytePairTokenizer(ByteLevelTokenizer):
    """Tokens are the 256 bytes, then one for each merge, in the order of learning.

    Args:
        merges: merges[i] is the pair of ids that token 256 + i joins; both exist
            before it.
        special_tokens: their ids follow those of the merges, in this order.

    Raises ValueError for a merge given twice, or of a token that is not there yet.
    """

    kind = "byte_pair"

    def __init__(
        self, merges: Sequence[Pair], special_tokens: Sequence[str] = ()
    ) -> None:
        self.merges = [(int(a), int(b)) for a, b in merges]
        bytes_of = [bytes([byte]) for byte in BYTES]
        for new_id, (a, b) in enumerate(self.merges, start=256):
            if not (0 <= a < new_id and 0 <= b < new_id):
                raise ValueError(
                    f"merge {new_id - 256} joins {a} and {b}; "
                    f"only ids 0 to {new_id - 1} exist before it"
                )
            bytes_of.append(bytes_of[a] + bytes_of[b])
        self._joined = {pair: i for i, pair in enumerate(self.merges, start=256)}
        if len(self._joined) != len(self.merges):
            raise ValueError("a pair is merged twice")
        super().__init__(bytes_of, special_tokens)

    @classmethod
    def train(
        cls, text: str, vocab_size: int, special_tokens: Sequence[str] = ()
    ) -> Self:
        """Learn as many merges as `vocab_size` has room for, from the words of a text.

        Each step merges the pair of neighbours that is most frequent; among equally
        frequent ones, that with the smaller first id, then the smaller second id. It
        stops early when every word is one token: `vocab_size` then comes out smaller.

        Raises ValueError when `vocab_size` has no room for bytes and special tokens,
        UnencodableTextError for a text with a lone surrogate.
        """
        n_merges = vocab_size - 256 - len(special_tokens)
        if n_merges < 0:
            raise ValueError(
                f"vocab_size is {vocab_size}; the 256 bytes and {len(special_tokens)} "
                f"special tokens alone need {256 + len(special_tokens)}"
            )
        require_encodable(text)
        counts = Counter(split_words(text))
        words = (word.encode().translate(_ID_OF_BYTE) for word in counts)
        merges = learn_merges(words, counts.values(), first_id=256, n_merges=n_merges)
        return cls(merges, special_tokens)

    def _encode_word(self, word: str) -> list[int]:
        """Join pairs of neighbours, the earliest merge first, until none is left.

        Earliest first is the order of training: it made the later ones possible. A heap
        of the pairs that can be joined keeps the work at n log n for n bytes.
        """
        data = word.encode("utf-8", errors="surrogateescape")
        # The token past the end is no part of any pair. Place -1, before the first
        # token, is the same place: Python's lists make it a ring.
        tokens = [*data.translate(_ID_OF_BYTE), -1]
        after = [*range(1, len(tokens)), 0]
        before = [*range(-1, len(tokens) - 1)]
        joined = self._joined
        heap = [
            (joined[pair], place)
            for place, pair in enumerate(pairwise(tokens))
            if pair in joined
        ]
        heapq.heapify(heap)
        while heap:
            new_id, place = heapq.heappop(heap)
            other = after[place]
            if joined.get((tokens[place], tokens[other])) != new_id:
                continue  # an earlier merge took one of the two
            following = after[place] = after[other]
            before[following] = place
            tokens[place], tokens[other] = new_id, -1
            for first in (before[place], place):
                pair = (tokens[first], tokens[after[first]])
                if pair in joined:
                    heapq.heappush(heap, (joined[pair], first))
        return [token_id for token_id in tokens if token_id >= 0]

    def _to_json(self) -> dict[str, Any]:
        return {"merges": self.merges}

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        return cls(content["merges"], content["special_tokens"])
