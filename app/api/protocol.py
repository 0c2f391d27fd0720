"""Owns what a connection may do before there is a whole request, how much and how slowly; and how it ends.

The server's own protocol bounds neither, so that strangers could hold memory and connections for nothing. A request
that comes in one piece, as nearly all do, needs no timer.
"""

import asyncio

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
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first head must come."""
        super().connection_made(transport)
        self._allow(HEAD_WITHIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._allow(0)
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
        if self.within_s != before or (self.within_s and self.timer is None):
            self._allow(self.within_s)

    def shutdown(self) -> None:
        """The server stops: what it still answers is the last on its connection, and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        if self._rests():
            self.loop.call_later(LINGER_S, self._close_at_rest)
        else:
            super().shutdown()

    def _rests(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))  # no cycle: no request has come yet

    def _close_at_rest(self) -> None:
        if self._rests():
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.within_s = HEAD_WITHIN_S
        if self.timer is not None:
            self._allow(0)

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self.head, self.within_s = 0, BODY_WITHIN_S
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self.within_s = 0
        super().on_message_complete()

    def _allow(self, seconds: float) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if seconds:
            self.timer = self.loop.call_later(seconds, self._refuse, TOO_SLOW)

    def _refuse(self, answer: bytes) -> None:
        self._allow(0)
        if not self.transport.is_closing():
            answered = self.within_s == BODY_WITHIN_S and self.cycle.response_started
            if not answered:
                self.transport.write(answer)
            self.transport.close()
