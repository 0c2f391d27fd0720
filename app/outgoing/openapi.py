"""Our own events in the OpenAPI document: one webhook for each type. Pages and streams carry the same."""

from collections.abc import Iterator
from typing import Any

from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import DisputeStatus
from app.domain.events import (
    CREDIT_NOTE,
    DELETED,
    DISPUTE,
    FINALIZATION_FAILED,
    FULFILLMENT,
    INVOICE,
    NOTICES,
    PAYMENT,
    REFUND,
    event_type,
)
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus
from app.domain.outgoing import PING
from app.domain.payment_attempts import FRAUD_WARNING, SUCCEEDED, UNEXPECTED
from app.domain.refund import RefundStatus
from app.http.examples import example
from app.outgoing.schemas import PingEvent

MEDIA_TYPE = "application/cloudevents+json"
SCHEMAS = {
    INVOICE: "InvoiceEvent",
    FULFILLMENT: "FulfillmentEvent",
    PAYMENT: "PaymentEvent",
    REFUND: "RefundEvent",
    CREDIT_NOTE: "CreditNoteEvent",
    DISPUTE: "DisputeEvent",
}

BEFORE: dict[str, str | None] = {
    InvoiceStatus.DRAFT: None,
    InvoiceStatus.OPEN: InvoiceStatus.DRAFT,
    InvoiceStatus.PAID: InvoiceStatus.OPEN,
    InvoiceStatus.VOID: InvoiceStatus.OPEN,
    InvoiceStatus.UNCOLLECTIBLE: InvoiceStatus.OPEN,
    DELETED: InvoiceStatus.DRAFT,
    FulfillmentStatus.AWAITING_PAYMENT: None,
}
"""The status before, in the examples; `awaiting_payment` for other statuses of a fulfillment."""

RETURNED: tuple[tuple[str, str | None, str, str], ...] = (
    (REFUND, None, RefundStatus.PENDING, "A refund was made."),
    (REFUND, RefundStatus.PENDING, RefundStatus.SUCCEEDED, "Something that is shown of the refund changed."),
    (REFUND, RefundStatus.SUCCEEDED, RefundStatus.FAILED, "The refund failed: the money did not reach the customer."),
    (CREDIT_NOTE, None, CreditNoteStatus.ISSUED, "A credit note was issued."),
    (CREDIT_NOTE, CreditNoteStatus.ISSUED, CreditNoteStatus.ISSUED, "Something that is shown of it changed."),
    (CREDIT_NOTE, CreditNoteStatus.ISSUED, CreditNoteStatus.VOID, "The credit note was voided."),
    (DISPUTE, None, DisputeStatus.NEEDS_RESPONSE, "A payment is disputed, or its bank inquires."),
    (DISPUTE, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, "Something that is shown of it changed."),
    (DISPUTE, DisputeStatus.UNDER_REVIEW, DisputeStatus.WON, "The dispute was decided, or the inquiry ended."),
)
"""The events of what came back: subject, status before and now, and what they tell."""


NAMED: tuple[tuple[str, str, str], ...] = (
    (FINALIZATION_FAILED, InvoiceStatus.DRAFT, "Stripe refused to finalize the draft."),
    (NOTICES[0], InvoiceStatus.OPEN, "The invoice will be due soon: told once, by Stripe or by `REMINDERS`."),
    (NOTICES[1], InvoiceStatus.OPEN, "The due date has passed, and something is left to pay: told once."),
    (NOTICES[2], InvoiceStatus.OPEN, "The payer is reminded, as `reminder` says: once for each day of `REMINDERS`."),
)
"""What happens to an invoice that keeps its status: the name, the status, and what is told."""

PAYMENTS = {
    "action_required": "A payment waits for the payer, who must authenticate it as a rule.",
    SUCCEEDED: "A payment of all or a part of the invoice went through. Told once for each PaymentIntent.",
    "partly_funded": "A part of a bank transfer arrived; the payment waits for the rest.",
    FRAUD_WARNING: "The card's issuer reports the payment as fraud. Nothing is withdrawn yet.",
    UNEXPECTED: "Money arrived although the invoice was voided, or had been paid out of band.",
}
"""What is told of payments, by the status."""

HEADERS = {
    "webhook-id": ("The event's `id`: the same at every attempt, so drop what you know.", "iev_000648a1b2c3d4e5"),
    "webhook-timestamp": ("When this attempt was made, in Unix seconds; refuse what is old.", "1795343385"),
    "webhook-signature": (
        (
            "`v1,` and the base64 HMAC-SHA-256 of `{webhook-id}.{webhook-timestamp}.{body}`; several, with spaces between, "
            "while the secret is rotated. Any library of the Standard Webhooks specification verifies it."
        ),
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}
"""The headers of a delivery."""

RESPONSES = {
    "2XX": {"description": "Taken; it will not be sent again."},
    "410": {"description": "The endpoint wants nothing any more, and is disabled."},
    "default": {"description": "Not taken; sent again later, after `Retry-After` where that asks for more time."},
}


def webhooks(schemas: dict[str, Any]) -> dict[str, Any]:
    """Each event type as a webhook. `schemas` are those of the OpenAPI document."""
    found = {}
    for subject, was, status, told, named in _changes():
        name = event_type(subject, was, status, named=named)
        found[name] = _webhook(subject, name, told, (was, status), schemas)
    return found | {PING: _ping(schemas)}


def _changes() -> Iterator[tuple[str, str | None, str, str, str | None]]:
    """What events tell of: the subject, its status before and now, what is told, and the event's name if it has its own."""
    for subject, statuses in ((INVOICE, [*InvoiceStatus, DELETED]), (FULFILLMENT, list(FulfillmentStatus))):
        for status in map(str, statuses):
            was = BEFORE.get(status, None if subject == INVOICE else str(FulfillmentStatus.AWAITING_PAYMENT))
            yield subject, was, status, f"The {subject} became `{status}`.", None
        kept, what = str(statuses[0]), f"Something else that is shown of the {subject} changed"
        yield subject, kept, kept, f"{what}; its status is what it was.", None
    paid, opened = str(InvoiceStatus.PAID), str(InvoiceStatus.OPEN)
    yield INVOICE, paid, opened, f"The invoice became `{opened}` again.", None
    for named, status, told in NAMED:
        yield INVOICE, status, status, told, named
    back, there = str(FulfillmentStatus.REVERSED), str(FulfillmentStatus.FULFILLED)
    yield FULFILLMENT, back, there, "What came back or was withdrawn is there again.", None
    for status, told in PAYMENTS.items():
        yield PAYMENT, None, status, told, None
    for returned in RETURNED:
        yield *returned, None


def _webhook(
    subject: str, name: str, told: str, statuses: tuple[str | None, str], schemas: dict[str, Any]
) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{SCHEMAS[subject]}"}
    shown = example(schema, schemas, asked=False)
    shown |= {"type": name, "dataschema": shown["dataschema"].replace(SCHEMAS[INVOICE], SCHEMAS[subject])}
    shown["data"]["previous_status"], shown["data"][subject]["status"] = statuses
    return _sent(name, told, schema, shown)


def _ping(schemas: dict[str, Any]) -> dict[str, Any]:
    schema = PingEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[PingEvent.__name__] = schema
    referred = {"$ref": f"#/components/schemas/{PingEvent.__name__}"}
    shown = example(schema, schemas, asked=False)
    return _sent(PING, "Nothing happened: somebody tries the endpoint.", referred, shown)


def _sent(name: str, told: str, schema: dict[str, Any], shown: Any) -> dict[str, Any]:
    parameters = [
        {
            "name": header,
            "in": "header",
            "required": True,
            "description": said,
            "schema": {"type": "string"},
            "example": value,
        }
        for header, (said, value) in HEADERS.items()
    ]
    return {
        "post": {
            "tags": ["events"],
            "operationId": name.replace(".", "_"),
            "summary": name,
            "description": told,
            "parameters": parameters,
            "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema, "example": shown}}},
            "responses": RESPONSES,
        }
    }
