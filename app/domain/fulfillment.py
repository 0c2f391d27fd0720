"""The states of a fulfillment. There is one per invoice.

A fulfillment follows its invoice's status; while the invoice is open, it follows the attempts to pay; once it was
fulfilled, it follows the money that comes back. The result does not depend on the order in which Stripe's reports
arrive. Pure.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypedDict, cast

from app.domain.invoice import InvoiceStatus, Settlement
from app.domain.json import JsonObject, JsonView
from app.domain.payment_attempts import Outcome, settling
from app.domain.policy import DEFAULT, FulfillOn, Policy
from app.domain.returns import NOTHING, Returned


class FulfillmentStatus(StrEnum):
    """Where the fulfillment of one invoice stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    ACTION_REQUIRED = "action_required"
    PROCESSING = "processing"
    PAYMENT_FAILED = "payment_failed"
    FULFILLED = "fulfilled"
    DISPUTED = "disputed"
    REVERSED = "reversed"
    CANCELED = "canceled"
    WRITTEN_OFF = "written_off"


BEGUN: Final = frozenset({FulfillmentStatus.FULFILLED, FulfillmentStatus.DISPUTED, FulfillmentStatus.REVERSED})
"""The statuses of what was fulfilled once. It never leaves them."""

SETTLED_BY: Final = {
    InvoiceStatus.VOID: FulfillmentStatus.CANCELED,
    InvoiceStatus.UNCOLLECTIBLE: FulfillmentStatus.WRITTEN_OFF,
}
"""The status of a fulfillment that was never fulfilled, for each invoice status that ends it."""


class Attempt(StrEnum):
    """The state of an attempt to pay, as Stripe reports it."""

    ACTION_REQUIRED = "action_required"
    PROCESSING = "processing"
    FAILED = "payment_failed"
    PAID = "paid"


SAYS: Final = {
    None: FulfillmentStatus.AWAITING_PAYMENT,
    Attempt.ACTION_REQUIRED: FulfillmentStatus.ACTION_REQUIRED,
    Attempt.PROCESSING: FulfillmentStatus.PROCESSING,
    Attempt.FAILED: FulfillmentStatus.PAYMENT_FAILED,
    Attempt.PAID: FulfillmentStatus.AWAITING_PAYMENT,
}
"""The status for the last report on an open invoice. After a partial payment the rest is still awaited."""


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """A report of Stripe's on an attempt to pay, and when, in whole seconds of Stripe's clock."""

    attempt: Attempt
    at: datetime


def later(known: AttemptReport | None, said: AttemptReport) -> AttemptReport | None:
    """The later of two reports; None if they contradict each other within a second: then ask the PaymentIntent.

    A report that the attempt paid is final within its second.
    """
    if known is None or said.at > known.at:
        return said
    if said.at < known.at or said.attempt is known.attempt or known.attempt is Attempt.PAID:
        return known
    return said if said.attempt is Attempt.PAID else None


@dataclass(frozen=True, slots=True)
class Payment:
    """What is known of the money: the last report on paying, what was paid, what of it came back, and the policy.

    worth: the amount that returns are compared with, in minor units: what was paid or is owed, or else the total.
    detached: whether a known payment no longer belongs to the invoice.
    """

    attempt: Attempt | None = None
    settled_by: str | None = None
    worth: int = 0
    returned: Returned = NOTHING
    policy: Policy = DEFAULT
    detached: bool = False


def follow(current: str | None, invoice_status: str, payment: Payment) -> FulfillmentStatus | None:
    """The fulfillment's status, given its invoice's status and the payment; None: there is none yet.

    An invoice that is paid because a credit note covered all of it (see Settlement) was called off.
    """
    known = FulfillmentStatus(current) if current else None
    status = InvoiceStatus(invoice_status)
    if status is InvoiceStatus.DRAFT:
        return known
    settled = status is InvoiceStatus.PAID and payment.settled_by != Settlement.CREDIT_NOTE
    under_way = status is InvoiceStatus.OPEN and _under_way(known, payment)
    if settled or under_way:
        return _kept(payment)
    if known in BEGUN:
        return FulfillmentStatus.REVERSED  # the payment was detached, or what was under way failed
    if status is InvoiceStatus.OPEN:
        return SAYS[payment.attempt]
    return SETTLED_BY.get(status, FulfillmentStatus.CANCELED)


def _under_way(known: FulfillmentStatus | None, payment: Payment) -> bool:
    """Whether the policy fulfills for a payment that has not settled.

    If a part of the invoice is paid meanwhile, what was fulfilled stays fulfilled.
    """
    if payment.policy.fulfill_on is not FulfillOn.PROCESSING:
        return False
    if payment.attempt is Attempt.PAID and not payment.detached:
        return known in {FulfillmentStatus.FULFILLED, FulfillmentStatus.DISPUTED}
    return payment.attempt is Attempt.PROCESSING


def _kept(payment: Payment) -> FulfillmentStatus:
    """The status of a paid fulfillment, by what came back of the payment."""
    if payment.policy.reverses(payment.returned.decided, payment.worth):
        return FulfillmentStatus.REVERSED
    if payment.returned.undecided and payment.policy.hold_on_dispute:
        return FulfillmentStatus.DISPUTED
    return FulfillmentStatus.FULFILLED


# What rows hold

STORED_AS: Final = {
    FulfillmentStatus.ACTION_REQUIRED: FulfillmentStatus.AWAITING_PAYMENT,
    FulfillmentStatus.DISPUTED: FulfillmentStatus.FULFILLED,
    FulfillmentStatus.REVERSED: FulfillmentStatus.FULFILLED,
}
"""The statuses that an older release does not know, and the status that it reads instead.

For these, the column `status` holds the older status, and `later_status` the real one. A trigger empties `later_status`
when an older release changes `status`. The release after the next one can go back to one column.
"""


class Fulfillment(TypedDict):
    """A fulfillment in memory: one status, and times as text (ISO 8601). The table says what its columns mean."""

    id: str
    invoice: str
    customer: str | None
    status: str
    amount_paid: int
    amount_refunded: int
    amount_credited: int
    amount_disputed: int
    amount_undecided: int
    disputes_to_answer: int
    currency: str
    payment_intent: str | None
    paid_out_of_band: bool
    attempts: int
    attempt: str | None
    attempt_at: str | None
    required_action: str | None
    failure_code: str | None
    failure_decline_code: str | None
    failure_message: str | None
    failure_at: str | None
    fulfilled_at: str | None
    created_at: str
    updated_at: str
    payment_attempts: list[JsonObject] | None
    history: list[JsonObject] | None
    policy: JsonObject | None


def paying(fulfillment: Fulfillment, invoice: JsonView) -> str | None:
    """The PaymentIntent that paid: another than the default one if that is known to have paid."""
    known = fulfillment["payment_intent"]
    if known and known != invoice["payment_intent"]:
        return known
    elsewhere = invoice.get("amount_paid_off_stripe") or (invoice["amount_paid"] if invoice["paid_out_of_band"] else 0)
    return invoice["payment_intent"] if invoice["amount_paid"] > elsewhere else None


def under_way(fulfillment: JsonView | Fulfillment | None) -> bool:
    """Whether a payment has begun and has not settled. The status does not say so of what was fulfilled once."""
    return fulfillment is not None and (
        fulfillment["attempt"] == Attempt.PROCESSING or settling(fulfillment["payment_attempts"] or [])
    )


def report_of(fulfillment: Fulfillment) -> AttemptReport | None:
    """The last report on an attempt to pay; None if there was none."""
    said, at = fulfillment["attempt"], fulfillment["attempt_at"]
    return AttemptReport(Attempt(said), datetime.fromisoformat(at)) if said and at else None


def attempt_of(fulfillment: Fulfillment) -> Attempt | None:
    """The last report on paying, unless the records of all attempts say more.

    A debit that is under way counts as processing. A PaymentIntent that was called off has paid nothing. A payment by another
    PaymentIntent does not undo the failure of a debit.
    """
    word, made = report_of(fulfillment), fulfillment["payment_attempts"] or []
    if under_way(fulfillment):
        return Attempt.PROCESSING
    if word and word.attempt is Attempt.PAID and made:
        debits, paid = (
            {it["payment_intent"] for it in made if it["outcome"] == outcome}
            for outcome in (Outcome.PROCESSING, Outcome.PAID)
        )
        return word.attempt if paid & (debits or paid) else None
    return word.attempt if word else None


def stored(fulfillment: Fulfillment) -> JsonObject:
    """The fulfillment as a row holds it."""
    row: JsonObject = {**fulfillment}
    own = FulfillmentStatus(row["status"])
    row["status"] = STORED_AS.get(own, own).value
    row["later_status"] = own.value if own in STORED_AS else None
    if row["attempt"] == Attempt.ACTION_REQUIRED:
        row |= {"attempt": Attempt.PAID.value, "action_required_at": row["attempt_at"]}
    return row


def read(row: JsonView) -> Fulfillment:
    """The fulfillment that a row holds: its status in one field, and the attempt that waits for the payer."""
    fulfillment: JsonObject = dict(row)
    fulfillment["status"] = fulfillment.pop("later_status") or fulfillment["status"]
    asked = fulfillment.pop("action_required_at")
    if asked and asked == fulfillment["attempt_at"]:
        fulfillment["attempt"] = Attempt.ACTION_REQUIRED.value
    return cast("Fulfillment", fulfillment)
