"""The routes: HTTP in, HTTP out. Everything else stands in the modules beside it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_notes.inference.serve.body import read_body, require_key
from llm_notes.inference.serve.engine import Engine
from llm_notes.inference.serve.errors import ApiError, too_busy
from llm_notes.inference.serve.events import Call, as_bytes, event_lines, whole_reply
from llm_notes.inference.serve.limits import Limits
from llm_notes.inference.serve.replies import Replies
from llm_notes.inference.serve.requests import Work, not_found, read_request
from llm_notes.inference.serve.schemas import CHAT, COMPLETION

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger(__name__)
PATHS = {COMPLETION: "/v1/completions", CHAT: "/v1/chat/completions"}


def create_app(
    engine: Engine,
    model_name: str = "llm-notes",
    *,
    limits: Limits | None = None,
    api_key: str | None = None,
    allowed_origins: Sequence[str] = (),
) -> "FastAPI":
    """The server as an ASGI application; the engine starts and ends with it.

    Args:
        engine: a fresh one, not started.
        model_name: what clients have to call the model.
        limits: what is refused.
        api_key: what clients have to send; everybody may come in without one.
        allowed_origins: web pages that may call the server (CORS); none by default.
    """
    from fastapi import FastAPI, Request
    from fastapi.responses import Response, StreamingResponse
    from starlette.exceptions import HTTPException
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import ClientDisconnect

    limits = limits or Limits()
    # What could never run all at once would be told to come back for ever.
    n_choices = min(limits.max_choices, engine.capacity)
    limits = replace(limits, max_choices=n_choices)
    metrics, tokenizer = engine.metrics, engine.tokenizer
    # One thread reads requests: long prompts never hold up the event loop.
    reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
    created = int(time.time())
    n_requests = 0

    def reply(content: dict[str, Any], status: int = 200, headers=None) -> Response:
        return Response(as_bytes(content), status, headers, "application/json")

    class EventStream(StreamingResponse):
        """Frees the places of its call however it ends, even if it never begins."""

        def __init__(self, call: Call, replies: Replies, started_at: float) -> None:
            headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
            lines = event_lines(call, replies)
            super().__init__(lines, 200, headers, "text/event-stream")
            self.call, self.started_at = call, started_at

        async def __call__(self, scope, receive, send) -> None:
            nonlocal n_requests
            try:
                # A client that reads too slowly counts as a request this long.
                async with asyncio.timeout(limits.request_seconds + 5):
                    await super().__call__(scope, receive, send)
            except TimeoutError:
                logger.info("a client did not read its stream in time")
            finally:
                self.call.cancel()
                n_requests -= 1
                seconds = time.monotonic() - self.started_at
                metrics.add_request(scope["path"], 200, seconds)

    async def gone(request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    async def answer_whole(request: Request, call: Call, work: Work) -> Response:
        """The whole reply, unless the client goes before."""
        replies = Replies(work, model_name, tokenizer)
        made = asyncio.ensure_future(whole_reply(call, work, replies))
        left = asyncio.ensure_future(gone(request))
        try:
            await asyncio.wait({made, left}, return_when=asyncio.FIRST_COMPLETED)
            if not made.done():
                raise ClientDisconnect
            return reply(made.result())
        finally:
            made.cancel()
            left.cancel()
            call.cancel()

    async def serve(request: Request, kind: str) -> Response:
        nonlocal n_requests
        started_at, status = time.monotonic(), 500
        if n_requests >= limits.max_requests:
            raise too_busy(f"{n_requests} requests are in work")
        n_requests += 1
        streams = False
        try:
            require_key(request, api_key)
            body = await read_body(request, limits)
            arguments = model_name, engine.context_length, limits
            work = await asyncio.get_running_loop().run_in_executor(
                reader, read_request, kind, body, tokenizer, *arguments
            )
            call = Call(engine, work, limits.request_seconds)
            status = 200
            if work.stream:
                streams = True
                replies = Replies(work, model_name, tokenizer)
                return EventStream(call, replies, started_at)
            return await answer_whole(request, call, work)
        except ApiError as error:
            status = error.status
            raise
        except ClientDisconnect:
            status = 499  # nobody will read it; the number is nginx's
            return Response(status_code=status)
        finally:
            if not streams:
                n_requests -= 1
                seconds = time.monotonic() - started_at
                metrics.add_request(PATHS[kind], status, seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield
        await asyncio.to_thread(engine.close)
        reader.shutdown(wait=False, cancel_futures=True)

    # The pages of documentation would fetch scripts from elsewhere.
    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(allowed_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],  # OpenAI's client in a page sends a dozen of its own
        )

    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> Response:
        return reply(error.as_json(), error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        paths = ", ".join([*PATHS.values(), "/v1/models", "/health", "/metrics"])
        message = f"{error.detail}: this server has {paths}"
        made = ApiError(error.status_code, message, headers=error.headers)
        return reply(made.as_json(), made.status, made.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        made = ApiError(500, "the server failed; see its log", code="server_error")
        return reply(made.as_json(), 500)

    @app.post(PATHS[COMPLETION])
    async def completions(request: Request) -> Response:
        return await serve(request, COMPLETION)

    @app.post(PATHS[CHAT])
    async def chat_completions(request: Request) -> Response:
        return await serve(request, CHAT)

    model = {"id": model_name, "object": "model", "created": created}
    model["owned_by"] = "llm-notes"

    @app.get("/v1/models")
    async def models(request: Request) -> Response:
        require_key(request, api_key)
        return reply({"object": "list", "data": [model]})

    @app.get("/v1/models/{name:path}")
    async def one_model(request: Request, name: str) -> Response:
        require_key(request, api_key)
        if name != model_name:
            raise not_found(name, model_name)
        return reply(model)

    @app.get("/health")
    async def health() -> Response:
        alive = engine.is_alive
        return reply({"status": "ok" if alive else "down"}, 200 if alive else 503)

    @app.get("/metrics")
    async def read_metrics() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return app
