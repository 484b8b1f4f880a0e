"""Text from tokens as they come: whole characters only, and nothing of a stop string.

A token may hold half a character, and a stop string may begin in one token and end in
another. So text is given out only when no later token can change it. The module knows
no model.
"""

import codecs
from collections.abc import Sequence

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer

N_CONTEXT = 8  # tokens of a prompt that may decide what stands before the next one


class Characters:
    """The characters of tokens, each as soon as it is whole.

    All that is given out, joined, is `tokenizer.decode(token_ids, skip_special=True)`,
    or what that has more with the prompt before it: some tokenizers put a space between
    two tokens, and none before the first.
    """

    def __init__(self, tokenizer: Tokenizer, prompt_ids: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._special = set(tokenizer.special_ids.values())
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")
        shown = [i for i in prompt_ids[-N_CONTEXT:] if i not in self._special]
        self._token_ids: list[int] = shown
        self._context, self._given = 0, len(shown)  # where the last two pieces begin

    def add(self, token_id: int) -> str:
        """What is certain with one more token; special tokens have no text."""
        if token_id in self._special:
            return ""
        if isinstance(self._tokenizer, ByteLevelTokenizer):
            return self._bytes.decode(self._tokenizer.token_bytes(token_id))
        self._token_ids.append(token_id)
        return self._new_text(is_last=False)

    def end(self) -> str:
        """What is left when no more tokens come, such as half a character."""
        return self._bytes.decode(b"", final=True) + self._new_text(is_last=True)

    def _new_text(self, is_last: bool) -> str:
        # Some tokenizers put spaces between tokens. So the piece before is decoded
        # again, and what it gives alone is cut off.
        context = self._token_ids[self._context : self._given]
        before = self._tokenizer.decode(context)
        after = self._tokenizer.decode(self._token_ids[self._context :])
        if after.endswith("\ufffd") and not is_last:  # half a character, it seems
            return ""
        self._context, self._given = self._given, len(self._token_ids)
        return after[len(before) :]


class TextStream:
    """Text up to the first stop string, given out as soon as it is certain.

    The first stop string is the one that is complete first, wherever tokens are cut;
    of two that end together it is the longer.

    Args:
        tokenizer: turns ids to text.
        stop: texts that end the answer and do not belong to it, or one.
        prompt_ids: the tokens before; see `Characters`.

    Raises:
        ValueError: for an empty stop string, which would end every text at once.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        stop: Sequence[str] = (),
        prompt_ids: Sequence[int] = (),
    ) -> None:
        self._characters = Characters(tokenizer, prompt_ids)
        self._stop = (stop,) if isinstance(stop, str) else tuple(stop)
        if "" in self._stop:
            raise ValueError("a stop string needs at least one character, got ''")
        self._text = ""
        self.n_given = 0  # characters that were given out
        self.stopped = False

    @property
    def n_characters(self) -> int:
        """Characters so far, those that are held back included."""
        return len(self._text)

    def add(self, token_id: int) -> str:
        """The text that is certain with one more token, perhaps none."""
        self._append(self._characters.add(token_id))
        return self._give(len(self._text) - self._held_back())

    def end(self) -> str:
        """The text that is left when no more tokens come."""
        self._append(self._characters.end())
        return self._give(len(self._text))

    def _append(self, text: str) -> None:
        if self.stopped:
            return
        self._text += text
        # A stop string that is complete now began in what was held back, or later.
        found = [
            (start + len(stop), start)
            for stop in self._stop
            if (start := self._text.find(stop, self.n_given)) >= 0
        ]
        if found:
            self._text = self._text[: min(found)[1]]
            self.stopped = True

    def _held_back(self) -> int:
        """Length of the longest end of the text that a stop string may begin with."""
        if self.stopped:
            return 0
        n_open = len(self._text) - self.n_given
        return max(
            (
                n
                for stop in self._stop
                for n in range(1, min(len(stop) - 1, n_open) + 1)
                if self._text.endswith(stop[:n])
            ),
            default=0,
        )

    def _give(self, end: int) -> str:
        given = self._text[self.n_given : end]
        self.n_given = end
        return given
