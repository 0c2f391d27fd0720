"""The attempts to pay an invoice, as Stripe reported them, and which of them brought money that nobody owed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject, JsonView

MOST_ATTEMPTS: Final = 50
"""The newest attempts that are kept of an invoice: whoever tries out cards must not make the row grow."""
UNEXPECTED: Final = "payment_unexpected"
SUCCEEDED: Final = "succeeded"
FRAUD_WARNING: Final = "early_fraud_warning"


class Outcome(StrEnum):
    """What an attempt came to."""

    ACTION_REQUIRED = "action_required"
    PROCESSING = "processing"
    FAILED = "failed"
    PARTLY_FUNDED = "partly_funded"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class PaymentAttempt:
    """One report on an attempt.

    at: Stripe's time of it, as rows write times. amount: what was paid, or what has arrived so far; None before.
    """

    at: str
    outcome: Outcome
    payment_intent: str | None
    amount: int | None = None
    code: str | None = None
    decline_code: str | None = None


def unexpected(attempts: Iterable[JsonObject], invoice: JsonView) -> list[JsonObject]:
    """Those of `attempts` whose money arrived although the invoice was voided, or had been paid out of band.

    A debit that is under way cannot always be stopped. A part that was paid before the rest came out of band is none.
    """
    paid = [attempt for attempt in attempts if attempt["outcome"] == Outcome.PAID]
    if invoice["status"] == InvoiceStatus.VOID:
        return paid
    if invoice["status"] == InvoiceStatus.PAID and invoice["paid_out_of_band"] and invoice["paid_at"]:
        ended = datetime.fromisoformat(invoice["paid_at"])
        return [attempt for attempt in paid if datetime.fromisoformat(attempt["at"]) > ended]
    return []


def advice(status: str, payment_intent: str | None) -> str | None:
    """What to do about a payment that nobody owed, or that is reported as fraud; None for others."""
    if status == UNEXPECTED:
        return f"Refund {payment_intent} at Stripe: the invoice does not count it, and the customer does not owe it."
    if status == FRAUD_WARNING:
        return f"The card's issuer reports {payment_intent} as fraud: refund it, unless you know better, before it is disputed."
    return None
