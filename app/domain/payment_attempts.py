"""The attempts to pay an invoice, as Stripe reported them, and which of them brought money that nobody owed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.invoice import InvoiceStatus, Settlement
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


def arrived(attempts: Iterable[JsonObject], payment_intent: str | None) -> int:
    """What the PaymentIntent paid, by its attempt; 0 where none is known."""
    paid = (it for it in attempts if it["outcome"] == Outcome.PAID and it["payment_intent"] == payment_intent)
    return next((it["amount"] or 0 for it in paid), 0)


def settling(attempts: Iterable[JsonObject]) -> bool:
    """Whether a debit that began has not ended yet, whatever became of other payments."""
    begun: set[str | None] = set()
    for it in sorted(attempts, key=lambda it: (it["at"], it["outcome"] != Outcome.PROCESSING)):  # it may end at once
        if it["outcome"] == Outcome.PROCESSING:
            begun.add(it["payment_intent"])
        else:
            begun.discard(it["payment_intent"])
    return bool(begun)


def paid_otherwise(invoice: JsonView) -> bool:
    """Whether the invoice is paid out of band, if only a part of it, or by a credit note."""
    credited = invoice.get("settled_by") == Settlement.CREDIT_NOTE
    return bool(invoice["status"] == InvoiceStatus.PAID and (invoice["paid_out_of_band"] or credited))


def unexpected(attempts: Iterable[JsonObject], invoice: JsonView) -> list[JsonObject]:
    """Those of `attempts` whose money arrived although the invoice was voided, or was paid otherwise.

    It can happen because a debit that is under way cannot always be stopped. Three kinds of payments do not count as
    unexpected: a part that was paid before the rest was paid out of band; a payment that the invoice counts, because
    Stripe credits any excess to the customer's balance; and a payment from before the invoice was voided, because voiding
    detached it and it may pay another invoice.
    """
    paid = [attempt for attempt in attempts if attempt["outcome"] == Outcome.PAID]
    if invoice["status"] == InvoiceStatus.VOID:
        voided = invoice["voided_at"] and datetime.fromisoformat(invoice["voided_at"])
        return [attempt for attempt in paid if not voided or datetime.fromisoformat(attempt["at"]) >= voided]
    if sum(attempt["amount"] or 0 for attempt in paid) <= _counted(invoice):
        return []
    if paid_otherwise(invoice) and invoice["paid_at"]:
        ended = datetime.fromisoformat(invoice["paid_at"])
        return [attempt for attempt in paid if datetime.fromisoformat(attempt["at"]) > ended]
    return []


def _counted(invoice: JsonView) -> int:
    """What the invoice counts of what was paid through Stripe."""
    counted: int = invoice["amount_paid"] - (invoice.get("amount_paid_off_stripe") or 0)
    return counted


def exceed(attempts: Iterable[JsonObject], invoice: JsonView, made: PaymentAttempt) -> bool:
    """Whether more money arrived, `made` included, than the invoice counts. If so, a payment was detached.

    Of an open invoice, attempts after the time of its snapshot are left out: it cannot count them yet.
    """
    paid, known_at = invoice["status"] == InvoiceStatus.PAID, datetime.fromisoformat(invoice["snapshot_since"])
    arrived = {it["payment_intent"]: (it["at"], it["amount"]) for it in attempts if it["outcome"] == Outcome.PAID}
    arrived[made.payment_intent] = (made.at, made.amount)
    counted = [amount or 0 for at, amount in arrived.values() if paid or datetime.fromisoformat(at) < known_at]
    return sum(counted) > _counted(invoice)


def surplus(attempts: Iterable[JsonObject], invoice: JsonView) -> int:
    """The money that arrived for an invoice that had been paid otherwise. Refunding it takes nothing from the invoice."""
    return sum(attempt["amount"] or 0 for attempt in unexpected(attempts, invoice)) if paid_otherwise(invoice) else 0


def advice(status: str, payment_intent: str | None) -> str | None:
    """What to do about a payment that nobody owed, or that is reported as fraud; None for others."""
    if status == UNEXPECTED:
        return f"Refund {payment_intent} at Stripe: the invoice does not count it, and the customer does not owe it."
    if status == FRAUD_WARNING:
        return f"The card's issuer reports {payment_intent} as fraud: refund it, unless you know better, before it is disputed."
    return None
