"""Owns what a customer's payment means for us: the fulfillment's states, once per invoice.

A fulfillment follows its invoice's status; between finalization and payment it follows the attempts to pay.
"""

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


PAYABLE: Final = frozenset(
    {
        FulfillmentStatus.AWAITING_PAYMENT,
        FulfillmentStatus.PROCESSING,
        FulfillmentStatus.PAYMENT_FAILED,
    }
)
"""The states between finalization and the end, in which attempts to pay are told apart."""

SETTLED_BY: Final = {
    InvoiceStatus.PAID: FulfillmentStatus.FULFILLED,
    InvoiceStatus.VOID: FulfillmentStatus.CANCELED,
    InvoiceStatus.UNCOLLECTIBLE: FulfillmentStatus.WRITTEN_OFF,
}
"""The invoice statuses that decide a fulfillment, whatever happened before."""


def follow_invoice(current: str | None, invoice_status: str) -> FulfillmentStatus | None:
    """The fulfillment's status once its invoice is known to be `invoice_status`; None where there is none yet.

    `fulfilled` is final: nothing takes a fulfillment back.
    """
    known = FulfillmentStatus(current) if current else None
    if known is FulfillmentStatus.FULFILLED:
        return known
    status = InvoiceStatus(invoice_status)
    if status is InvoiceStatus.DRAFT:
        return known
    if status is InvoiceStatus.OPEN:
        return known or FulfillmentStatus.AWAITING_PAYMENT
    return SETTLED_BY[status]


class Attempt(StrEnum):
    """What Stripe said last about an attempt to pay."""

    PROCESSING = "processing"
    FAILED = "payment_failed"


def follow_attempt(
    current: str | None, attempt: Attempt, at: datetime, known_at: datetime | None
) -> FulfillmentStatus | None:
    """The fulfillment's status after word of an attempt that Stripe dates `at`.

    None: the word cannot be ordered against the last one (same second, other outcome), so the PaymentIntent
    must be asked for. A decided fulfillment, or word older than the last, changes nothing.
    """
    if current is None:
        return FulfillmentStatus(attempt.value)
    known = FulfillmentStatus(current)
    if known not in PAYABLE or known.value == attempt.value:
        return known
    if known_at is None or at > known_at:
        return FulfillmentStatus(attempt.value)
    return known if at < known_at else None
