"""Where the tokens of a text lie in it: the stretch of bytes that each stands for.

A lossy tokenizer drops spaces, accents and unknown words; this finds again what each
token came from. Knows every kind of tokenizer, and no page.
"""

import re
from collections.abc import Sequence
from functools import cache

from llm_notes.data.tokenizers import (
    CharacterTokenizer,
    Tokenizer,
    UnknownCharacterError,
    WordPieceTokenizer,
    WordTokenizer,
)
from llm_notes.data.tokenizers.bert_words import split_bert_words
from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer
from llm_notes.data.tokenizers.text import require_encodable

KNOWN_TOKENIZERS = (
    CharacterTokenizer,
    WordTokenizer,
    WordPieceTokenizer,
    ByteLevelTokenizer,
)
_WORD = re.compile(r"\w+|[^\w\s]")  # how WordTokenizer cuts

# id (None: no token), and where the token lies in the bytes of the text.
Piece = tuple[int | None, int, int]


def pieces_of(tokenizer: Tokenizer, text: str) -> list[Piece]:
    """The tokens of a text and the stretch of its UTF-8 bytes that each stands for.

    A character that a character tokenizer does not have is a piece with the id None.

    Raises UnencodableTextError for a lone surrogate.
    """
    require_encodable(text)
    if isinstance(tokenizer, ByteLevelTokenizer):
        ids = tokenizer.encode(text)
        return _in_a_row(ids, [len(tokenizer.token_bytes(i)) for i in ids])
    if isinstance(tokenizer, CharacterTokenizer):
        ids = [_character_id(tokenizer, character) for character in text]
        return _in_a_row(ids, [len(character.encode()) for character in text])
    place = _byte_places(text)
    if isinstance(tokenizer, WordTokenizer):
        words = [match.span() for match in _WORD.finditer(text)]
        pairs = zip(tokenizer.encode(text), words, strict=True)
        return [(i, place[start], place[end]) for i, (start, end) in pairs]
    return _word_pieces(tokenizer, text, place)


def _word_pieces(
    tokenizer: WordPieceTokenizer, text: str, place: Sequence[int]
) -> list[Piece]:
    # owner[i]: which character of the text the i-th character of the words comes from.
    lower_case = tokenizer.lower_case
    owner = [i for i, c in enumerate(text) for _ in range(_n_characters(c, lower_case))]
    pieces: list[Piece] = []
    start = 0
    for word in split_bert_words(text, lower_case):
        word_end = start + len(word)
        for token_id in tokenizer.encode(word):
            end = word_end  # of [UNK], which stands for the whole word
            if token_id != tokenizer.unknown_id:
                piece = tokenizer.vocabulary[token_id]
                inner = start > word_end - len(word)
                end = start + len(piece.removeprefix("##") if inner else piece)
            first, last = owner[start], owner[end - 1]
            pieces.append((token_id, place[first], place[last + 1]))
            start = end
    return pieces


@cache
def _n_characters(character: str, lower_case: bool) -> int:
    """How many characters BERT's words get from one character of a text."""
    return sum(map(len, split_bert_words(character, lower_case)))


def _character_id(tokenizer: CharacterTokenizer, character: str) -> int | None:
    try:
        return tokenizer.encode(character)[0]
    except UnknownCharacterError:
        return None


def _in_a_row(ids: Sequence[int | None], lengths: Sequence[int]) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for token_id, length in zip(ids, lengths, strict=True):
        start, end = end, end + length
        pieces.append((token_id, start, end))
    return pieces


def _byte_places(text: str) -> list[int]:
    """place[i]: how many bytes stand before character i; one more for the end."""
    places = [0]
    for character in text:
        places.append(places[-1] + len(character.encode()))
    return places
