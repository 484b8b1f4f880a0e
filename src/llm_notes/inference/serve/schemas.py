"""The fields of OpenAI's requests that this server takes; all others are refused.

A field that is left out in silence would be answered wrongly, so an unknown or
unsupported one is an error that names it, unless its value asks for nothing. It knows
no tokenizer and no model.
"""

import json
from functools import cache
from typing import Any, NoReturn

from llm_notes.inference.serve.errors import ApiError, bad_request

COMPLETION, CHAT = "completion", "chat"

# Fields that this server has no use for, with the values that ask for nothing: clients
# and frameworks send them unasked. Any of them may also be null.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "store": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
}


@cache
def schemas() -> dict[str, Any]:
    """The pydantic models of both kinds of request, made when first needed."""
    from typing import Annotated, Literal

    from pydantic import BaseModel, ConfigDict, Field

    strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    def number(low: float, high: float) -> Any:
        return Annotated[float, Field(ge=low, le=high)] | None

    def integer(low: int, high: int) -> Any:
        return Annotated[int, Field(ge=low, le=high)] | None

    stop_text = Annotated[str, Field(min_length=1, max_length=256)]
    ids = Annotated[list[int], Field(min_length=1)]

    class StreamOptions(BaseModel):
        model_config = strict
        include_usage: bool | None = None

    class Common(BaseModel):
        model_config = strict
        model: str
        max_tokens: integer(1, 1 << 31) = None
        n: integer(1, 128) = None
        stream: bool | None = None
        stream_options: StreamOptions | None = None
        stop: stop_text | Annotated[list[stop_text], Field(max_length=4)] | None = None
        seed: integer(-(1 << 63), (1 << 63) - 1) = None
        temperature: number(0, 2) = None
        top_p: number(0, 1) = None
        frequency_penalty: number(-2, 2) = None
        presence_penalty: number(-2, 2) = None
        logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
        user: str | None = None  # who asks; not looked at
        # Not OpenAI's, but usual among open servers:
        top_k: integer(1, 1 << 31) = None
        min_p: number(0, 1) = None
        repetition_penalty: number(0.01, 100) = None

    class Completion(Common):
        prompt: (
            str
            | ids
            | Annotated[list[str], Field(min_length=1)]
            | Annotated[list[ids], Field(min_length=1)]
        )
        logprobs: integer(0, 5) = None

    class Part(BaseModel):
        model_config = strict
        type: Literal["text"]
        text: str

    class Turn(BaseModel):
        model_config = strict
        role: Literal["system", "developer", "user", "assistant"]
        content: str | list[Part]
        name: str | None = None

    class Chat(Common):
        messages: Annotated[list[Turn], Field(min_length=1)]
        max_completion_tokens: integer(1, 1 << 31) = None
        logprobs: bool | None = None
        top_logprobs: integer(0, 20) = None

    return {COMPLETION: Completion, CHAT: Chat}


def parse(kind: str, body: bytes) -> Any:
    """The checked request. Raises ApiError for whatever is wrong with it."""
    from pydantic import ValidationError

    try:
        content = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise bad_request("the body is nested too deeply", code="bad_json") from None
    except ValueError as error:  # no UTF-8, no JSON, or a number of too many digits
        raise bad_request(f"the body is no JSON: {error}", code="bad_json") from None
    if not isinstance(content, dict):
        raise bad_request("the body must be a JSON object", code="bad_json")
    for name in NEUTRAL.keys() & content.keys():
        if content[name] is None or content[name] in NEUTRAL[name]:
            del content[name]
    try:
        return schemas()[kind].model_validate(content)
    except ValidationError as error:
        raise _first_error(error) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise bad_request(f"the body cannot be read: {error}"[:500]) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _first_error(error: Any) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0])[:100] if first["loc"] else None
    if first["type"] == "extra_forbidden":
        place = ".".join(map(str, first["loc"]))[:100]
        return bad_request(
            f"{place!r} is not supported by this server; leave it out",
            field,
            "unsupported_parameter",
        )
    return bad_request(f"{field}: {first['msg']}", field, "invalid_value")
