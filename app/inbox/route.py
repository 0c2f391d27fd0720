"""`POST /webhooks/stripe`: read the raw body, verify the signature, store the event, answer. The worker does the rest.

It is a bare ASGI endpoint in front of the framework and its middleware, because this address gets the most requests,
and floods. A delivery that is not Stripe's is refused by its headers where possible, without an exception, with a
prepared answer, and with at most one log line a second.
"""

import asyncio
import time
from collections import Counter
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import structlog
from opentelemetry.trace import Span, SpanKind
from starlette.types import Receive, Scope, Send

from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable, InvoicingError, MalformedRequest, PayloadTooLarge
from app.domain.idempotency import operation_of
from app.http.dependencies import service_of
from app.http.middleware import LARGEST_BODY, TOO_LARGE, head_refusal, headers_of, refusal_of, request_id_of
from app.http.problems import MEDIA_TYPE, STATUS, problem
from app.idempotency.statements import request_of
from app.inbox.envelope import Envelope, read_cause, read_envelope
from app.inbox.signature import FORGED, WHY, refusal_of_header, signed_by, signing_secrets
from app.inbox.store import Inbox
from app.inbox.stored_event import DELIVERED, Origin, is_ours, new_event
from app.observability import metrics, tracing
from app.settings import Settings

log = structlog.get_logger(__name__)

PATH = "/webhooks/stripe"
TELL_EVERY_S = 1.0
RECEIVED = b'{"received":true}'
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", MEDIA_TYPE.encode())
FOR_ANYBODY = {b"x-content-type-options", b"strict-transport-security"}
"""The browser headers that are sent here as well."""
NO_ID = "~id~"
"""The placeholder of the request id in a prepared answer."""


class Refusals:
    """Logs and counts refused deliveries, at most once a second, because a flood must not cost a line each."""

    def __init__(self) -> None:
        self._untold: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, why: str, request_id: str) -> None:
        """Count a refusal. The first is logged at once, those of the following second together at its end."""
        self._untold[why] += 1
        if self._timer is None:
            self._tell(request_id)

    def _tell(self, request_id: str | None = None) -> None:
        self._timer = None
        if self._untold:
            log.warning("webhooks_refused", count=self._untold.total(), why=dict(self._untold), request_id=request_id)
            for why, count in self._untold.items():
                metrics.DELIVERIES(WHY.get(why, why)).inc(count)
                if why in WHY:  # else the answer is counted where it is given
                    metrics.HTTP_REQUESTS("POST", PATH, STATUS["invalid_signature"]).inc(count)
            self._untold.clear()
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    envelope: Envelope
    request_id: str
    new: bool


class WebhookEndpoint:
    """The ASGI endpoint of Stripe's deliveries."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.request_timeout_s
        self._livemode = settings.livemode
        self._headers = [header for header in headers_of(settings) if header[0] in FOR_ANYBODY]
        self._refusals = Refusals()
        self._secrets = signing_secrets(settings.stripe_webhook_secrets)
        self._answer_to = cache(lambda why: bytes(problem("invalid_signature", why, NO_ID).body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = request_id_of(headers)
        signature = headers.get(b"stripe-signature", b"")
        if why := refusal_of_header(signature):
            await self._refuse(why, request_id, send)
            return
        refusal = head_refusal(scope, headers, request_id)
        taken = signer = None
        if refusal is None:
            try:
                body = await _body(receive)
                signer = signed_by(body, signature, self._secrets)
                taken = await self._take(scope, body, signer, request_id) if signer else None
            except Exception as error:  # noqa: BLE001 -- whatever it was, it is answered, and with anything but 200
                if isinstance(error, InvoicingError):
                    self._refusals.note(error.code, request_id)
                refusal = refusal_of(error, PATH, request_id)
        if refusal is not None:
            metrics.HTTP_REQUESTS("POST", PATH, refusal.status_code).inc()
            refusal.raw_headers += [*self._headers, (b"x-request-id", request_id.encode())]
            await refusal(scope, receive, send)
        elif taken:
            await self._answer(send, HTTPStatus.OK, JSON, RECEIVED, taken.request_id)
            _tell(taken, time.perf_counter() - started)
        else:
            await self._refuse(FORGED, request_id, send)

    async def _take(self, scope: Scope, body: bytes, signer: str, request_id: str) -> StoredDelivery:
        envelope = read_envelope(body)
        ours = is_ours(envelope, livemode=self._livemode)
        if not ours:
            log.warning("webhook_not_ours", event_id=envelope.id, livemode=envelope.livemode, account=envelope.account)
        with await _span(service_of(scope, Database), envelope, body) as span:
            request_id = tracing.request_id(span) or request_id
            event = new_event(envelope, body.decode(), Origin(DELIVERED, signer, request_id), ours=ours)
            async with asyncio.timeout(self._timeout_s):
                new = await service_of(scope, Inbox).record(event)
        return StoredDelivery(envelope, request_id, new)

    async def _refuse(self, why: str, request_id: str, send: Send) -> None:
        """Answer a delivery that is not Stripe's, with a prepared text."""
        self._refusals.note(why, request_id)
        body = self._answer_to(why).replace(NO_ID.encode(), request_id.encode())
        await self._answer(send, STATUS["invalid_signature"], PROBLEM, body, request_id)

    async def _answer(self, send: Send, status: int, kind: tuple[bytes, bytes], body: bytes, request_id: str) -> None:
        said = [kind, (b"content-length", b"%d" % len(body)), *self._headers, (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})


async def _span(database: Database, envelope: Envelope, body: bytes) -> AbstractContextManager[Span]:
    """The span of a delivery. It continues the trace of the call of ours that caused the event, if any."""
    parent, caused_by = None, operation_of(read_cause(body) or "") if tracing.is_on() else None
    if caused_by:
        with suppress(DatabaseUnavailable):  # without its parent the delivery is stored all the same
            async with database.connection() as connection:
                parent = await request_of(connection, caused_by)
    said = {"event.id": envelope.id, "event.type": envelope.type, "http.route": PATH, "http.request.method": "POST"}
    return tracing.span(f"POST {PATH}", said, kind=SpanKind.SERVER, context=tracing.context_of(parent))


def _tell(taken: StoredDelivery, took: float) -> None:
    """Count and log a delivery answered with 200."""
    metrics.DELIVERIES("new" if taken.new else "known").inc()
    metrics.HTTP_REQUESTS("POST", PATH, 200).inc()
    metrics.HTTP_SECONDS("POST", PATH).observe(took)
    log.info(
        "webhook_received",
        event_id=taken.envelope.id,
        type=taken.envelope.type,
        object=taken.envelope.data.object.id,
        new=taken.new,
        status=200,
        ms=round(took * 1000, 1),
        request_id=taken.request_id,
    )


async def _body(receive: Receive) -> bytes:
    """The raw body. Raises PayloadTooLarge. The server's protocol limits the time."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The connection ended before the body did.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST_BODY:
            raise PayloadTooLarge(TOO_LARGE)
        if not message.get("more_body"):
            return b"".join(chunks)
