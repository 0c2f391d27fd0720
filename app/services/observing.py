"""Owns asking Stripe how an object stands right now, as snapshots that win where events cannot be ordered."""

from datetime import UTC, datetime

from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonObject
from app.services.ledger import Subject
from app.stripe_gateway.client import Answer, StripeGateway
from app.stripe_gateway.mapping import Kind, Snapshot, Stamp, payment_link, snapshot

PATHS = {
    Kind.PRODUCT: "/v1/products",
    Kind.PRICE: "/v1/prices",
    Kind.CUSTOMER: "/v1/customers",
    Kind.INVOICE: "/v1/invoices",
}


async def observe(gateway: StripeGateway, subject: Subject) -> Snapshot:
    """The object as Stripe has it now: an invoice with all its items and payments; a deleted stub where it is gone."""
    expand: JsonObject = {"expand": ["payments"]} if subject.kind is Kind.INVOICE else {}
    try:
        answer = await gateway.get(f"{PATHS[subject.kind]}/{subject.id}", expand)
    except StripeInvalidRequest as error:
        if is_gone(error):
            return gone(subject)
        raise
    observed = snapshot_of(subject.kind, answer, fetched=True)
    await complete(gateway, observed)
    return observed


def is_gone(error: StripeInvalidRequest) -> bool:
    """Whether Stripe refused because it has no such object."""
    return error.stripe is not None and error.stripe["code"] == "resource_missing"


def gone(subject: Subject) -> Snapshot:
    """The snapshot of an object that Stripe no longer has."""
    now = datetime.now(UTC)
    return snapshot(subject.kind, {"id": subject.id, "deleted": True}, Stamp(now, now, fetched=True))


def snapshot_of(kind: Kind, answer: Answer, *, fetched: bool = False) -> Snapshot:
    """The snapshot an answer is."""
    return snapshot(kind, answer.data, Stamp(answer.since, answer.until, fetched=fetched))


async def complete(gateway: StripeGateway, taken: Snapshot) -> None:
    """Ask for all of an invoice's items where its snapshot shows only some."""
    if taken.items_complete:
        return
    lines = [line async for line in gateway.pages(f"/v1/invoices/{taken.id}/lines", {})]
    taken.complete(lines)


async def invoice_of(gateway: StripeGateway, payment_intent: str) -> JsonObject | None:
    """The link row of the invoice that `payment_intent` pays, or None where it pays none."""
    query = {"payment": {"type": "payment_intent", "payment_intent": payment_intent}}
    found = (await gateway.get("/v1/invoice_payments", query)).data["data"]
    return payment_link(found[0]) if found else None


async def payment_intent(gateway: StripeGateway, intent_id: str) -> JsonObject:
    """A PaymentIntent as Stripe has it now."""
    return (await gateway.get(f"/v1/payment_intents/{intent_id}")).data
