"""Owns which event does what: every event type that matters stands here exactly once, in HANDLERS.

A handler is plain computation on the ledger: no I/O. Where it needs to know more than the event says it raises
Unordered or Unlinked; the worker asks Stripe and calls it again with the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.fulfillment import Attempt
from app.domain.json import JsonObject
from app.services.attempts import INTENT_SAYS, failure_of
from app.services.ledger import Ledger, Subject, Unordered
from app.stripe_gateway.client import API_VERSION
from app.stripe_gateway.mapping import Kind, Snapshot, Stamp, snapshot
from app.webhooks.envelope import Event


class Unlinked(Exception):
    """It is not known here which invoice this PaymentIntent pays."""

    def __init__(self, payment_intent: str) -> None:
        super().__init__(f"the invoice of {payment_intent} must be looked up")
        self.payment_intent = payment_intent


class AttemptUnclear(Exception):
    """Two words about one attempt to pay carry the same second: the PaymentIntent itself must be asked."""

    def __init__(self, payment_intent: str) -> None:
        super().__init__(f"{payment_intent} must be fetched")
        self.payment_intent = payment_intent


@dataclass(slots=True)
class Incoming:
    """An event under way, with what was asked of Stripe for its sake.

    fetched: snapshots asked for, by subject. invoice: the invoice that a PaymentIntent's event is about
    (None: not known yet; "" : Stripe says it pays none). intent: the PaymentIntent as it is now.
    """

    event: Event
    fetched: dict[Subject, Snapshot]
    invoice: str | None = None
    intent: JsonObject | None = None

    @property
    def subject(self) -> Subject | None:
        """The mirrored object the event is about; None for a PaymentIntent whose invoice is not known."""
        kind = KINDS.get(self.event.object.get("object", ""))
        if kind:
            return Subject(kind, self.event.object["id"])
        return Subject(Kind.INVOICE, self.invoice) if self.invoice else None

    @property
    def nothing_of_ours(self) -> bool:
        """Whether the event turned out to be about a payment that belongs to no invoice."""
        return self.invoice == ""

    def apply(self, ledger: Ledger, *, first: bool = False, deleted: bool = False) -> Subject:
        """Apply the event's snapshot, or what was fetched in its place."""
        event = self.event
        kind = KINDS[event.object["object"]]
        subject = Subject(kind, event.object["id"])
        fetched = self.fetched.get(subject)
        if fetched is None and event.api_version != API_VERSION:
            raise Unordered(subject)
        if fetched is None:
            stamp = Stamp(event.created_at, event.created_at, first=first)
            fetched = snapshot(kind, event.object, stamp, deleted=deleted)
        ledger.apply(fetched)
        return subject


KINDS = {kind.value: kind for kind in Kind}

Handler = Callable[[Ledger, Incoming], None]


def on_snapshot(ledger: Ledger, incoming: Incoming) -> None:
    """An object changed: mirror it."""
    incoming.apply(ledger)


def on_created(ledger: Ledger, incoming: Incoming) -> None:
    """An object's first state: older than anything else that is known of it."""
    incoming.apply(ledger, first=True)


def on_deleted(ledger: Ledger, incoming: Incoming) -> None:
    """An object is gone for good."""
    incoming.apply(ledger, deleted=True)


def on_invoice(ledger: Ledger, incoming: Incoming) -> None:
    """An invoice changed: mirror it, and let its fulfillment follow its status."""
    ledger.follow_invoice(incoming.apply(ledger).id)


def on_invoice_paid(ledger: Ledger, incoming: Incoming) -> None:
    """An invoice is paid, by card, by debit or out of band: fulfilled, once, whatever came before or comes again."""
    on_invoice(ledger, incoming)


def on_invoice_payment_failed(ledger: Ledger, incoming: Incoming) -> None:
    """An attempt to pay failed: count it. The reason comes with the PaymentIntent's own event."""
    subject = incoming.apply(ledger)
    if ledger.row(subject):
        ledger.follow_invoice(subject.id)
        ledger.count_attempt(subject.id)
        ledger.follow_attempt(subject.id, Attempt.FAILED, incoming.event.created_at)


def on_payment_intent_processing(ledger: Ledger, incoming: Incoming) -> None:
    """A customer paid by a method that settles later: the payment is pending, not done."""
    _follow_attempt(ledger, incoming, Attempt.PROCESSING)


def on_payment_intent_failed(ledger: Ledger, incoming: Incoming) -> None:
    """An attempt to pay failed; the PaymentIntent says why."""
    _follow_attempt(ledger, incoming, Attempt.FAILED)


def _follow_attempt(ledger: Ledger, incoming: Incoming, attempt: Attempt) -> None:
    intent = incoming.event.object
    if incoming.invoice is None:
        raise Unlinked(intent["id"])
    if not incoming.invoice or not _take_invoice(ledger, incoming, incoming.invoice):
        return
    at = incoming.event.created_at
    if incoming.intent:
        truth = INTENT_SAYS.get(incoming.intent["status"])
        if truth:
            _record(ledger, incoming.invoice, truth, at, incoming.intent, truth=True)
    elif not _record(ledger, incoming.invoice, attempt, at, intent):
        raise AttemptUnclear(intent["id"])


def _record(
    ledger: Ledger, invoice_id: str, attempt: Attempt, at: datetime, intent: JsonObject, *, truth: bool = False
) -> bool:
    failure = failure_of(intent) if attempt is Attempt.FAILED else None
    return ledger.follow_attempt(invoice_id, attempt, at, payment_intent=intent["id"], failure=failure, truth=truth)


def _take_invoice(ledger: Ledger, incoming: Incoming, invoice_id: str) -> bool:
    """Make sure that the invoice is known, applying what was fetched of it; False where it is gone at Stripe too."""
    subject = Subject(Kind.INVOICE, invoice_id)
    fetched = incoming.fetched.get(subject)
    if fetched:
        ledger.apply(fetched)
        ledger.follow_invoice(invoice_id)
    elif ledger.row(subject) is None:
        raise Unordered(subject)
    return ledger.row(subject) is not None


HANDLERS: dict[str, Handler] = {
    "product.created": on_created,
    "product.updated": on_snapshot,
    "product.deleted": on_deleted,
    "price.created": on_created,
    "price.updated": on_snapshot,
    "price.deleted": on_deleted,
    "customer.created": on_created,
    "customer.updated": on_snapshot,
    "customer.deleted": on_deleted,
    "invoice.created": on_created,
    "invoice.updated": on_invoice,
    "invoice.finalized": on_invoice,
    "invoice.finalization_failed": on_invoice,
    "invoice.sent": on_invoice,
    "invoice.overdue": on_invoice,
    "invoice.payment_action_required": on_invoice,
    "invoice.payment_failed": on_invoice_payment_failed,
    "invoice.paid": on_invoice_paid,
    "invoice.payment_succeeded": on_invoice,
    "invoice.overpaid": on_invoice,
    "invoice.voided": on_invoice,
    "invoice.marked_uncollectible": on_invoice,
    "invoice.deleted": on_deleted,
    "payment_intent.processing": on_payment_intent_processing,
    "payment_intent.payment_failed": on_payment_intent_failed,
}
"""Every event type that does something here. All others are recorded and ignored."""
