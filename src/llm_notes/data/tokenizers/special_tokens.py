"""Special tokens: marks such as `<|endoftext|>` that a program sets and no user types.

A mark that a user can type is an injection: text from outside could close a message or
open another. So the same characters in a text stay text, unless the caller allows the
mark by name. This module knows no tokenizer.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from llm_notes.data.tokenizers.text import require_encodable


def number_special_tokens(
    special_tokens: Sequence[str],
    first_id: int,
    listed: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The id of each special token.

    One rule for all tokenizers: a special token that the vocabulary lists keeps its id
    there (as [PAD], [UNK] … of BERT do); the others follow the vocabulary, in the order
    given (as <|endoftext|> of GPT-2 does).

    Args:
        special_tokens: their texts.
        first_id: the size of the vocabulary without those that follow it.
        listed: the ids of a vocabulary that may hold special tokens.

    Raises ValueError for a text that is empty, given twice, or has no UTF-8 form.
    """
    if isinstance(special_tokens, str):
        raise ValueError(
            f"special_tokens is the text {special_tokens!r}; give a list of texts"
        )
    ids: dict[str, int] = {}
    following = first_id
    for token in special_tokens:
        if not isinstance(token, str) or not token:
            raise ValueError(f"a special token is {token!r}; it must be a text, not ''")
        if token in ids:
            raise ValueError(f"the special token {token!r} is given twice")
        require_encodable(token)
        if listed and token in listed:
            ids[token] = listed[token]
        else:
            ids[token] = following
            following += 1
    return ids


class SpecialTokenFinder:
    """Finds the special tokens that a caller allows.

    From left to right, without overlap. Where two begin at the same place, the longer
    one is taken.

    Raises ValueError when an allowed token is no special token of the tokenizer.
    """

    def __init__(self, allowed: Collection[str], known: Collection[str]) -> None:
        if isinstance(allowed, str) or not set(allowed) <= set(known):
            raise ValueError(
                f"allowed_special is {allowed!r}; it must be a set of this tokenizer's "
                f"special tokens, {sorted(known)}"
            )
        longest_first = sorted(allowed, key=lambda token: (-len(token), token))
        self._longest = len(longest_first[0]) if longest_first else 0
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def split(self, text: str) -> list[str]:
        """Ordinary text, special token, ordinary text, …: the odd ones are special."""
        if not self._longest:
            return [text]
        return re.split(f"({self._pattern.pattern})", text)

    def undecided(self, text: str) -> tuple[int, int]:
        """The stretch (start, end) of ordinary text after the last special token.

        What follows `text` is not known yet. No special token can begin before `end`
        beside those that end at or before `start`, whatever follows.
        """
        if not self._longest:
            return 0, len(text)
        start = 0
        for match in self._pattern.finditer(text):
            if match.start() + self._longest > len(text):  # may become a longer one
                return start, match.start()
            start = match.end()
        return start, max(start, len(text) - self._longest + 1)
