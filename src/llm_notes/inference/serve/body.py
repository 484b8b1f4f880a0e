"""The body of a request: read in pieces, within a size and a time, never trusted."""

import asyncio
import hmac
from typing import Any

from llm_notes.inference.serve.errors import ApiError
from llm_notes.inference.serve.limits import Limits

CLOSE = {"Connection": "close"}  # what is left of the body is not read


async def read_body(request: Any, limits: Limits) -> bytes:
    """The body of a starlette `Request`. Raises ApiError.

    A body that is too large is refused as soon as it is seen to be, whether its
    length was announced or not.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # Browsers let any page send text or forms anywhere, but not this.
        raise ApiError(415, "send JSON, with Content-Type: application/json")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:20]) > limits.max_body_bytes:
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.max_body_bytes:
                    raise _too_large(limits)
    except TimeoutError:
        message = f"the body did not arrive within {limits.body_seconds:g} s"
        raise ApiError(408, message, code="timeout", headers=CLOSE) from None
    return bytes(body)


def require_key(request: Any, api_key: str | None) -> None:
    """Refuse a request without the key, in a time that tells nothing about the key.

    Raises ApiError (401). Without a key everybody may come in.
    """
    if api_key is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # Headers come as Latin-1, whatever bytes they are.
    fits = hmac.compare_digest(given.strip(" ").encode("latin-1"), api_key.encode())
    if scheme.lower() != "bearer" or not fits:
        raise ApiError(
            401,
            "the API key is missing or wrong: send Authorization: Bearer KEY",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _too_large(limits: Limits) -> ApiError:
    message = f"the body has more than {limits.max_body_bytes} bytes"
    return ApiError(413, message, code="body_too_large", headers=CLOSE)
