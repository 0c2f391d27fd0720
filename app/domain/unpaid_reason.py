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
class Collecting:
    """How an open invoice with `charge_automatically` is collected.

    paused: whether Stripe has stopped charging it. next_attempt: when Stripe charges it next. method: whether there is a
    payment method to charge; None if that is not known. revoked: whether that payment method's mandate was revoked.
    """

    paused: bool
    next_attempt: datetime | None
    method: bool | None = True
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts behind the answer. Amounts are formatted; None means that there is none.

    waiting, dead: how many of the invoice's events are not applied yet, and how many were given up. paid: how much of the
    open invoice is paid. left: how much is left to pay. funded: how much a bank transfer has brought so far, and of how
    much. returned: how much came back, and of how much. refused: why Stripe last refused to finalize the draft: code and
    message. required_action: what the payer must do, in Stripe's word. unexpected: sentences about payments that nobody
    owed. by_itself: whether Stripe finalizes the draft, or charges the open invoice, without being asked. collecting: how
    Stripe charges it. under_way: whether a payment is processing; settles_by: when it settles at the latest. reminded:
    how often the payer was reminded, and when last. paused: whether reminders are paused.
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
    left: str | None = None
    by_itself: bool = False
    next_attempt_at: datetime | None = None
    settles_by: datetime | None = None
    reminded: tuple[int, datetime | None] = (0, None)
    paused: bool = False
    part_disputed: bool = False
    collecting: Collecting | None = None
    funded: str | None = None
    under_way: bool = False


def advice(standing: Standing) -> str:
    """What to do about a draft that Stripe refused to finalize."""
    code = standing.refused[0] if standing.refused else None
    return ADVICE.get(code or "", "Correct what it names")


def unpaid_because(standing: Standing, now: datetime) -> str | None:
    """Why the invoice is not fulfilled; None if it is."""
    if standing.fulfillment == FulfillmentStatus.FULFILLED:
        return None
    reminders = _reminders(standing) if standing.status == InvoiceStatus.OPEN else ""
    parts = (
        _reason(standing),
        _collecting(standing),
        _due(standing, now),
        reminders,
        *standing.unexpected,
        _inbox(standing),
    )
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
        if standing.by_itself:
            return "It is still a draft: Stripe finalizes it by itself."
        return "It is still a draft: finalize it, so that it can be paid."
    code, message = standing.refused
    told = (message or code or "Stripe gave no reason").rstrip(".")
    return f"It is still a draft, because Stripe refused to finalize it: {told}. {advice(standing)}, then finalize it again."


def _came_back(standing: Standing) -> str:
    if standing.fulfillment == FulfillmentStatus.DISPUTED:
        return f"It was paid, and a dispute that is not decided withdrew the money: {standing.returned}."
    if standing.returned:
        return f"It was paid, and the money came back: {standing.returned}."
    return f"It was fulfilled, and the payment was detached or failed. {_processing(standing)}".rstrip()


def _processing(standing: Standing) -> str:
    if not standing.under_way:
        return ""
    settles = f" It settles by {standing.settles_by:%Y-%m-%d} at the latest." if standing.settles_by else ""
    return f"A payment is processing and has not settled yet.{settles}"


def _act(required_action: str | None) -> str:
    """What the payer must do, by Stripe's word for it."""
    return ACTS.get(required_action or "use_stripe_sdk", f"complete it ({required_action})")


def _partly(standing: Standing) -> str:
    if not standing.paid:
        return ""
    left = f": {standing.left} is left" if standing.left else ""
    disputed = " A dispute over what was paid is not decided." if standing.part_disputed else ""
    return f"It is open, and only {standing.paid} is paid{left}.{disputed}"


def _attempt(standing: Standing) -> str:
    if standing.fulfillment == FulfillmentStatus.ACTION_REQUIRED:
        arrived = f" So far {standing.funded} has arrived." if standing.funded else ""
        return f"It is open, and the payment waits for the payer, who must {_act(standing.required_action)}.{arrived}"
    if standing.under_way:
        return _processing(standing)
    if standing.fulfillment == FulfillmentStatus.PAYMENT_FAILED:
        times = "the attempt" if standing.attempts == 1 else f"the last of {standing.attempts} attempts"
        return f"It is open, and {times} to pay it failed: {standing.failure or 'Stripe gave no reason'}.{_again(standing)}"
    if standing.paid:
        return ""
    if standing.by_itself:
        return f"It is open, and Stripe charges it by itself.{_again(standing)}"
    return "It is open, and nobody has tried to pay it yet."


def _again(standing: Standing) -> str:
    return f" Stripe tries again on {standing.next_attempt_at:%Y-%m-%d}." if standing.next_attempt_at else ""


def _collecting(standing: Standing) -> str:
    """What Stripe will do of itself about an open invoice, and what to do where it will not."""
    found = standing.collecting
    if found is None or standing.status != InvoiceStatus.OPEN or standing.under_way:
        return ""
    if found.method is False:
        return "There is no saved payment method to charge it to: let the customer save one, or send a payment link."
    if found.revoked:
        return "The mandate of what it is charged to was revoked: let the customer save another payment method."
    if found.paused:
        return "Collecting is paused: set auto_advance to resume it, or pay it."
    if found.next_attempt is None:
        return "Stripe makes no further attempt by itself: let the customer save another payment method, then pay it."
    return f"Stripe charges it by itself on {found.next_attempt:%Y-%m-%d %H:%M} UTC."


def _due(standing: Standing, now: datetime) -> str:
    if standing.status != InvoiceStatus.OPEN or standing.due_at is None:
        return ""
    return f"It {'was' if standing.due_at < now else 'is'} due on {standing.due_at:%Y-%m-%d}."


def _reminders(standing: Standing) -> str:
    times, last_at = standing.reminded
    told = []
    if times and last_at:
        often = "once" if times == 1 else f"{times} times"
        told.append(f"The payer was reminded {often}, last on {last_at:%Y-%m-%d}.")
    if standing.paused:
        told.append("Its reminders are paused.")
    return " ".join(told)


def _inbox(standing: Standing) -> str:
    told = []
    if standing.waiting:
        told.append(f"{standing.waiting} of its events wait to be processed.")
    if standing.dead:
        told.append(f"{standing.dead} of its events failed for good: look at them, then replay them.")
    return " ".join(told)
