"""Errors in OpenAI's form, so that its client raises what it always raises."""

from typing import Any


class ApiError(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        message: what is wrong, what is allowed, what to do.
        param: the field of the request that is wrong.
        code: a word that programs can look at.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param
        self.code, self.headers = code, headers

    @property
    def type(self) -> str:
        """OpenAI's name of the kind of error."""
        names = {401: "authentication_error", 429: "rate_limit_error"}
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return names.get(self.status, kind)

    def as_json(self) -> dict[str, Any]:
        """The body of the response."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


def bad_request(
    message: str, param: str | None = None, code: str | None = None
) -> ApiError:
    """The request is wrong, and sending it again will not help."""
    return ApiError(400, message, param=param, code=code)


def too_busy(message: str) -> ApiError:
    """Everything is taken; the client may come back."""
    headers = {"Retry-After": "1"}
    return ApiError(429, message, code="server_busy", headers=headers)


def engine_failed() -> ApiError:
    """The model failed. What happened stands in the log, not in the answer."""
    return ApiError(
        500, "the model failed on this request; see the log", code="engine_error"
    )


def out_of_time(seconds: float) -> ApiError:
    """The answer took too long."""
    message = f"the answer was not ready within {seconds:g} s: ask for fewer tokens"
    return ApiError(504, message, code="timeout")
