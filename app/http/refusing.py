"""Owns the refusal of junk deliveries where the connection is read, before the application has a request of them.

Most of what a refusal costs is a request's way through a server and an application, and a flood is made of nothing else.
The endpoint decides and words it; here it is only done sooner. What is not as plain as nearly all requests are (its body
comes slowly in many pieces, others wait behind it, the connection ends with it) takes the usual way to the same answer.
"""

from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.http.problems import STATUS
from app.http.protocol import LAST, BoundedProtocol
from app.inbox.route import DELIVERY, PATH, Delivery, Refusal, WebhookEndpoint

REFUSED = STATUS_LINE[STATUS["invalid_signature"]]
URL = PATH.encode()


class RefusingProtocol(BoundedProtocol):
    """The service's protocol: an application's `deliveries` are its own to refuse."""

    held: Delivery | None = None
    """A delivery that could be Stripe's by its head, until its body is there: the server is told of it only then."""
    body = b""
    """As much of its body as there is."""
    refused = False
    """Whether what is being read is refused already: the rest of it is passed over."""

    def on_headers_complete(self) -> None:
        """A head is complete: of a delivery, it is seen first whether it could be Stripe's."""
        deliveries: WebhookEndpoint | None = getattr(self.app, "deliveries", None)
        if deliveries is None or self.url != URL or not self._is_plain():
            super().on_headers_complete()
            return
        self.head_read()
        found = deliveries.examine(dict(self.headers))
        if isinstance(found, Delivery):
            self.held = found
        else:
            self.refused = True
            self._answer(found)

    def on_body(self, body: bytes) -> None:
        """Some of a body; a large one is the application's to read."""
        if self.held:
            self.body += body
            if len(self.body) > HIGH_WATER_LIMIT:
                self._hand_on(self.held)
        elif not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there: of a delivery, whether it is Stripe's."""
        deliveries: Any = getattr(self.app, "deliveries", None)
        if self.held and (refusal := deliveries.verify(self.held, self.body)):
            self._forget()
            self.refused = True
            self._answer(refusal)
        elif self.held:
            self._hand_on(self.held)
        if self.refused:
            self.refused = False
            self.all_read()
        else:
            super().on_message_complete()

    def answered(self) -> bool:
        """Whether the request being read has an answer already."""
        return self.refused or (self.held is None and super().answered())

    def shutdown(self) -> None:
        """The server stops: a delivery that has begun is still taken."""
        if self.held:
            self._hand_on(self.held)
        super().shutdown()

    def _hand_on(self, delivery: Delivery) -> None:
        """Tell the server of a delivery, as if it came just now."""
        body = self._forget()
        super().on_headers_complete()
        scope: Any = self.scope
        scope[DELIVERY] = delivery
        super().on_body(body)

    def _forget(self) -> bytes:
        """Hold nothing; what was held of a body."""
        body, self.body, self.held = self.body, b"", None
        return body

    def _is_plain(self) -> bool:
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.should_keep_alive()
            and parser.get_http_version() == "1.1"
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self.pipeline
            and self.rests()
            and not self.flow.write_paused
            and LAST not in self.server_state.default_headers
        )

    def _answer(self, refusal: Refusal) -> None:
        """Answer as the server would."""
        said = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(refusal.written(b"".join((REFUSED, *said))))
        self.on_response_complete()
