"""Asks Stripe for the current state of an object, as a snapshot that counts where events cannot be ordered."""

from datetime import UTC, datetime
from urllib.parse import quote

from app.db.engine import Database
from app.domain.errors import NotAtStripe, Overtaken, StripeInvalidRequest
from app.domain.json import JsonObject
from app.domain.snapshot import Verdict
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.stripe.client import Answer, StripeGateway
from app.stripe.mapping import VANISHING, InvoicePayment, Kind, ObservationWindow, Snapshot, invoice_payment, snapshot

PATHS = {kind: f"/v1/{kind}s" for kind in Kind}
"""Where Stripe lists the objects of a kind."""
MOST_LOOKS = 4
"""The most requests for one object in a row while others keep changing it."""


def path_of(subject: Subject) -> str:
    """The path of an object at Stripe. A coupon's id is the merchant's own text."""
    return f"{PATHS[subject.kind]}/{quote(subject.id, safe='')}"


async def observe(gateway: StripeGateway, subject: Subject, over: int | None = None) -> Snapshot:
    """The object as Stripe has it now: an invoice with all its items and payments, a stub where it was deleted.

    `over` is the revision known before asking (see Version); without it only times tell whether the answer is newer.
    For an invoice, a tax id or a coupon that Stripe does not know, the answer is a stub marked `missing`: it may have been
    deleted. For any other kind this raises NotAtStripe, because Stripe keeps a stub of it or tells of its deletion.
    """
    expand: JsonObject = {"expand": ["payments"]} if subject.kind is Kind.INVOICE else {}
    try:
        answer = await gateway.get(path_of(subject), expand)
    except StripeInvalidRequest as error:
        if not error.object_missing:
            raise
        if subject.kind not in VANISHING:
            raise NotAtStripe(subject.kind, subject.id) from error
        missing = gone(subject, over)
        missing.missing = True
        return missing
    observed = snapshot_of(subject.kind, answer, over=over)
    await complete(gateway, observed)
    return observed


async def take_over(
    database: Database, gateway: StripeGateway, subject: Subject, cause: str, *, invoice: str | None = None
) -> bool:
    """Update our rows of `subject` to what Stripe has now. Returns whether anything changed.

    `invoice` is the one that a refund, credit note or dispute belongs to.

    Raises Overtaken if others change it faster than Stripe answers, and what the gateway raises.
    """
    subjects = [subject, *([Subject(Kind.INVOICE, invoice)] if invoice else [])]
    async with database.unit_of_work() as connection:
        over = (await UnitOfWork.of(connection, subjects)).revision(subject)
    for look in range(MOST_LOOKS):
        observed = (await observe(gateway, subject, over)).belongs_to(invoice)
        try:
            async with database.unit_of_work() as connection:
                unit = await UnitOfWork.of(connection, subjects, cause=cause)
                verdict = unit.apply(observed)
                followed = unit.follow(subject)
                await unit.flush()
                return verdict is Verdict.APPLY or followed
        except Unordered as question:
            over = question.over
            if look + 1 == MOST_LOOKS:
                raise Overtaken(subject.id) from question
    raise AssertionError("the loop ends by returning or raising")  # pragma: no cover


def gone(subject: Subject, over: int | None = None) -> Snapshot:
    """The snapshot of an object that Stripe no longer has. `over` is the revision known before asking (see Version)."""
    now = datetime.now(UTC).replace(microsecond=0)
    return snapshot(subject.kind, {"id": subject.id, "deleted": True}, ObservationWindow(now, now, over=over))


def snapshot_of(kind: Kind, answer: Answer, *, over: int | None = None) -> Snapshot:
    return snapshot(kind, answer.data, ObservationWindow(answer.since, answer.until, over=over, asked=True))


async def complete(gateway: StripeGateway, taken: Snapshot) -> None:
    """Fetch all of an invoice's items if its snapshot shows only some."""
    if taken.items_complete:
        return
    lines = [line async for line in gateway.pages(f"/v1/invoices/{taken.id}/lines", {})]
    taken.complete(lines)


async def invoice_of(gateway: StripeGateway, payment_intent: str) -> InvoicePayment | None:
    """The payment of an invoice by `payment_intent`; None if it pays none or is unknown to Stripe."""
    query = {"payment": {"type": "payment_intent", "payment_intent": payment_intent}}
    try:
        found = (await gateway.get("/v1/invoice_payments", query)).data["data"]
    except StripeInvalidRequest as error:
        if error.object_missing:
            return None
        raise
    return invoice_payment(found[0]) if found else None


async def payment_intent(gateway: StripeGateway, intent_id: str) -> JsonObject:
    return (await gateway.get(f"/v1/payment_intents/{intent_id}")).data
