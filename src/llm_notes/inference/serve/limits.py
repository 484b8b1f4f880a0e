"""What one server takes on, so that no client can use up its memory or its time."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """All limits; each has to be above 0.

    Args:
        max_requests: requests in work, those whose body is still read included.
        max_body_bytes: of one request.
        max_tokens: new tokens of one answer, whatever is asked for.
        max_choices: answers that one request may ask for, all prompts together.
        head_seconds: for the head of a request to arrive.
        body_seconds: for the whole body to arrive.
        request_seconds: for the whole answer, and for the client to read it.
    """

    max_requests: int = 256
    max_body_bytes: int = 1 << 20
    max_tokens: int = 4096
    max_choices: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    request_seconds: float = 120.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name} is {value}; it must be above 0")
