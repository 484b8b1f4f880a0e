"""A checked request as jobs for the engine."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_notes.data.batching.instructions import Message
from llm_notes.data.tokenizers import Tokenizer
from llm_notes.inference.sampling import SamplingSettings
from llm_notes.inference.serve.answer import Job
from llm_notes.inference.serve.chat import chat_prompt
from llm_notes.inference.serve.errors import bad_request
from llm_notes.inference.serve.limits import Limits
from llm_notes.inference.serve.schemas import CHAT, parse

DEFAULT_MAX_TOKENS = 16  # of a completion, as OpenAI's
SMALLEST_TOP_P = 1e-6  # one below it keeps one token too; 1e-300 is 0 in float32
COLDEST = 1e-3  # a temperature below it is greedy: logits / 1e-30 are no numbers


@dataclass(frozen=True)
class Work:
    """What one request asks for: a job for each prompt and choice, in this order."""

    kind: str
    jobs: list[Job]
    n_prompt_tokens: int
    stream: bool
    include_usage: bool


def read_request(
    kind: str,
    body: bytes,
    tokenizer: Tokenizer,
    model_name: str,
    context_length: int,
    limits: Limits,
) -> Work:
    """Bytes to jobs. Slow for long prompts. Raises ApiError."""
    asked = parse(kind, body)
    if asked.model != model_name:
        raise not_found(asked.model, model_name)
    prompts, more_stops = _prompts(kind, asked, tokenizer)
    n_choices = asked.n or 1
    if len(prompts) * n_choices > limits.max_choices:
        raise bad_request(
            f"{len(prompts)} prompts times n = {n_choices} are more than "
            f"{limits.max_choices} answers, the most of one request",
            "n",
        )
    if asked.stream_options is not None and not asked.stream:
        raise bad_request("stream_options needs stream = true", "stream_options")
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    bias = _logit_bias(asked.logit_bias or {}, tokenizer.vocab_size)
    settings = _settings(asked)
    first_seed = secrets.randbits(63) if asked.seed is None else asked.seed
    jobs = [
        Job(
            ids,
            _max_tokens(kind, asked, len(ids), context_length, limits),
            settings,
            nth_seed(first_seed, prompt * n_choices + choice),
            stop + more_stops,
            _n_logprobs(kind, asked),
            bias,
        )
        for prompt, ids in enumerate(prompts)
        for choice in range(n_choices)
    ]
    usage = bool(asked.stream_options and asked.stream_options.include_usage)
    n_prompt_tokens = sum(map(len, prompts))
    return Work(kind, jobs, n_prompt_tokens, bool(asked.stream), usage)


def nth_seed(seed: int, index: int) -> int:
    """The seed of one answer among several: the first has the request's own."""
    return (seed + index * 0x9E3779B97F4A7C15) % (1 << 63)


def not_found(name: str, known: str) -> Exception:
    """The error for a model that is not here."""
    error = bad_request(
        f"there is no model {name[:100]!r} here; this server has {known!r}",
        "model",
        "model_not_found",
    )
    error.status = 404
    return error


def _prompts(
    kind: str, asked: Any, tokenizer: Tokenizer
) -> tuple[list[list[int]], tuple[str, ...]]:
    """The ids of each prompt, and stop strings that belong to the kind of prompt."""
    field = "messages" if kind == CHAT else "prompt"
    more_stops: tuple[str, ...] = ()
    try:
        if kind == CHAT:
            ids, more_stops = chat_prompt(
                [_message(t) for t in asked.messages], tokenizer
            )
            prompts = [ids]
        else:
            prompts = _completion_prompts(asked.prompt, tokenizer)
    except ValueError as error:
        raise bad_request(f"{field}: {error}"[:1000], field) from None
    for ids in prompts:
        if not ids:
            raise bad_request("the prompt has no tokens; begin with a text", field)
        if not 0 <= min(ids) <= max(ids) < tokenizer.vocab_size:
            raise bad_request(
                f"token ids lie between 0 and {tokenizer.vocab_size - 1}", field
            )
    return prompts, more_stops


def _completion_prompts(prompt: Any, tokenizer: Tokenizer) -> list[list[int]]:
    """A text, ids, or a list of either."""
    several = prompt if isinstance(prompt, list) else [prompt]
    if isinstance(several[0], int):
        return [several]
    return [tokenizer.encode(p) if isinstance(p, str) else p for p in several]


def _message(turn: Any) -> Message:
    content = turn.content
    if not isinstance(content, str):
        content = "".join(part.text for part in content)
    role = "system" if turn.role == "developer" else turn.role
    return Message(role=role, content=content)


def _max_tokens(
    kind: str, asked: Any, n_prompt: int, context_length: int, limits: Limits
) -> int:
    """How many tokens fit; what was asked for has to, a default is cut to fit."""
    room = context_length - n_prompt + 1  # the last token is never read
    given = asked.max_tokens
    if kind == CHAT and asked.max_completion_tokens is not None:
        given = asked.max_completion_tokens
    wanted = given or (room if kind == CHAT else DEFAULT_MAX_TOKENS)
    if n_prompt > context_length or (given or 1) > room:
        raise bad_request(
            f"the model reads at most {context_length} tokens; the prompt has "
            f"{n_prompt}, and {given or 1} more are asked for",
            "messages" if kind == CHAT else "prompt",
            "context_length_exceeded",
        )
    if given is not None and given > limits.max_tokens:
        raise bad_request(
            f"max_tokens is {given}; this server draws at most {limits.max_tokens}",
            "max_tokens",
        )
    return min(wanted, room, limits.max_tokens)


def _settings(asked: Any) -> SamplingSettings:
    temperature = 1.0 if asked.temperature is None else asked.temperature
    return SamplingSettings(
        temperature=0.0 if temperature < COLDEST else temperature,
        top_k=asked.top_k,
        top_p=None if asked.top_p is None else max(asked.top_p, SMALLEST_TOP_P),
        min_p=asked.min_p,
        repetition_penalty=asked.repetition_penalty or 1.0,
        frequency_penalty=asked.frequency_penalty or 0.0,
        presence_penalty=asked.presence_penalty or 0.0,
    )


def _n_logprobs(kind: str, asked: Any) -> int | None:
    if kind != CHAT:
        return asked.logprobs
    if asked.top_logprobs is not None and not asked.logprobs:
        raise bad_request("top_logprobs needs logprobs = true", "top_logprobs")
    return (asked.top_logprobs or 0) if asked.logprobs else None


def _logit_bias(asked: Mapping[str, float], vocab_size: int) -> dict[int, float]:
    for key in asked:
        if not (key.isascii() and key.isdigit() and len(key) < 10) or (
            int(key) >= vocab_size
        ):
            raise bad_request(
                f"logit_bias names {key[:20]!r}; keys are token ids below {vocab_size}",
                "logit_bias",
            )
    return {int(key): bias for key, bias in asked.items()}
