"""Limits requests on one connection: the size and slowness of heads and bodies, and how many wait for their answers.

uvicorn limits none of this. Besides the methods of `asyncio.Protocol` and the callbacks of `httptools`, this relies on
these names of its `HttpToolsProtocol`: `app`, `parser`, `scope`, `url`, `headers`, `cycle.response_started`,
`cycle.response_complete`, `cycle.keep_alive`, `server_state.default_headers`, `timeout_keep_alive`, `on_response_complete`,
`_unset_keepalive_if_required` and `shutdown`.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, httptools  # type: ignore[attr-defined]

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
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.refuse("malformed", b"400 Bad Request")
        except httptools.HttpParserUpgrade as offer:
            self.read_again(data[offer.args[0] :])
        if self.unproductive > LARGEST_HEAD:
            self.refuse("large", b"431 Request Header Fields Too Large")

    def read_again(self, behind: bytes) -> None:
        """Read a head that offers another protocol once more, without the offer.

        The parser gives the body to that protocol and reads what follows as a new request. A proxy that passes such
        offers on would let a stranger put a request before somebody else's.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            self.refuse("malformed", b"400 Bad Request")
            return
        kept = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self.data_received(b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *kept, b"", behind]))

    def on_message_begin(self) -> None:
        if self.unanswered > MOST_QUEUED:
            self.refuse("queued")
            raise ConnectionAbortedError
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}
        self.turn_to(Reading.HEAD, HEAD_WITHIN_S)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # it is read again
        self.scope["headers"] = [*self.scope["headers"]]  # trailers join the other list: this head is judged already
        super().on_headers_complete()  # raises for what is no address
        self.answer = self.cycle
        self.unanswered += 1
        self.turn_to(Reading.BODY, BODY_WITHIN_S)

    def on_body(self, body: bytes) -> None:
        self.unproductive = 0
        super().on_body(body)
        if not self.cycle.response_complete:
            self.together.hold(self, len(body))

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self.turn_to(Reading.NOTHING, self.timeout_keep_alive)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.unanswered -= 1
        self.together.hold(self, -self.held)
        super().on_response_complete()
        if self.reading is Reading.NOTHING:
            self.turn_to(Reading.NOTHING, self.timeout_keep_alive)

    def shutdown(self) -> None:
        """Stop: the answer that comes next is the connection's last, and says so."""
        if LAST not in self.server_state.default_headers:
            self.server_state.default_headers.append(LAST)
        self.end_with_answer()
        asyncio.get_running_loop().call_later(LINGER_S, super().shutdown)
