"""Updates of answers as OpenAI's JSON, whole or in chunks. It knows no HTTP."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.data.tokenizers.byte_level import ByteLevelTokenizer
from llm_notes.inference.serve.answer import TokenLogprob, Update
from llm_notes.inference.serve.requests import Work
from llm_notes.inference.serve.schemas import CHAT


class Replies:
    """The JSON of one request's answers.

    Args:
        work: what was asked for.
        model_name: what the model is called.
        tokenizer: gives the texts of tokens beside log-probabilities.
    """

    def __init__(self, work: Work, model_name: str, tokenizer: Tokenizer) -> None:
        self._work, self._tokenizer = work, tokenizer
        self._is_chat = work.kind == CHAT
        name = "chat.completion" if self._is_chat else "text_completion"
        chunk = ".chunk" if self._is_chat and work.stream else ""
        prefix = "chatcmpl" if self._is_chat else "cmpl"
        self._head = {
            "id": f"{prefix}-{secrets.token_hex(12)}",
            "object": name + chunk,
            "created": int(time.time()),
            "model": model_name,
        }
        self._n_tokens = [0] * len(work.jobs)

    def whole(self, updates: Sequence[Sequence[Update]]) -> dict[str, Any]:
        """The reply without streaming, from all updates of each answer."""
        choices = []
        for index, parts in enumerate(updates):
            text = "".join(part.text for part in parts)
            tokens = [token for part in parts for token in part.tokens]
            content: dict[str, Any] = {"text": text}
            if self._is_chat:
                content = {"message": {"role": "assistant", "content": text}}
            reason = parts[-1].finish_reason
            choices.append(self._choice(index, content, tokens, reason))
            self._n_tokens[index] = parts[-1].n_tokens
        return self._head | {"choices": choices, "usage": self.usage()}

    def openings(self) -> list[dict[str, Any]]:
        """The chunks that come first: in a chat, who speaks."""
        if not self._is_chat:
            return []
        delta = {"delta": {"role": "assistant", "content": ""}}
        return [
            self._chunk([self._choice(index, delta, [], None)])
            for index in range(len(self._work.jobs))
        ]

    def chunk(self, index: int, update: Update) -> dict[str, Any]:
        """One update of one answer."""
        self._n_tokens[index] = update.n_tokens
        content: dict[str, Any] = {"text": update.text}
        if self._is_chat:
            content = {"delta": {"content": update.text} if update.text else {}}
        choice = self._choice(index, content, update.tokens, update.finish_reason)
        return self._chunk([choice])

    def last_chunk(self) -> dict[str, Any] | None:
        """The number of tokens, when it was asked for."""
        if not self._work.include_usage:
            return None
        return self._head | {"choices": [], "usage": self.usage()}

    def usage(self) -> dict[str, int]:
        """Tokens of prompts and answers; a prompt counts once."""
        n_prompt, n_new = self._work.n_prompt_tokens, sum(self._n_tokens)
        return {
            "prompt_tokens": n_prompt,
            "completion_tokens": n_new,
            "total_tokens": n_prompt + n_new,
        }

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        usage = {"usage": None} if self._work.include_usage else {}
        return self._head | {"choices": choices} | usage

    def _choice(
        self,
        index: int,
        content: dict[str, Any],
        tokens: Sequence[TokenLogprob],
        reason: str | None,
    ) -> dict[str, Any]:
        logprobs = None
        if self._work.jobs[index].n_logprobs is not None and tokens:
            logprobs = self._chat_logprobs(tokens)
            if not self._is_chat:
                logprobs = self._completion_logprobs(tokens)
        return {
            "index": index,
            **content,
            "logprobs": logprobs,
            "finish_reason": reason,
        }

    def _chat_logprobs(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        return {
            "content": [
                self._entry(token.token_id, token.logprob)
                | {"top_logprobs": [self._entry(*pair) for pair in token.top]}
                for token in tokens
            ]
        }

    def _completion_logprobs(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        return {
            "tokens": [self._text(token.token_id) for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [
                {self._text(token_id): value for token_id, value in token.top}
                for token in tokens
            ],
            "text_offset": [token.start for token in tokens],
        }

    def _entry(self, token_id: int, logprob: float) -> dict[str, Any]:
        text = self._text(token_id)
        # A token may hold half a character, which has bytes and no text.
        is_bytes = isinstance(self._tokenizer, ByteLevelTokenizer)
        raw = self._tokenizer.token_bytes(token_id) if is_bytes else text.encode()
        return {"token": text, "logprob": logprob, "bytes": list(raw)}

    def _text(self, token_id: int) -> str:
        return self._tokenizer.decode([token_id])
