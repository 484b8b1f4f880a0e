"""What tokenizers have in common that keep a list of words and call the rest unknown.

They are lossy, and `unknown_share` says how lossy. This module does not know how a text
is cut into what the list may hold.
"""

from collections.abc import Sequence
from typing import Any

from llm_notes.data.tokenizers.base import Tokenizer
from llm_notes.data.tokenizers.special_tokens import number_special_tokens
from llm_notes.data.tokenizers.text import printable

UNKNOWN = "[UNK]"


class ListedTokenizer(Tokenizer):
    """Tokens are the entries of a list; [UNK] stands for what is not in it.

    Args:
        vocabulary: the entries by id; special tokens may be among them.
        special_tokens: [UNK] has to be one of them. Those that the vocabulary does not
            list follow it.

    Attributes:
        unknown_id: the id of [UNK].

    Raises ValueError for an entry that is no text or listed twice, and without [UNK].
    """

    lossless = False

    def __init__(
        self, vocabulary: Sequence[str], special_tokens: Sequence[str]
    ) -> None:
        ids = {entry: token_id for token_id, entry in enumerate(vocabulary)}
        for token_id, entry in enumerate(vocabulary):
            if not isinstance(entry, str) or not entry:
                raise ValueError(f"entry {token_id} of the vocabulary is {entry!r}")
            if ids[entry] != token_id:
                raise ValueError(f"the vocabulary lists {entry!r} twice")
        self.special_ids = number_special_tokens(special_tokens, len(ids), ids)
        if UNKNOWN not in self.special_ids:
            raise ValueError(
                f"the special tokens {list(special_tokens)} lack {UNKNOWN}; it stands "
                "for what the vocabulary does not list"
            )
        self.unknown_id = self.special_ids[UNKNOWN]
        self.vocabulary = list(ids | self.special_ids)
        # What a user types is a word, even where it looks like a special token.
        self._id_of = {e: i for e, i in ids.items() if e not in self.special_ids}

    @property
    def vocab_size(self) -> int:
        return len(self.vocabulary)

    def token(self, token_id: int) -> str:
        return printable(self.vocabulary[self._require_id(token_id)])

    def unknown_share(self, text: str) -> float:
        """The share of a text's tokens that are [UNK]: what a model never gets to see.

        Raises ValueError for a text without a token.
        """
        token_ids = self.encode(text)
        if not token_ids:
            raise ValueError("the text holds no token, so no share of them is unknown")
        return token_ids.count(self.unknown_id) / len(token_ids)

    def _to_json(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary}
