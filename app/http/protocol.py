"""What one connection may do: how large and how slow a request may be, how many may wait, how slowly answers are read.

uvicorn bounds none of this. Besides the methods of `asyncio.Protocol` and the callbacks of `httptools`, this relies on
these names of uvicorn's `HttpToolsProtocol`: `cycle` (the newest request, with `response_started` and
`response_complete`), `pipeline`, `scope`, `headers`, `url`, `app`, `config`, `limit_concurrency`, `server_state`,
`send_400_response` and `shutdown`.
"""

import asyncio
from enum import Enum

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.connections import Connections
from app.observability import metrics

LARGEST_HEAD = 64 * 1024
"""Bytes that may come without completing a head or bringing some of a body: heads, trailers, what surrounds chunks."""
MOST_QUEUED = 16
"""How many requests may wait on one connection for the answers to those before."""
HEAD_WITHIN_S = 10.0
BODY_WITHIN_S = 30.0
READ_WITHIN_S = 60.0
"""How long the other end may take nothing of the answer that waits for it."""
LINGER_S = 0.5
"""How long an idle connection stays open when the server stops: a request may be on its way already."""
LAST = (b"connection", b"close")
ALWAYS_SERVED = (b"/webhooks/stripe", b"/healthz")
"""What is served on the reserved connections, too; all else is told 503 there."""
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
ABORT = "invoicing.abort"
"""The extension of ASGI by which a response cuts its connection, where the other end takes nothing more."""
UNLIMITED = Connections(1_000_000)
"""For applications without `state.connections`: those that only the team reaches."""

Reading = Enum("Reading", ["FIRST", "HEAD", "BODY", "NOTHING"])
"""What is being read: FIRST before anything came, NOTHING between two requests."""


class TooManyQueued(Exception):
    """More requests wait on the connection than may."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with bounds."""

    reading = Reading.FIRST
    since = unread_since = 0.0
    """When that began, and since when an answer is not read on, by the loop's clock."""
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
        if len(self.pipeline) >= MOST_QUEUED:
            self._refuse(b"", "queued")
            raise TooManyQueued
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.reading, self.since, self.seen_idle = Reading.HEAD, self.loop.time(), False

    def on_headers_complete(self) -> None:
        self.reading, self.since, self.productive = Reading.BODY, self.loop.time(), True
        self.limit_concurrency = None if self.url in ALWAYS_SERVED else self.config.limit_concurrency
        super().on_headers_complete()
        self.headers = []  # which takes the trailers: they must not change a head that was judged already

    def on_body(self, body: bytes) -> None:
        self.productive = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading, self.productive = Reading.NOTHING, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; the refusal must not be written into another answer."""
        if self._may_answer():
            super().send_400_response(msg)
        self._refuse(b"", "malformed")

    def shutdown(self) -> None:
        """Stop: the answer that is still given is the last one of the connection, and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        if self._answered():
            self.loop.call_later(LINGER_S, self._close_idle)
        else:
            super().shutdown()

    @property
    def idle_since(self) -> float | None:
        """Since when no request is under way; None while one is, from its first byte on."""
        return self.since if self.reading in (Reading.FIRST, Reading.NOTHING) and self._answered() else None

    def look(self, now: float) -> None:
        """Close the connection where its other end does not read on, sends too slowly, or is idle for too long."""
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
        """Cut the connection; `why` is what that is counted as."""
        self.transport.abort()
        metrics.CONNECTIONS_DROPPED(why).inc()

    def _refuse(self, answer: bytes, why: str) -> None:
        """Close the connection, with an answer where one may be written."""
        if not self.transport.is_closing():
            if self._may_answer():
                self.transport.write(answer)
            self.transport.close()
            metrics.CONNECTIONS_DROPPED(why).inc()

    def _close_idle(self) -> None:
        if self._answered():
            self.transport.close()

    def _answered(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))  # there is no cycle before the first request

    def _may_answer(self) -> bool:
        """Whether what is being read may be answered here: nothing is written of its answer, and no other is pending."""
        if self.reading is Reading.BODY:
            return not self.cycle.response_started and not self.pipeline
        return self._answered()
