"""Connections: whoever sends half a request, or no HTTP at all, is answered and left.

uvicorn waits for the head of a request as long as the client likes, and as long again
for the client to read the answer. What is no HTTP it answers in plain text. Here a head
has a time, as the body has (`body`), so has the reading, and every error has OpenAI's
form.
"""

from typing import Any

from llm_notes.inference.serve.errors import ApiError
from llm_notes.inference.serve.events import as_bytes
from llm_notes.inference.serve.limits import Limits


def server_config(app: Any, limits: Limits | None = None, **options: Any) -> Any:
    """The `uvicorn.Config` of an app; `options` are uvicorn's own."""
    import uvicorn

    protocol = _protocol(limits or Limits())
    return uvicorn.Config(app, http=protocol, ws="none", **options)


def _protocol(limits: Limits) -> type:
    """uvicorn's HTTP/1.1 with a time for heads and for readers, and JSON for errors."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        timer = reading = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            # From the first byte that the client does not take, also after `close`.
            transport.set_write_buffer_limits(high=0)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_watching()
            self._stop_reading()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            end = self.transport.abort  # `close` would wait for the client
            self.reading = self.loop.call_later(limits.request_seconds, end)

        def resume_writing(self) -> None:
            self._stop_reading()
            super().resume_writing()

        def _stop_reading(self) -> None:
            if self.reading is not None:
                self.reading.cancel()
                self.reading = None

        def _watch(self) -> None:
            """A head has its time from the connection's or its own beginning.

            So has what is left of a body that was refused unread.
            """
            is_refused = self.conn.our_state is h11.DONE
            if self.conn.their_state is not h11.IDLE and not is_refused:
                self._stop_watching()  # the head is here
            elif self.timer is None:
                self.timer = self.loop.call_later(limits.head_seconds, self._give_up)

        def _stop_watching(self) -> None:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None

        def _give_up(self) -> None:
            message = (
                "the head of the request did not arrive within "
                f"{limits.head_seconds:g} s"
            )
            self._end_with(ApiError(408, message, code="timeout"))

        def send_400_response(self, msg: str) -> None:
            self._end_with(ApiError(400, "this is no HTTP/1.1", code="bad_http"))

        def _end_with(self, error: ApiError) -> None:
            # An answer that has begun cannot become another one.
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                body = as_bytes(error.as_json())
                headers = [
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(body))),
                    ("Connection", "close"),
                ]
                for event in (
                    h11.Response(status_code=error.status, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event))
            self.transport.close()

    return Protocol
