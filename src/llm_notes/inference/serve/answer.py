"""One answer: what is asked for, what has been drawn, and when it is over.

It knows no model, no cache and no network: tokens come in, pieces of text go out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.text_stream import TextStream


@dataclass(frozen=True)
class Job:
    """What one answer is asked for with.

    Args:
        prompt_ids: the tokens of the prompt, at least one.
        max_tokens: the most tokens to draw.
        settings: how they are drawn.
        seed: decides what is drawn, whoever else is in the batch.
        stop: texts that end the answer.
        n_logprobs: how many likeliest tokens to report beside the drawn one at each
            step; None reports nothing, 0 the drawn one alone.
        logit_bias: token id -> what is added to its logit.
    """

    prompt_ids: Sequence[int]
    max_tokens: int
    settings: SamplingSettings = field(default_factory=SamplingSettings)
    seed: int = 0
    stop: tuple[str, ...] = ()
    n_logprobs: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenLogprob:
    """A drawn token, its log-probability (nats), and the likeliest tokens beside it.

    They are the model's own, before temperature, filters and penalties.
    """

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()
    start: int = 0  # where the token's text begins in the answer
    end: int = 0


@dataclass(frozen=True)
class Update:
    """A piece of an answer; the last one has a reason or an error.

    Args:
        text: what is certain since the last update.
        tokens: the drawn tokens that it is made of, when they were asked for.
        finish_reason: "stop" (end token or stop string) or "length".
        n_tokens: how many tokens were drawn so far.
        error: why there will be no more.
    """

    text: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    finish_reason: str | None = None
    n_tokens: int = 0
    error: Exception | None = None

    @property
    def is_last(self) -> bool:
        return self.finish_reason is not None or self.error is not None


class Inbox(Protocol):
    """Where the updates of one request go: `queue.SimpleQueue` or `asyncio.Queue`."""

    def put_nowait(self, item: tuple[int, Update]) -> Any: ...


class Answer:
    """A job in work.

    Args:
        job: what is asked for.
        tokenizer: turns ids to text.
        end_ids: tokens that end an answer.
        index: the answer's number among those of its request.
        inbox: where its updates go.
        device: where tokens are drawn.
    """

    def __init__(
        self,
        job: Job,
        tokenizer: Tokenizer,
        end_ids: Collection[int],
        index: int,
        inbox: Inbox,
        device: torch.device | str = "cpu",
    ) -> None:
        self.job, self.index, self.inbox = job, index, inbox
        self.generator = torch.Generator(device).manual_seed(job.seed)
        self.drawn: list[int] = []
        self.cancelled = False  # set by any thread, read by the engine's
        self.is_over, self.has_failed = False, False
        self._end_ids = end_ids
        self._stream = TextStream(tokenizer, job.stop)
        self._logprobs: list[TokenLogprob] = []  # of text that is held back

    @property
    def last_id(self) -> int:
        """The token that the model has to read next."""
        return self.drawn[-1]

    def add(
        self,
        token_id: int,
        logprob: float | None = None,
        top: tuple[tuple[int, float], ...] = (),
    ) -> Update | None:
        """Take one drawn token; None when there is nothing new to tell."""
        self.drawn.append(token_id)
        if token_id in self._end_ids:
            return self._finish("stop", "")
        start = self._stream.n_characters
        text = self._stream.add(token_id)
        if logprob is not None:
            end = max(start, self._stream.n_characters)
            self._logprobs.append(TokenLogprob(token_id, logprob, top, start, end))
        if self._stream.stopped:
            return self._finish("stop", text)
        if len(self.drawn) >= self.job.max_tokens:
            return self._finish("length", text)
        tokens = self._certain_tokens(is_last=False)
        if not text and not tokens:
            return None
        return Update(text, tokens, n_tokens=len(self.drawn))

    def _finish(self, reason: str, text: str) -> Update:
        self.is_over = True
        text += self._stream.end()
        # What was held back may turn out to hold a stop string only now.
        reason = "stop" if self._stream.stopped else reason
        tokens = self._certain_tokens(is_last=True)
        return Update(text, tokens, reason, n_tokens=len(self.drawn))

    def _certain_tokens(self, is_last: bool) -> tuple[TokenLogprob, ...]:
        """The tokens whose text was given out; at the end also one cut by a stop."""
        n_given = self._stream.n_given
        if is_last and self._stream.stopped:
            n_certain = sum(token.start < n_given for token in self._logprobs)
        elif is_last:
            n_certain = len(self._logprobs)
        else:
            n_certain = sum(token.end <= n_given for token in self._logprobs)
        certain = tuple(self._logprobs[:n_certain])
        del self._logprobs[:n_certain]
        return certain
