"""The word tokenizer: one token for each word of a fixed list, and one for all others.

The oldest way, and a lossy one: what it cannot say is why the other tokenizers exist.
It knows no part of a word: "attend" and "attends" have nothing in common.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

from llm_notes.data.tokenizers.listed import UNKNOWN, ListedTokenizer
from llm_notes.data.tokenizers.pre_tokenisation import last_word_end
from llm_notes.data.tokenizers.text import require_encodable

_WORD = re.compile(r"\w+|[^\w\s]")  # a run of letters, digits and _, or any one sign


class WordTokenizer(ListedTokenizer):
    """Tokens are words and punctuation marks; [UNK] stands for all that are not listed.

    Lossy: white space is dropped (how much there was, and where), and so is every word
    that became [UNK]. `decode` puts one space between all tokens. `unknown_share` tells
    how much of a text is lost.

    Args and errors are those of `ListedTokenizer`.
    """

    kind = "word"

    def __init__(
        self, vocabulary: Sequence[str], special_tokens: Sequence[str] = (UNKNOWN,)
    ) -> None:
        super().__init__(vocabulary, special_tokens)

    @classmethod
    def train(
        cls,
        text: str,
        vocab_size: int,
        special_tokens: Sequence[str] = (UNKNOWN,),
        min_count: int = 1,
    ) -> Self:
        """List the most frequent words that occur at least `min_count` times.

        Special tokens come first. Of equally frequent words, those with smaller code
        points are taken first. The vocabulary comes out smaller than `vocab_size` when
        the text has fewer such words.

        Raises ValueError when `vocab_size` has no room for the special tokens,
        UnencodableTextError for a text with a lone surrogate.
        """
        if vocab_size < len(special_tokens):
            raise ValueError(
                f"vocab_size is {vocab_size}; the special tokens alone need "
                f"{len(special_tokens)}"
            )
        require_encodable(text)
        counts = Counter(_WORD.findall(text))
        frequent = [word for word, count in counts.items() if count >= min_count]
        frequent.sort(key=lambda word: (-counts[word], word))
        taken = [word for word in frequent if word not in special_tokens]
        n_words = vocab_size - len(special_tokens)
        return cls([*special_tokens, *taken[:n_words]], special_tokens)

    def _encode(self, text: str) -> list[int]:
        return [self._id_of.get(w, self.unknown_id) for w in _WORD.findall(text)]

    def _decode(self, token_ids: list[int]) -> str:
        return " ".join([self.vocabulary[token_id] for token_id in token_ids])

    def _last_cut(self, text: str, start: int, end: int) -> int:
        return last_word_end(text, start, end)

    @classmethod
    def _from_json(cls, content: dict[str, Any]) -> Self:
        return cls(content["vocabulary"], content["special_tokens"])
