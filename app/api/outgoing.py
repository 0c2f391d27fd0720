"""Owns how our own events stand in the contract: one webhook for each type, with its schema and an example.

However an event is told (pulled, streamed, or sent to an endpoint of the caller's), the document is this one.
"""

from typing import Any

from app.api.examples import example
from app.domain.feed import DELETED, FULFILLMENT, INVOICE, event_type
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus

MEDIA_TYPE = "application/cloudevents+json"
SCHEMAS = {INVOICE: "InvoiceEvent", FULFILLMENT: "FulfillmentEvent"}

BEFORE: dict[str, str | None] = {
    InvoiceStatus.DRAFT: None,
    InvoiceStatus.OPEN: InvoiceStatus.DRAFT,
    InvoiceStatus.PAID: InvoiceStatus.OPEN,
    InvoiceStatus.VOID: InvoiceStatus.OPEN,
    InvoiceStatus.UNCOLLECTIBLE: InvoiceStatus.OPEN,
    DELETED: InvoiceStatus.DRAFT,
    FulfillmentStatus.AWAITING_PAYMENT: None,
}
"""What the examples show as the status before; of a fulfillment, `awaiting_payment`."""


def webhooks(schemas: dict[str, Any]) -> dict[str, Any]:
    """Every type of event as a webhook; `schemas` are the contract's."""
    found = {}
    for subject, statuses in ((INVOICE, [*InvoiceStatus, DELETED]), (FULFILLMENT, list(FulfillmentStatus))):
        for status in map(str, statuses):
            was = BEFORE.get(status, None if subject == INVOICE else str(FulfillmentStatus.AWAITING_PAYMENT))
            name = event_type(subject, was, status)
            found[name] = _webhook(subject, name, f"The {subject} became `{status}`.", (was, status), schemas)
        kept = statuses[0]
        name = event_type(subject, str(kept), str(kept))
        told = f"Something else that is shown of the {subject} changed; its status is what it was."
        found[name] = _webhook(subject, name, told, (str(kept), str(kept)), schemas)
    return found


def _webhook(
    subject: str, name: str, told: str, statuses: tuple[str | None, str], schemas: dict[str, Any]
) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{SCHEMAS[subject]}"}
    shown = example(schema, schemas, asked=False)
    shown |= {"type": name, "dataschema": shown["dataschema"].replace(SCHEMAS[INVOICE], SCHEMAS[subject])}
    shown["data"]["previous_status"], shown["data"][subject]["status"] = statuses
    return {
        "post": {
            "tags": ["events"],
            "operationId": name.replace(".", "_"),
            "summary": name,
            "description": told,
            "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": schema, "example": shown}}},
            "responses": {"2XX": {"description": "Taken; it will not be sent again."}},
        }
    }
