"""Owns the refusal of junk deliveries where the connection is read, before the application has a request of them.

Most of what a refusal costs is a request's way through a server and an application, and a flood is made of nothing else.
The endpoint decides and words it; here it is only done sooner. What is not as plain as nearly all requests are (its body
comes slowly in many pieces, others wait behind it, the connection ends with it) takes the usual way to the same answer.
"""

from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.api.errors import STATUS
from app.api.protocol import LAST, BoundedProtocol
from app.api.webhook import Refusal, WebhookEndpoint

REFUSED = STATUS_LINE[STATUS["invalid_signature"]]


class RefusingProtocol(BoundedProtocol):
    """The service's protocol: an application's `deliveries` are its own to refuse."""

    held: tuple[RequestResponseCycle, Any] | None = None
    """A delivery that could be Stripe's by its head, until its body is there."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request: of a delivery, only once it is whole, and if it is Stripe's."""
        deliveries: WebhookEndpoint | None = getattr(app, "deliveries", None)
        scope: Any = cycle.scope
        if deliveries is None or not deliveries.takes(scope) or not self._is_plain(cycle):
            super()._start_asgi_task(cycle, app)
        elif refusal := deliveries.refusal_by_head(scope):
            self._answer(cycle, refusal)
        elif cycle.more_body:
            self.held = cycle, app
        else:
            self._begin(cycle, app)

    def on_body(self, body: bytes) -> None:
        """Some of the body; a large one is the application's to read."""
        if self.held and len(self.held[0].body) + len(body) <= HIGH_WATER_LIMIT:
            self.held[0].body += body
            return
        super().on_body(body)
        if self.held:
            cycle, app = self.held
            self.held = None
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """All of it is there."""
        super().on_message_complete()
        if self.held:
            cycle, app = self.held
            self.held = None
            self._begin(cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        refusal = app.deliveries.refusal_by_body(cycle.scope, cycle.body)
        if refusal:
            self._answer(cycle, refusal)
        else:
            super()._start_asgi_task(cycle, app)

    def _is_plain(self, cycle: RequestResponseCycle) -> bool:
        return (
            cycle.keep_alive
            and not cycle.waiting_for_100_continue
            and not self.pipeline
            and not self.flow.write_paused
            and LAST not in self.server_state.default_headers
        )

    def _answer(self, cycle: RequestResponseCycle, refusal: Refusal) -> None:
        """Answer as the server would; whatever is still to come of the request's body is passed over."""
        said = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(refusal.written(b"".join((REFUSED, *said))))
        cycle.response_started = cycle.response_complete = True
        self.on_response_complete()
