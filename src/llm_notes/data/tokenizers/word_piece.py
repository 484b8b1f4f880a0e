"""WordPiece, as BERT uses it: a word is cut into the longest pieces that are listed.

A piece that goes on within a word is written with ## in front: "tokenizers" may become
"token ##izer ##s". A word that cannot be cut becomes [UNK] as a whole. This module does
not know how pairs are counted, and not how text is cut into words.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, Self

from llm_notes.data.tokenizers.bert_words import SEPARATORS, split_bert_words
from llm_notes.data.tokenizers.listed import UNKNOWN, ListedTokenizer
from llm_notes.data.tokenizers.merges import learn_merges
from llm_notes.data.tokenizers.pre_tokenisation import last_word_end
from llm_notes.data.tokenizers.text import require_encodable
from llm_notes.data.tokenizers.word_cache import WordCache

CONTINUES = "##"
BERT_SPECIAL_TOKENS = ("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
LONGEST_WORD = 100  # characters; a longer word is [UNK]


class WordPieceTokenizer(ListedTokenizer):
    """Tokens are pieces of words, at a word's start or (with ##) within it.

    Lossy: white space and control characters are dropped, and with `lower_case` also
    capitals and accents; a word with an unlisted character is [UNK]. `decode` puts a
    space between words, and so around punctuation.

    Args:
        vocabulary: the pieces by id, such as the lines of BERT's vocab.txt; special
            tokens may be among them.
        special_tokens: [UNK] has to be one of them. Those that the vocabulary does not
            list follow it.
        lower_case: fold capitals and accents, as BERT's uncased models do.

    Raises ValueError for an entry that is no text or listed twice, and without [UNK].
    """

    kind = "word_piece"

    def __init__(
        self,
        vocabulary: Sequence[str],
        special_tokens: Sequence[str] = BERT_SPECIAL_TOKENS,
        lower_case: bool = True,
    ) -> None:
        super().__init__(vocabulary, special_tokens)
        self.lower_case = bool(lower_case)
        self._cache = WordCache(self._encode_between_spaces)

    @classmethod
    def train(
        cls,
        text: str,
        vocab_size: int,
        special_tokens: Sequence[str] = BERT_SPECIAL_TOKENS,
        lower_case: bool = True,
    ) -> Self:
        r"""Learn pieces by merging the most frequent pair of neighbours, as BPE does.

        First come the special tokens, then the characters, then those that were seen
        within a word, with ##, each sorted by code point; then the merges, with the
        ties of BPE. The library `tokenizers` learns the same when it numbers the
        characters so; left to itself it numbers them at random, and ties vary.

        The merges are chosen by their count $n_{ab}$. Schuster & Nakajima (2012), who
        named the pieces, choose the pair that raises the likelihood of the text most,
        often written as the largest $n_{ab} / (n_a n_b)$; BERT's own trainer was not
        published. What sets WordPiece apart from BPE is then the encoding: the longest
        piece first, whatever the order of the merges.

        Raises ValueError when `vocab_size` has no room for special tokens and
        characters, UnencodableTextError for a text with a lone surrogate.
        """
        require_encodable(text)
        counts = Counter(split_bert_words(text, lower_case))
        first = {word[0] for word in counts}
        inner = {character for word in counts for character in word[1:]}
        # Every character may begin a word, also one that was not seen to.
        vocabulary = [
            *special_tokens,
            *sorted(first | inner),
            *sorted(CONTINUES + character for character in inner),
        ]
        if vocab_size < len(vocabulary):
            raise ValueError(
                f"vocab_size is {vocab_size}; the {len(special_tokens)} special tokens "
                f"and the characters of the text alone need {len(vocabulary)}"
            )
        id_of = {piece: token_id for token_id, piece in enumerate(vocabulary)}
        words = [
            [id_of[word[0]], *(id_of[CONTINUES + character] for character in word[1:])]
            for word in counts
        ]
        n_merges = vocab_size - len(vocabulary)
        for a, b in learn_merges(words, counts.values(), len(vocabulary), n_merges):
            vocabulary.append(vocabulary[a] + vocabulary[b].removeprefix(CONTINUES))
        return cls(vocabulary, special_tokens, lower_case)

    def _encode(self, text: str) -> list[int]:
        for separator in SEPARATORS[1:]:
            text = text.replace(separator, " ")
        return list(chain.from_iterable(map(self._cache.__getitem__, text.split(" "))))

    def _encode_between_spaces(self, text: str) -> list[int]:
        """The ids of a stretch without separators, which may hold several words."""
        words = split_bert_words(text, self.lower_case)
        return [token_id for word in words for token_id in self._cut(word)]

    def _cut(self, word: str) -> list[int]:
        """The longest listed piece at the start of a word, then of the rest, …"""
        if len(word) > LONGEST_WORD:
            return [self.unknown_id]
        token_ids: list[int] = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(len(word), start, -1):
                token_id = self._id_of.get(prefix + word[start:end])
                if token_id is not None:
                    break
            else:
                return [self.unknown_id]
            token_ids.append(token_id)
            start, prefix = end, CONTINUES
        return token_ids

    def _decode(self, token_ids: list[int]) -> str:
        pieces = " ".join([self.vocabulary[token_id] for token_id in token_ids])
        return pieces.replace(" " + CONTINUES, "")

    def _last_cut(self, text: str, start: int, end: int) -> int:
        return last_word_end(text, start, end, SEPARATORS)

    def _to_json(self) -> dict[str, Any]:
        return super()._to_json() | {"lower_case": self.lower_case}

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        return cls(
            content["vocabulary"], content["special_tokens"], content["lower_case"]
        )
