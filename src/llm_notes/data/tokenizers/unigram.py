r"""The unigram language model tokenizer (Kudo 2018), with bytes to fall back on.

Each piece has a probability. A word is cut into the pieces whose product is largest;
other cuts are possible, and can be drawn at random while a model is trained.

SentencePiece writes the space in front of a word as ▁. Here it stays a space, so that a
▁ in the text is not lost. This module does not know how the pieces are learned.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Self

from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer
from llm_notes.data.tokenizers.pre_tokenisation import split_words
from llm_notes.data.tokenizers.text import require_encodable
from llm_notes.data.tokenizers.unigram_training import learn_pieces

# A character that is no piece costs this much more than the rarest piece, in nats. It
# is what SentencePiece and `tokenizers` charge for an unknown character.
_UNKNOWN_PENALTY = 10.0


class UnigramTokenizer(ByteLevelTokenizer):
    """Tokens are the 256 bytes, then the pieces.

    A character that is no piece is spelled with the bytes of its UTF-8 form.

    Args:
        pieces: (text, log-probability) of each; piece i has the id 256 + i.
        special_tokens: their ids follow those of the pieces, in this order.

    Raises ValueError for a piece that is empty or given twice, and for a score that is
    not finite.
    """

    kind = "unigram"

    def __init__(
        self, pieces: Sequence[tuple[str, float]], special_tokens: Sequence[str] = ()
    ) -> None:
        self.pieces = [(text, float(score)) for text, score in pieces]
        for text, score in self.pieces:
            if not isinstance(text, str) or not text or not math.isfinite(score):
                raise ValueError(
                    f"the piece {text!r} has the score {score}; a piece is a text with "
                    "a finite score"
                )
        self._score_of = dict(self.pieces)
        self._id_of = {text: 256 + i for i, (text, _) in enumerate(self.pieces)}
        if len(self._id_of) != len(self.pieces):
            raise ValueError("a piece is given twice")
        self._longest = max(map(len, self._id_of), default=1)
        rarest = min(self._score_of.values(), default=0.0)
        self._unknown_score = rarest - _UNKNOWN_PENALTY
        bytes_of = [bytes([byte]) for byte in range(256)]
        bytes_of += [text.encode() for text in self._id_of]
        super().__init__(bytes_of, special_tokens)

    @classmethod
    def train(
        cls, text: str, vocab_size: int, special_tokens: Sequence[str] = ()
    ) -> Self:
        """Learn as many pieces as `vocab_size` has room for, from the words of a text.

        Every character of the text becomes a piece. `vocab_size` comes out smaller when
        the text has too few different substrings.

        Raises ValueError when `vocab_size` has no room for bytes, special tokens and
        characters, UnencodableTextError for a text with a lone surrogate.
        """
        n_pieces = vocab_size - 256 - len(special_tokens)
        if n_pieces < 0:
            raise ValueError(
                f"vocab_size is {vocab_size}; the 256 bytes and {len(special_tokens)} "
                f"special tokens alone need {256 + len(special_tokens)}"
            )
        require_encodable(text)
        pieces = learn_pieces(Counter(split_words(text)), n_pieces)
        return cls(list(pieces.items()), special_tokens)

    def sample(self, text: str, generator: Random, alpha: float = 0.1) -> list[int]:
        r"""The ids of a segmentation drawn at random: subword regularisation.

        A segmentation has the probability $P(x)^\alpha / \sum_{x'} P(x')^\alpha$ (Kudo
        2018, section 3.3, over all segmentations rather than the best few). With
        $\alpha = 0$ all are equally likely; with a large one it is `encode`.

        Raises:
            ValueError: when `alpha` is negative or not finite.
            UnencodableTextError: for a lone surrogate.
        """
        if not 0 <= alpha < math.inf:
            raise ValueError(f"alpha is {alpha}; it must be a number from 0 upwards")
        require_encodable(text)
        token_ids: list[int] = []
        for word in split_words(text):
            token_ids += self._ids(word, self._draw(word, generator, alpha))
        return token_ids

    def token(self, token_id: int) -> str:
        if 0 <= (token_id := self._require_id(token_id)) < 256:
            return f"<0x{token_id:02X}>"  # "A" is the piece, <0x41> the byte
        return super().token(token_id)

    def _encode_word(self, word: str) -> list[int]:
        return self._ids(word, self._best(word))

    def _edges(self, word: str) -> Iterator[tuple[int, int, float]]:
        """(start, end, score) of each piece that fits, from left to right."""
        for start in range(len(word)):
            if word[start] not in self._score_of:
                yield start, start + 1, self._unknown_score
            for end in range(start + 1, min(len(word), start + self._longest) + 1):
                score = self._score_of.get(word[start:end])
                if score is not None:
                    yield start, end, score

    def _best(self, word: str) -> list[int]:
        """Where the pieces of the most probable segmentation end (Viterbi 1967).

        Of equally probable ones, that whose last piece is the longest.
        """
        best = [0.0] + [-math.inf] * len(word)
        start_of = [0] * (len(word) + 1)
        for start, end, score in self._edges(word):
            if best[start] + score > best[end]:
                best[end] = best[start] + score
                start_of[end] = start
        ends: list[int] = []
        end = len(word)
        while end:
            ends.append(end)
            end = start_of[end]
        return ends[::-1]

    def _draw(self, word: str, generator: Random, alpha: float) -> list[int]:
        """Where the pieces of a random segmentation end, drawn from the last one."""
        arriving: list[list[tuple[int, float]]] = [[] for _ in range(len(word) + 1)]
        total = [0.0] + [-math.inf] * len(word)  # log of the sum over all paths
        for start, end, score in self._edges(word):
            path = total[start] + alpha * score
            arriving[end].append((start, path))
            high, low = max(total[end], path), min(total[end], path)
            total[end] = high + math.log1p(math.exp(low - high))
        ends: list[int] = []
        end = len(word)
        while end:
            ends.append(end)
            starts = [start for start, _ in arriving[end]]
            weights = [math.exp(path - total[end]) for _, path in arriving[end]]
            end = generator.choices(starts, weights)[0]
        return ends[::-1]

    def _ids(self, word: str, ends: list[int]) -> list[int]:
        """The ids of a word's pieces; the bytes of what is no piece."""
        token_ids: list[int] = []
        start = 0
        for end in ends:
            piece = word[start:end]
            known = self._id_of.get(piece)
            if known is None:
                token_ids += piece.encode("utf-8", errors="surrogateescape")
            else:
                token_ids.append(known)
            start = end
        return token_ids

    def _to_json(self) -> dict[str, Any]:
        return {"pieces": self.pieces}

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        return cls(content["pieces"], content["special_tokens"])
