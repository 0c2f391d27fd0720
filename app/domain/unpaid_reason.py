"""Answers "why is this invoice unpaid?" in one or more sentences, from its state and its fulfillment's. Pure."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus

ADVICE = {
    "amount_too_large": "Lower its items or split them among several invoices",
    "customer_tax_location_invalid": "Correct the customer's address",
    "resource_missing": "Make a new invoice for a customer that exists, or correct what it refers to",
    "stripe_tax_inactive": "Activate Stripe Tax in the Dashboard",
    "tax_location_invalid": "Correct the customer's address",
    "taxes_calculation_failed": "Wait a moment, as Stripe could not calculate its taxes",
}
"""What to do where Stripe refused to finalize, by its code."""

ACTS = {
    "use_stripe_sdk": "authenticate it (3-D Secure)",
    "redirect_to_url": "authenticate it at the bank's page",
    "verify_with_microdeposits": "verify the bank account by its microdeposits",
    "display_bank_transfer_instructions": "transfer the money",
}
"""What the payer must do, by Stripe's type of the next action."""

BACK = frozenset({FulfillmentStatus.DISPUTED, FulfillmentStatus.REVERSED})
ENDED = {
    InvoiceStatus.VOID: "It was voided: nobody owes it.",
    InvoiceStatus.UNCOLLECTIBLE: "It was written off as uncollectible; it can still be paid.",
    InvoiceStatus.PAID: "It is paid, and its fulfillment is about to follow.",
}
CREDITED = "A credit note covers all of it and nothing was paid: there is nothing to fulfill."


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts behind the answer. `waiting` and `dead` count the invoice's events that are not applied.

    `paid` is the formatted amount paid of an open invoice; None if nothing is. `required_action` is what the payer must
    do, in Stripe's word. `returned` is the formatted amount that came back, and of how much. `unexpected` are sentences
    about payments that nobody owed. `refused` is why Stripe last refused to
    finalize the draft: the code and the message.
    """

    status: str
    deleted: bool
    due_at: datetime | None
    fulfillment: str | None
    attempts: int
    failure: str | None
    waiting: int
    dead: int
    paid: str | None = None
    refused: tuple[str | None, str | None] | None = None
    required_action: str | None = None
    returned: str | None = None
    unexpected: tuple[str, ...] = ()


def unpaid_because(standing: Standing, now: datetime) -> str | None:
    """Why the invoice is not fulfilled; None if it is."""
    if standing.fulfillment == FulfillmentStatus.FULFILLED:
        return None
    parts = (_reason(standing), _due(standing, now), *standing.unexpected, _inbox(standing))
    return " ".join(part for part in parts if part)


def _reason(standing: Standing) -> str:
    if standing.deleted:
        return "The draft was deleted."
    if standing.fulfillment in BACK:
        return _came_back(standing)
    match InvoiceStatus(standing.status):
        case InvoiceStatus.DRAFT:
            return _draft(standing)
        case InvoiceStatus.OPEN:
            return " ".join(part for part in (_partly(standing), _attempt(standing)) if part)
        case InvoiceStatus.PAID if standing.fulfillment == FulfillmentStatus.CANCELED:
            return CREDITED
        case ended:
            return ENDED[ended]


def _draft(standing: Standing) -> str:
    if not standing.refused:
        return "It is still a draft: finalize it, so that it can be paid."
    code, message = standing.refused
    told = (message or code or "Stripe gave no reason").rstrip(".")
    advice = ADVICE.get(code or "", "Correct what it names")
    return f"It is still a draft, because Stripe refused to finalize it: {told}. {advice}, then finalize it again."


def _came_back(standing: Standing) -> str:
    if standing.fulfillment == FulfillmentStatus.DISPUTED:
        return f"It was paid, and a dispute that is not decided withdrew the money: {standing.returned}."
    if standing.returned:
        return f"It was paid, and the money came back: {standing.returned}."
    return "It was fulfilled, and the payment was detached or failed."


def _act(required_action: str | None) -> str:
    """What the payer must do, by Stripe's word for it."""
    return ACTS.get(required_action or "use_stripe_sdk", f"complete it ({required_action})")


def _partly(standing: Standing) -> str:
    return f"It is open, and only {standing.paid} is paid." if standing.paid else ""


def _attempt(standing: Standing) -> str:
    if standing.fulfillment == FulfillmentStatus.ACTION_REQUIRED:
        return f"It is open, and the payment waits for the payer, who must {_act(standing.required_action)}."
    if standing.fulfillment == FulfillmentStatus.PROCESSING:
        return "A payment is processing and has not settled yet."
    if standing.fulfillment == FulfillmentStatus.PAYMENT_FAILED:
        times = "the attempt" if standing.attempts == 1 else f"the last of {standing.attempts} attempts"
        return f"It is open, and {times} to pay it failed: {standing.failure or 'Stripe gave no reason'}."
    return "" if standing.paid else "It is open, and nobody has tried to pay it yet."


def _due(standing: Standing, now: datetime) -> str:
    if standing.status != InvoiceStatus.OPEN or standing.due_at is None:
        return ""
    return f"It {'was' if standing.due_at < now else 'is'} due on {standing.due_at:%Y-%m-%d}."


def _inbox(standing: Standing) -> str:
    told = []
    if standing.waiting:
        told.append(f"{standing.waiting} of its events wait to be processed.")
    if standing.dead:
        told.append(f"{standing.dead} of its events failed for good: look at them, then replay them.")
    return " ".join(told)
