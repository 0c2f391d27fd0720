"""Owns what a connection may do before there is a request: how much it may send as headers, and how slowly.

The server's own protocol bounds neither, so that strangers could hold memory and connections for nothing.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Where reading stops; what the service itself takes is less, and is refused with a problem document."""
HEAD_WITHIN_S = 10.0
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """The server's protocol, with a bound on a request's head in size and in time."""

    head = 0
    """Bytes read of a head that is not complete."""
    reading_head = True
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first head must come."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._head_is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too large already."""
        super().data_received(data)
        if self.reading_head:
            self.head += len(data)
            if self.head > LARGEST_HEAD:
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.reading_head = True
        if self.timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._head_is_read()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self.timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, TOO_SLOW)

    def _head_is_read(self) -> None:
        self.reading_head = False
        self.head = 0
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def _refuse(self, answer: bytes) -> None:
        self.timer = None
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
