"""Owns `POST /webhooks/stripe`: read the raw bytes, verify, record, answer; everything else is the worker's.

A bare ASGI endpoint: this is the busiest route, and the framework's share would be the larger half of its cost.
"""

import time

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.errors import problem_of
from app.domain.errors import InvoicingError, MalformedRequest
from app.webhooks.envelope import read_envelope
from app.webhooks.recording import DELIVERED, Origin, is_ours, new_event
from app.webhooks.signature import require_plausible, verify
from app.wiring import Parts

log = structlog.get_logger(__name__)

PATH = "/webhooks/stripe"
TELL_EVERY_S = 1.0
RECEIVED = Response(b'{"received":true}', media_type="application/json")


class Refusals:
    """Tells the log of refused deliveries, at most once a second: a flood of them must not become a flood of lines."""

    def __init__(self) -> None:
        self._told_at = float("-inf")
        self._untold = 0

    def note(self, error: InvoicingError, request_id: str) -> None:
        """Count a refusal, and tell of it if it is time."""
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            log.warning(
                "webhook_refused", code=error.code, detail=error.detail, request_id=request_id, since_last=self._untold
            )
            self._told_at, self._untold = now, 0


class WebhookEndpoint:
    """The ASGI endpoint that takes Stripe's deliveries."""

    def __init__(self) -> None:
        self._refusals = Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            require_plausible(Headers(scope=scope).get("stripe-signature"))
            await self._receive(scope, await _body(receive))
            response = RECEIVED
        except InvoicingError as error:
            self._refusals.note(error, scope["request_id"])
            response = problem_of(error, scope["request_id"])
        await response(scope, receive, send)

    async def _receive(self, scope: Scope, body: bytes) -> None:
        parts: Parts = scope["app"].state.parts
        signature = Headers(scope=scope).get("stripe-signature")
        verified_by = verify(body, signature, parts.secrets)
        envelope = read_envelope(body)
        ours = is_ours(envelope, livemode=parts.settings.livemode)
        if not ours:
            log.warning("webhook_not_ours", event_id=envelope.id, livemode=envelope.livemode, account=envelope.account)
        origin = Origin(DELIVERED, verified_by, signature, scope["request_id"])
        new = await parts.inbox.record(new_event(envelope, body.decode(), origin, ours=ours))
        log.info("webhook_received", event_id=envelope.id, type=envelope.type, new=new, request_id=scope["request_id"])


async def _body(receive: Receive) -> bytes:
    """The raw body; its size is bounded by the gate."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The connection ended before the body did.") from ClientDisconnect()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)
