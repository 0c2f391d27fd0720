"""Limits what one connection may do: size and slowness of requests, waiting requests, slowness of reading answers.

uvicorn limits none of this. Besides the methods of `asyncio.Protocol` and the callbacks of `httptools`, this relies on
these names of uvicorn's `HttpToolsProtocol`: `app`, `scope`, `headers`, `cycle.response_started`, `server_state`,
`timeout_keep_alive`, `on_response_complete`, `send_400_response` and `shutdown`.
"""

import asyncio
from enum import Enum

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.connections import Connections
from app.observability import metrics

LARGEST_HEAD = 64 * 1024
"""The most bytes without a complete head or a part of a body: heads, trailers, the framing of chunks."""
MOST_QUEUED = 16
"""The most requests that may wait on one connection for earlier answers."""
HEAD_WITHIN_S = 10.0
BODY_WITHIN_S = 30.0
READ_WITHIN_S = 60.0
"""Seconds for which the client may read nothing of a waiting answer."""
LINGER_S = 0.5
"""Seconds that an idle connection stays open when the server stops, as a request may be on its way."""
LAST = (b"connection", b"close")
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
ABORT = "invoicing.abort"
"""The ASGI extension with which a response cuts its connection when the client does not read."""
UNLIMITED = Connections(1_000_000)
"""For applications without `state.connections`, which only the team can reach."""

Reading = Enum("Reading", ["FIRST", "HEAD", "BODY", "NOTHING"])
"""What is being read: FIRST before the first byte, NOTHING between two requests."""


class TooManyQueued(Exception):
    """Too many requests wait on the connection."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits."""

    reading = Reading.FIRST
    since = unread_since = 0.0
    """When this phase of reading began, and since when an answer is not read, by the loop's clock."""
    unanswered = 0
    """The requests whose head is complete and whose answer is not."""
    unproductive = 0
    """Bytes since the last that completed a head or belonged to a body."""
    productive = seen_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.unread_since = self.loop.time()
        peer = transport.get_extra_info("peername")
        self.together: Connections = getattr(getattr(self.app, "state", None), "connections", UNLIMITED)
        self.together.add(self, peer[0] if isinstance(peer, tuple) else "")

    def connection_lost(self, exc: Exception | None) -> None:
        self.together.remove(self)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self.unread_since = self.loop.time()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self.productive = False
        super().data_received(data)
        self.unproductive = 0 if self.productive else self.unproductive + len(data)
        if self.unproductive > LARGEST_HEAD:
            self._refuse(TOO_LARGE, "large")

    def on_message_begin(self) -> None:
        if self.unanswered > MOST_QUEUED:
            self._refuse(b"", "queued")
            raise TooManyQueued
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.reading, self.since, self.seen_idle = Reading.HEAD, self.loop.time(), False

    def on_headers_complete(self) -> None:
        self.reading, self.since, self.productive = Reading.BODY, self.loop.time(), True
        self.unanswered += 1
        super().on_headers_complete()
        self.headers = []  # which takes the trailers: they must not change a head that was judged already

    def on_body(self, body: bytes) -> None:
        self.productive = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading, self.productive = Reading.NOTHING, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.unanswered -= 1
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not a request, without writing into another answer."""
        if self._may_answer():
            super().send_400_response(msg)
        self._refuse(b"", "malformed")

    def shutdown(self) -> None:
        """Stop: the answer under way is the connection's last and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        if self.unanswered:
            super().shutdown()
        else:
            self.loop.call_later(LINGER_S, self._close_idle)

    @property
    def idle_since(self) -> float | None:
        """Since when no request is under way; None from a request's first byte until its answer is complete."""
        return self.since if self.reading in (Reading.FIRST, Reading.NOTHING) and not self.unanswered else None

    def look(self, now: float) -> None:
        """Close the connection if its client reads or sends too slowly, or is idle for too long."""
        if not self.transport.get_write_buffer_size():
            self.unread_since = now
        elif now - self.unread_since > READ_WITHIN_S:
            self.drop("unread")
        if self.reading is not Reading.NOTHING:
            if now - self.since > (BODY_WITHIN_S if self.reading is Reading.BODY else HEAD_WITHIN_S):
                self._refuse(TOO_SLOW, "slow")
        elif self.idle_since is not None:
            if not self.seen_idle:
                self.seen_idle, self.since = True, now
            elif now - self.since > self.timeout_keep_alive:
                self.transport.close()

    def drop(self, why: str) -> None:
        """Cut the connection, and count it under `why`."""
        self.transport.abort()
        metrics.CONNECTIONS_DROPPED(why).inc()

    def _refuse(self, answer: bytes, why: str) -> None:
        """Close the connection, with an answer if one may be written."""
        if not self.transport.is_closing():
            if self._may_answer():
                self.transport.write(answer)
            self.transport.close()
            metrics.CONNECTIONS_DROPPED(why).inc()

    def _close_idle(self) -> None:
        if not self.unanswered:
            self.transport.close()

    def _may_answer(self) -> bool:
        """Whether the request being read may be answered here: its answer has not begun, and no earlier one is pending."""
        if self.reading is Reading.BODY:
            return self.unanswered == 1 and not self.cycle.response_started
        return not self.unanswered
