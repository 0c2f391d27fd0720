"""Owns what a connection may do before there is a whole request, how much and how slowly; and how it ends.

The server's own protocol bounds neither, so that strangers could hold memory and connections for nothing. A connection
has one timer, which is not moved with each request: when it rings, it looks how long there is still to wait.
"""

import asyncio
from math import inf

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Where reading stops; what the service itself takes is less, and is refused with a problem document."""
HEAD_WITHIN_S = 10.0
BODY_WITHIN_S = 30.0
LINGER_S = 0.5
"""How long a connection at rest stays open when the server stops: a request may be on its way already."""
LAST = (b"connection", b"close")
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


ABORT = "invoicing.abort"
"""The extension by which a response cuts its connection, where the other end takes nothing more."""


class BoundedProtocol(HttpToolsProtocol):
    """The server's protocol, with a bound on a request's head in size, and on a whole request in time."""

    head = 0
    """Bytes read of a head that is not complete."""
    within_s = HEAD_WITHIN_S
    """How long what is being read may take; 0 where nothing is."""
    until = inf
    """When what is waited for must have come, by the loop's clock: the rest of a request, or the next one."""
    timer: asyncio.TimerHandle | None = None
    """Rings no later than that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first head must come."""
        super().connection_made(transport)
        self._wait(HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._hush()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too large already."""
        before = self.within_s
        super().data_received(data)
        if self.within_s == HEAD_WITHIN_S and before != BODY_WITHIN_S:  # else most of it was the body before
            self.head += len(data)
            if self.head > LARGEST_HEAD:
                self._refuse(TOO_LARGE)
                return
        if self.within_s != before or self.until == inf:
            self._wait(self.within_s or (self.timeout_keep_alive if self.rests() else inf))

    def shutdown(self) -> None:
        """The server stops: what it still answers is the last on its connection, and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        if self.rests():
            self.loop.call_later(LINGER_S, self._close_at_rest)
        else:
            super().shutdown()

    def rests(self) -> bool:
        """Whether nothing waits for an answer."""
        return bool(getattr(self.cycle, "response_complete", True))  # no cycle: no request has come yet

    def answered(self) -> bool:
        """Whether the request being read has an answer already."""
        return self.within_s == BODY_WITHIN_S and self.cycle.response_started

    def _close_at_rest(self) -> None:
        if self.rests():
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.within_s, self.until = HEAD_WITHIN_S, inf

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self.head_read()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self.all_read()
        super().on_message_complete()

    def head_read(self) -> None:
        """Go on to a body."""
        self.head, self.within_s = 0, BODY_WITHIN_S

    def all_read(self) -> None:
        """Wait for nothing more of a request."""
        self.within_s = 0

    def on_response_complete(self) -> None:
        """An answer is given: on with what waits behind it, or a rest. As the server has it, but for its timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not self.within_s:
            self._wait(self.timeout_keep_alive)

    def _wait(self, seconds: float) -> None:
        self.until = self.loop.time() + seconds
        if self.until != inf and (self.timer is None or self.timer.when() > self.until):
            self._hush()
            self.timer = self.loop.call_at(self.until, self._ring)

    def _ring(self) -> None:
        self.timer = None
        if self.until > self.loop.time():
            self._wait(self.until - self.loop.time())
        elif self.within_s:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    def _hush(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _refuse(self, answer: bytes) -> None:
        self._hush()
        if not self.transport.is_closing():
            if not self.answered():
                self.transport.write(answer)
            self.transport.close()
