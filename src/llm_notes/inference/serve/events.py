"""From the engine's thread to asyncio: updates of one request, whole or as a stream."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from llm_notes.inference.serve.answer import Update
from llm_notes.inference.serve.engine import Engine, EngineClosed, EngineFull
from llm_notes.inference.serve.errors import (
    ApiError,
    engine_failed,
    out_of_time,
    too_busy,
)
from llm_notes.inference.serve.replies import Replies
from llm_notes.inference.serve.requests import Work

logger = logging.getLogger(__name__)


class LoopInbox:
    """A queue of the running event loop that another thread may write to.

    Args:
        streams: whether each update counts at once. If not, they come together with
            the last of an answer, and the loop is not woken for each token.
    """

    def __init__(self, streams: bool) -> None:
        self._streams, self._held = streams, []  # held by the engine's thread alone
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, Update]] = asyncio.Queue()

    def put_nowait(self, item: tuple[int, Update]) -> None:
        """From one other thread; nothing happens when the loop is closed already."""
        self._held.append(item)
        if not (self._streams or item[1].is_last):
            return
        held, self._held = self._held, []
        try:
            self._loop.call_soon_threadsafe(self._put_all, held)
        except RuntimeError:
            logger.debug("an update came after the server's end")

    def _put_all(self, items: list[tuple[int, Update]]) -> None:
        for item in items:
            self._queue.put_nowait(item)

    async def get(self) -> tuple[int, Update]:
        return await self._queue.get()


class Call:
    """One request in work. `cancel` has to follow, whatever happens.

    Args:
        engine: gets the jobs.
        work: the jobs.
        seconds: how long all answers together may take.

    Raises:
        ApiError: when the engine is full (429) or does not run (503).
    """

    def __init__(self, engine: Engine, work: Work, seconds: float) -> None:
        self._engine, self._seconds = engine, seconds
        self._inbox = LoopInbox(work.stream)
        try:
            self._answers = engine.submit(work.jobs, self._inbox)
        except EngineFull as error:
            raise too_busy(f"{error}; come back in a moment") from None
        except EngineClosed as error:
            raise ApiError(503, str(error), code="server_closed") from None
        self._ends_at = asyncio.get_running_loop().time() + seconds

    async def updates(self) -> AsyncIterator[tuple[int, Update]]:
        """All updates, in the order in which they are made. Raises ApiError."""
        n_open = len(self._answers)
        while n_open:
            try:
                async with asyncio.timeout_at(self._ends_at):
                    index, update = await self._inbox.get()
            except TimeoutError:
                raise out_of_time(self._seconds) from None
            if isinstance(update.error, EngineClosed):
                raise ApiError(503, str(update.error), code="server_closed")
            if update.error is not None:
                raise engine_failed()
            n_open -= update.is_last
            yield index, update

    def cancel(self) -> None:
        """Free what is still in work."""
        self._engine.cancel(self._answers)


async def whole_reply(call: Call, work: Work, replies: Replies) -> dict[str, Any]:
    """The JSON of all answers together. Raises ApiError."""
    updates: list[list[Update]] = [[] for _ in work.jobs]
    async for index, update in call.updates():
        updates[index].append(update)
    return replies.whole(updates)


async def event_lines(call: Call, replies: Replies) -> AsyncIterator[bytes]:
    """Server-sent events, one for each update. An error is the last event."""
    try:
        for opening in replies.openings():
            yield _event(opening)
        async for index, update in call.updates():
            yield _event(replies.chunk(index, update))
        if (last := replies.last_chunk()) is not None:
            yield _event(last)
        yield b"data: [DONE]\n\n"
    except ApiError as error:
        yield _event(error.as_json())


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + as_bytes(content) + b"\n\n"


def as_bytes(content: dict[str, Any]) -> bytes:
    """JSON in ASCII: nothing that a client or a model wrote can fail to be encoded."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
