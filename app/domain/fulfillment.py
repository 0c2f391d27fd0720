"""Owns what a customer's payment means for us: the fulfillment's states, once per invoice.

A fulfillment follows its invoice's status; between finalization and payment it follows the attempts to pay. All
of it is a fold whose result does not depend on the order in which Stripe's words arrive.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.invoice import InvoiceStatus


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
"""The invoice statuses that decide a fulfillment, whatever happened before."""


class Attempt(StrEnum):
    """How Stripe said an attempt to pay stands."""

    PROCESSING = "processing"
    FAILED = "payment_failed"
    PAID = "paid"


SAYS: Final = {
    None: FulfillmentStatus.AWAITING_PAYMENT,
    Attempt.PROCESSING: FulfillmentStatus.PROCESSING,
    Attempt.FAILED: FulfillmentStatus.PAYMENT_FAILED,
    Attempt.PAID: FulfillmentStatus.AWAITING_PAYMENT,
}
"""What the last word says of an open invoice. One that paid only a part leaves the rest to be paid."""


@dataclass(frozen=True, slots=True)
class Word:
    """What Stripe said of an attempt to pay, and when, in whole seconds of its clock."""

    attempt: Attempt
    at: datetime


def later(known: Word | None, said: Word) -> Word | None:
    """The later of two words; None where they contradict each other in one second: the PaymentIntent must be asked.

    That an attempt paid is the last word on it.
    """
    if known is None or said.at > known.at:
        return said
    if said.at < known.at or said.attempt is known.attempt or known.attempt is Attempt.PAID:
        return known
    return said if said.attempt is Attempt.PAID else None


def follow(current: str | None, invoice_status: str, attempt: str | None) -> FulfillmentStatus | None:
    """The fulfillment's status, given its invoice's status and the last word on paying it; None: there is none yet.

    `fulfilled` is final: nothing takes a fulfillment back.
    """
    known = FulfillmentStatus(current) if current else None
    status = InvoiceStatus(invoice_status)
    if known is FulfillmentStatus.FULFILLED or status is InvoiceStatus.DRAFT:
        return known
    if status is InvoiceStatus.OPEN:
        return SAYS[Attempt(attempt) if attempt else None]
    return SETTLED_BY[status]
