"""Limits requests on one connection: the size and slowness of heads and bodies, and how many wait for their answers.

uvicorn limits none of this. Besides the methods of `asyncio.Protocol` and the callbacks of `httptools`, this relies on
these names of its `HttpToolsProtocol`: `app`, `scope`, `cycle.response_started`, `cycle.keep_alive`,
`server_state.default_headers`, `timeout_keep_alive`, `on_response_complete`, `send_400_response` and `shutdown`.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.connections import Connection, Connections, Reading

LARGEST_HEAD = 64 * 1024  # bytes without a complete head or a part of a body: heads, trailers, the framing of chunks
MOST_QUEUED = 16  # requests that may wait on one connection for earlier answers
HEAD_WITHIN_S, BODY_WITHIN_S = 10.0, 30.0
LINGER_S = 0.5  # so long an idle connection stays open when the server stops: a request may be on its way
LAST = (b"connection", b"close")
ABORT = "invoicing.abort"  # the ASGI extension with which a response cuts its connection when the client does not read


class BoundedProtocol(Connection, HttpToolsProtocol):
    """uvicorn's protocol with limits. The application's `state.connections` knows all connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.turn_to(Reading.FIRST, HEAD_WITHIN_S)
        peer = transport.get_extra_info("peername")
        self.together: Connections = self.app.state.connections
        self.together.add(self, peer[0] if isinstance(peer, tuple) else "")

    def connection_lost(self, exc: Exception | None) -> None:
        self.together.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.unproductive += len(data)
        super().data_received(data)
        if self.unproductive > LARGEST_HEAD:
            self.refuse("large", b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        if self.unanswered > MOST_QUEUED:
            self.refuse("queued")
            raise ConnectionAbortedError
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.turn_to(Reading.HEAD, HEAD_WITHIN_S)

    def on_headers_complete(self) -> None:
        self.scope["headers"] = [*self.scope["headers"]]  # trailers join the other list: this head is judged already
        self.unanswered += 1
        self.turn_to(Reading.BODY, BODY_WITHIN_S)
        super().on_headers_complete()
        self.answer = self.cycle

    def on_body(self, body: bytes) -> None:
        self.unproductive = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.turn_to(Reading.NOTHING, self.timeout_keep_alive)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.unanswered -= 1
        super().on_response_complete()
        if self.reading is Reading.NOTHING:
            self.turn_to(Reading.NOTHING, self.timeout_keep_alive)

    def send_400_response(self, _msg: str) -> None:
        """Refuse what is not a request, without writing into another answer."""
        self.refuse("malformed", b"400 Bad Request")

    def shutdown(self) -> None:
        """Stop: the answer that comes next is the connection's last, and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        self.end_with_answer()
        asyncio.get_running_loop().call_later(LINGER_S, super().shutdown)
