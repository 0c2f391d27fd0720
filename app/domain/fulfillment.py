"""The states of a fulfillment. There is one per invoice.

A fulfillment follows its invoice's status; while the invoice is open, it follows the attempts to pay. The result does
not depend on the order in which Stripe's reports arrive. Pure.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.invoice import InvoiceStatus, Settlement


class FulfillmentStatus(StrEnum):
    """Where the fulfillment of one invoice stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    PROCESSING = "processing"
    PAYMENT_FAILED = "payment_failed"
    FULFILLED = "fulfilled"
    CANCELED = "canceled"
    WRITTEN_OFF = "written_off"


SETTLED_BY: Final = {
    InvoiceStatus.PAID: FulfillmentStatus.FULFILLED,
    InvoiceStatus.VOID: FulfillmentStatus.CANCELED,
    InvoiceStatus.UNCOLLECTIBLE: FulfillmentStatus.WRITTEN_OFF,
}
"""The status of the fulfillment for each invoice status that decides it, whatever happened before."""


class Attempt(StrEnum):
    """The state of an attempt to pay, as Stripe reports it."""

    PROCESSING = "processing"
    FAILED = "payment_failed"
    PAID = "paid"


SAYS: Final = {
    None: FulfillmentStatus.AWAITING_PAYMENT,
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
    """The later of two reports; None if they contradict each other within one second. Then ask the PaymentIntent.

    A report that the attempt paid is final within its second.
    """
    if known is None or said.at > known.at:
        return said
    if said.at < known.at or said.attempt is known.attempt or known.attempt is Attempt.PAID:
        return known
    return said if said.attempt is Attempt.PAID else None


def follow(
    current: str | None, invoice_status: str, attempt: str | None, settled_by: str | None = None
) -> FulfillmentStatus | None:
    """The fulfillment's status, given its invoice's status and the last word on paying it; None: there is none yet.

    `fulfilled` is final: nothing takes a fulfillment back. An invoice that is paid because a credit note covered all
    of it (see Settlement) was called off.
    """
    known = FulfillmentStatus(current) if current else None
    status = InvoiceStatus(invoice_status)
    if known is FulfillmentStatus.FULFILLED or status is InvoiceStatus.DRAFT:
        return known
    if status is InvoiceStatus.OPEN:
        return SAYS[Attempt(attempt) if attempt else None]
    if status is InvoiceStatus.PAID and settled_by == Settlement.CREDIT_NOTE:
        return FulfillmentStatus.CANCELED
    return SETTLED_BY[status]
