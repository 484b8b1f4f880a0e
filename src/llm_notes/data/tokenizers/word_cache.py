"""A bounded memory of words and their ids.

More than half of the words of a running text are among its hundred most frequent ones.
Encoding each of them once is most of the speed of a tokenizer. It knows no tokenizer.
"""

from collections.abc import Callable

N_WORDS = 2**16  # about the vocabulary of a large book
LONGEST_WORD = 100  # characters; longer ones rarely come again


class WordCache(dict[str, list[int]]):
    """cache[word] is encode_word(word), computed at first use.

    When it is full, it is emptied and fills again with the words of the text at hand.
    So its size is bounded however long the text is.
    """

    def __init__(self, encode_word: Callable[[str], list[int]]) -> None:
        super().__init__()
        self._encode_word = encode_word

    def __missing__(self, word: str) -> list[int]:
        token_ids = self._encode_word(word)
        if len(word) <= LONGEST_WORD:
            if len(self) >= N_WORDS:
                self.clear()
            self[word] = token_ids
        return token_ids
