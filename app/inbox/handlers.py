"""The handlers of Stripe's events. HANDLERS lists each handled event type exactly once.

A handler computes on the unit of work and does no I/O. If it needs more than the event says, it raises Unordered,
Unlinked or AttemptUnclear. The worker then asks Stripe and calls it again with the answer.
"""

from collections.abc import Callable
from functools import partial

from app.domain.credit_note import credited
from app.domain.fulfillment import Attempt, AttemptReport
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.payment_attempts import Outcome, PaymentAttempt, exceed, paid_otherwise, settling
from app.domain.reminders import Reminder
from app.fulfillment.fulfillments import Failure
from app.inbox.incoming import AttemptUnclear, Incoming, Unlinked
from app.inbox.payment_methods import on_mandate, on_setup
from app.payments.attempts import failure_in, last_attempt, required_action, transferred
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.stripe.mapping import Kind

OUTCOMES = {
    Attempt.ACTION_REQUIRED: Outcome.ACTION_REQUIRED,
    Attempt.PROCESSING: Outcome.PROCESSING,
    Attempt.FAILED: Outcome.FAILED,
}
Handler = Callable[[UnitOfWork, Incoming], object]


def on_snapshot(unit: UnitOfWork, incoming: Incoming) -> None:
    incoming.apply(unit)


def on_deleted(unit: UnitOfWork, incoming: Incoming) -> None:
    """Mark an object as deleted."""
    incoming.apply(unit, deleted=True)


def on_invoice(unit: UnitOfWork, incoming: Incoming) -> JsonObject | None:
    """Mirror a changed invoice, and let its fulfillment follow its status. Returns its row."""
    subject = incoming.apply(unit)
    unit.follow(subject)
    return unit.row(subject)


def on_finalized(unit: UnitOfWork, incoming: Incoming) -> JsonObject | None:
    """The same of an invoice that is no draft any more."""
    incoming.finalized = True
    return on_invoice(unit, incoming)


def on_due_notice(unit: UnitOfWork, incoming: Incoming) -> None:
    """Mirror an invoice whose due date Stripe tells of, and tell of it in the feed, unless this was told already."""
    invoice = on_finalized(unit, incoming)
    if invoice and invoice["status"] == InvoiceStatus.OPEN:
        unit.reminders.setdefault(Reminder(invoice["id"], incoming.event.type, day=0), unit.cause)


def on_invoice_paid(unit: UnitOfWork, incoming: Incoming) -> None:
    """Mirror a paid invoice and fulfill it, once, however it was paid and in whatever order events come.

    If the payment was detached before this event came, the fulfillment still passes through both: fulfilled, then reversed.
    """
    invoice, subject = on_finalized(unit, incoming), Subject(Kind.INVOICE, str(incoming.about))
    if invoice and invoice["status"] != InvoiceStatus.PAID and (paid := incoming.written(subject, 0)):
        unit.fulfillments.follow_earlier(invoice, paid.row)


def on_invoice_payment_failed(unit: UnitOfWork, incoming: Incoming) -> None:
    """Count a failed attempt to pay, once per event. The reason comes with the PaymentIntent's own event."""
    invoice = on_finalized(unit, incoming)
    if invoice:
        unit.fulfillments.follow_attempt(invoice, AttemptReport(Attempt.FAILED, incoming.event.created_at))
        if not incoming.applied:
            unit.fulfillments.count_attempt(invoice)


def on_invoice_payment_action_required(unit: UnitOfWork, incoming: Incoming) -> None:
    """Record that the payer must act. What is to be done comes with the PaymentIntent's own event."""
    invoice = on_finalized(unit, incoming)
    if invoice is None:
        return
    word = AttemptReport(Attempt.ACTION_REQUIRED, incoming.event.created_at)
    known = unit.fulfillments.last_word(invoice["id"])
    if incoming.intent and incoming.intent[1] == known:
        _settle(unit, incoming, invoice, word)
    elif not unit.fulfillments.follow_attempt(invoice, word) and invoice["payment_intent"]:
        raise AttemptUnclear(invoice["payment_intent"], known)


def on_payment_intent_succeeded(unit: UnitOfWork, incoming: Incoming) -> None:
    """Record that the money arrived, if the payment is known to be an invoice's.

    The invoice's own events tell the rest. Stripe is asked only if the invoice was paid otherwise, or by another payment: it
    may count this one, too. In other cases asking would be wasted, because most payments of an account may belong to no invoice.
    """
    subject = Subject(Kind.INVOICE, incoming.invoice) if incoming.invoice else None
    invoice = unit.row(subject) if subject else None
    made = _made(incoming, Outcome.PAID, amount=incoming.event.object.get("amount_received"))
    if subject and invoice and (paid_otherwise(invoice) or exceed(_attempts(unit, invoice), invoice, made)):
        invoice = _take_invoice(unit, incoming, subject, asked=True)
    if invoice:
        unit.fulfillments.record_attempt(invoice, made)
    else:
        incoming.invoice = ""


def on_attempt(unit: UnitOfWork, incoming: Incoming, attempt: Attempt, outcome: Outcome | None = None) -> None:
    """Follow what the event of a PaymentIntent reports: that the payer must act, that it settles later, or that it failed.

    `outcome` is given if it says more than `attempt`: that a part of a bank transfer has arrived.
    """
    intent = incoming.intent[0] if incoming.foreign and incoming.intent else incoming.event.object
    if incoming.unlinked:
        raise Unlinked(incoming.unlinked)
    subject = Subject(Kind.INVOICE, incoming.invoice) if incoming.invoice else None
    invoice = _take_invoice(unit, incoming, subject) if subject else None
    if invoice is None:
        return
    if incoming.payment:
        unit.link(incoming.payment)
    word = AttemptReport(attempt, incoming.event.created_at)
    known = unit.fulfillments.last_word(invoice["id"])
    failure, action = failure_in(intent, attempt), required_action(intent)
    if incoming.intent and incoming.intent[1] == known:
        _settle(unit, incoming, invoice, word)
    elif incoming.foreign or not unit.fulfillments.follow_attempt(invoice, word, failure, action):
        raise AttemptUnclear(intent["id"], known)
    arrived = transferred(intent) if outcome else None
    if outcome is None or arrived is not None:
        made = _made(incoming, outcome or OUTCOMES[attempt], None if incoming.foreign else failure, arrived)
        unit.fulfillments.record_attempt(invoice, made, action, intent["amount"])


def on_payment_intent_canceled(unit: UnitOfWork, incoming: Incoming) -> None:
    """Nothing waits any more for a PaymentIntent that was called off. It is not looked up: most are no invoice's.

    A debit that was under way has failed. Otherwise the invoice stands as after a partial payment: the rest is awaited.
    """
    invoice = unit.row(Subject(Kind.INVOICE, incoming.invoice)) if incoming.invoice else None
    intent = incoming.event.object
    if invoice is None:
        incoming.invoice = ""
    elif settling(it for it in _attempts(unit, invoice) if it["payment_intent"] == intent["id"]):
        on_attempt(unit, incoming, Attempt.FAILED)
    elif intent.get("payment_method"):
        unit.fulfillments.follow_attempt(invoice, AttemptReport(Attempt.PAID, incoming.event.created_at))


def on_invoice_payment_paid(unit: UnitOfWork, incoming: Incoming) -> None:
    """Link a payment that went through to its invoice. For a partial payment this may be the only event."""
    subject = Subject(Kind.INVOICE, str(incoming.invoice))
    partial = not incoming.foreign and not incoming.event.object.get("is_default", True)
    invoice = _take_invoice(unit, incoming, subject, asked=incoming.foreign or partial)
    listed = incoming.fetched[subject].payments if incoming.foreign else []
    payment = incoming.link or next((it for it in listed if it.id == incoming.event.object["id"]), None)
    if invoice and payment:
        unit.link(payment)
        if payment.paid_at and not payment.payment_record:
            at, paid = payment.paid_at.isoformat(), payment.amount_paid
            made = PaymentAttempt(at, Outcome.PAID, payment.payment_intent, paid)
            if exceed(_attempts(unit, invoice), invoice, made):
                invoice = _take_invoice(unit, incoming, subject, asked=True) or invoice
            unit.fulfillments.record_attempt(invoice, made)
    if invoice and (partial or (incoming.foreign and payment and not payment.is_default)):
        unit.fulfillments.follow_attempt(invoice, AttemptReport(Attempt.PAID, incoming.event.created_at))


def on_return(unit: UnitOfWork, incoming: Incoming) -> None:
    """Mirror a new or changed refund or dispute, and let the fulfillment follow."""
    invoice = _invoice_of_payment(unit, incoming)
    if invoice:
        unit.follow(incoming.apply(unit))


def on_payment(unit: UnitOfWork, incoming: Incoming) -> None:
    """Make the invoice of the payment known here. Other events tell the rest."""
    _invoice_of_payment(unit, incoming)


def on_fraud_warning(unit: UnitOfWork, incoming: Incoming) -> None:
    """Tell of a payment that its card's issuer reports as fraud, once. It changes nothing."""
    invoice = _invoice_of_payment(unit, incoming)
    if invoice and not incoming.applied:
        unit.fulfillments.warn(invoice, incoming.payment_intent, incoming.event.created_at)


def on_credit_note(unit: UnitOfWork, incoming: Incoming) -> None:
    """Mirror a new or changed credit note, and let the fulfillment follow.

    Stripe may send no event about the invoice. If our invoice does not show the credit note, the invoice is fetched.
    """
    subject = Subject(Kind.INVOICE, str(incoming.invoice))
    invoice = _take_finalized(unit, incoming, subject)
    returned = incoming.apply(unit)
    shown = (invoice.get("pre_payment_credit_notes_amount"), invoice.get("post_payment_credit_notes_amount"))
    if subject not in incoming.fetched and shown != credited(unit.returns_of(Kind.CREDIT_NOTE, subject.id)):
        raise Unordered(subject, unit.revision(subject))
    unit.follow(returned)


def _invoice_of_payment(unit: UnitOfWork, incoming: Incoming) -> JsonObject | None:
    """The invoice that the payment pays, with its fulfillment; None if it pays none."""
    if incoming.unlinked:
        raise Unlinked(incoming.unlinked)
    if not incoming.invoice:
        return None
    invoice = _take_finalized(unit, incoming, Subject(Kind.INVOICE, incoming.invoice))
    if incoming.payment:
        unit.link(incoming.payment)
    return invoice


def _take_finalized(unit: UnitOfWork, incoming: Incoming, subject: Subject) -> JsonObject:
    """An invoice that is no draft any more. One that is not known as such here is fetched first."""
    invoice = _take_invoice(unit, incoming, subject)
    if invoice is None or (invoice["status"] == InvoiceStatus.DRAFT and subject not in incoming.fetched):
        raise Unordered(subject, unit.revision(subject))
    return invoice


def _attempts(unit: UnitOfWork, invoice: JsonObject) -> list[JsonObject]:
    fulfillment = unit.fulfillments.of(invoice["id"])
    return (fulfillment["payment_attempts"] if fulfillment else None) or []


def _made(
    incoming: Incoming, outcome: Outcome, failure: Failure | None = None, amount: int | None = None
) -> PaymentAttempt:
    """The attempt that a PaymentIntent's event reports."""
    code, decline_code = (failure.code, failure.decline_code) if failure else (None, None)
    at, intent = incoming.event.created_at.isoformat(), incoming.event.object["id"]
    return PaymentAttempt(at, outcome, intent, amount, code, decline_code)


def _settle(unit: UnitOfWork, incoming: Incoming, invoice: JsonObject, word: AttemptReport) -> None:
    """Apply the PaymentIntent as it is now. If it has moved on, the event itself counts."""
    intent = incoming.intent[0] if incoming.intent else {}
    truth = last_attempt(intent)
    if truth:
        said = AttemptReport(truth, word.at)
        failure, action = failure_in(intent, truth), required_action(intent)
        unit.fulfillments.settle_attempt(invoice, said, failure, action, certain=True)
    else:
        failure = None if incoming.foreign else failure_in(incoming.event.object, word.attempt)
        unit.fulfillments.settle_attempt(invoice, word, failure, certain=False)


def _take_invoice(unit: UnitOfWork, incoming: Incoming, subject: Subject, *, asked: bool = False) -> JsonObject | None:
    """The invoice of a payment, after applying what was fetched of it; None where nothing is known of it.

    Where it is `asked` for, it is fetched in any case, with the payments that it counts.
    """
    incoming.finalized = True
    fetched = incoming.fetched.get(subject)
    if fetched:
        unit.apply(fetched)
        unit.follow(subject)
    elif asked or unit.row(subject) is None:
        raise Unordered(subject, unit.revision(subject))
    return unit.row(subject)


HANDLERS: dict[str, Handler] = {
    "product.created": on_snapshot,
    "product.updated": on_snapshot,
    "product.deleted": on_deleted,
    "price.created": on_snapshot,
    "price.updated": on_snapshot,
    "price.deleted": on_deleted,
    "customer.created": on_snapshot,
    "customer.updated": on_snapshot,
    "customer.deleted": on_deleted,
    "payment_method.attached": on_snapshot,
    "payment_method.updated": on_snapshot,
    "payment_method.automatically_updated": on_snapshot,
    "payment_method.detached": on_deleted,
    "setup_intent.succeeded": on_setup,
    "setup_intent.setup_failed": on_setup,
    "mandate.updated": on_mandate,
    "invoice.created": on_snapshot,
    "invoice.updated": on_invoice,
    "invoice.finalized": on_finalized,
    "invoice.finalization_failed": on_invoice,
    "invoice.sent": on_finalized,
    "invoice.will_be_due": on_due_notice,
    "invoice.overdue": on_due_notice,
    "invoice.payment_action_required": on_invoice_payment_action_required,
    "invoice.payment_failed": on_invoice_payment_failed,
    "invoice.paid": on_invoice_paid,
    "invoice.payment_succeeded": on_finalized,
    "invoice.overpaid": on_finalized,
    "invoice.voided": on_finalized,
    "invoice.marked_uncollectible": on_finalized,
    "invoice.deleted": on_deleted,
    "invoice_payment.paid": on_invoice_payment_paid,
    "tax_rate.created": on_snapshot,
    "tax_rate.updated": on_snapshot,
    "customer.tax_id.created": on_snapshot,
    "customer.tax_id.updated": on_snapshot,
    "customer.tax_id.deleted": on_deleted,
    "coupon.created": on_snapshot,
    "coupon.updated": on_snapshot,
    "coupon.deleted": on_deleted,
    "promotion_code.created": on_snapshot,
    "promotion_code.updated": on_snapshot,
    "credit_note.created": on_credit_note,
    "credit_note.updated": on_credit_note,
    "credit_note.voided": on_credit_note,
    "refund.created": on_return,
    "refund.updated": on_return,
    "refund.failed": on_return,
    "charge.refunded": on_payment,
    "charge.refund.updated": on_return,
    "charge.dispute.created": on_return,
    "charge.dispute.updated": on_return,
    "charge.dispute.closed": on_return,
    "charge.dispute.funds_withdrawn": on_return,
    "charge.dispute.funds_reinstated": on_return,
    "radar.early_fraud_warning.created": on_fraud_warning,
    "payment_intent.requires_action": partial(on_attempt, attempt=Attempt.ACTION_REQUIRED),
    "payment_intent.succeeded": on_payment_intent_succeeded,
    "payment_intent.partially_funded": partial(
        on_attempt, attempt=Attempt.ACTION_REQUIRED, outcome=Outcome.PARTLY_FUNDED
    ),
    "payment_intent.canceled": on_payment_intent_canceled,
    "payment_intent.processing": partial(on_attempt, attempt=Attempt.PROCESSING),
    "payment_intent.payment_failed": partial(on_attempt, attempt=Attempt.FAILED),
}
"""All event types that are handled. Other types are stored and ignored."""


def handle(event_type: str, unit: UnitOfWork, incoming: Incoming) -> str:
    """Apply an event.

    Returns its status: `processed`, `ignored` if it does not concern us, `unknown` without a handler.

    Raises Unordered, Unlinked or AttemptUnclear if Stripe must be asked first.
    """
    handler = HANDLERS.get(event_type)
    if handler is None:
        return "unknown"
    handler(unit, incoming)
    return "ignored" if incoming.invoice == "" else "processed"  # a payment that belongs to no invoice
