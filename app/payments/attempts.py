"""Reads the last attempt to pay from a PaymentIntent: what it came to, why it failed, what the payer must do."""

from app.domain.errors import PaymentActionRequired, PaymentFailed
from app.domain.fulfillment import Attempt
from app.domain.json import JsonView
from app.fulfillment.fulfillments import Failure

INTENT_SAYS = {
    "requires_action": Attempt.ACTION_REQUIRED,
    "processing": Attempt.PROCESSING,
    "requires_payment_method": Attempt.FAILED,
}
"""What a PaymentIntent's status says about the last attempt. Other statuses add nothing to the invoice's own status.

A PaymentIntent that nobody tried to pay also says `requires_payment_method`, but has no last error.
"""


def failure_of(intent: JsonView) -> Failure | None:
    """Why the last attempt failed; None if none failed."""
    error = intent.get("last_payment_error")
    return Failure(error.get("code"), error.get("decline_code"), error.get("message")) if error else None


def failure_in(intent: JsonView, attempt: Attempt | None) -> Failure | None:
    """Why it failed, where `attempt` says that it did."""
    return failure_of(intent) if attempt is Attempt.FAILED else None


def transferred(intent: JsonView) -> int | None:
    """How much of a bank transfer has arrived; None where Stripe does not say what is left."""
    transfer = (intent.get("next_action") or {}).get("display_bank_transfer_instructions") or {}
    left = transfer.get("amount_remaining")
    return None if left is None else intent["amount"] - left


def required_action(intent: JsonView) -> str | None:
    """What the payer must do: the type of the next action."""
    action = intent.get("next_action")
    return action.get("type") if action and intent["status"] == "requires_action" else None


def last_attempt(intent: JsonView) -> Attempt | None:
    """The state of the last attempt; None if there was none, or if the invoice's own status tells it."""
    attempt = INTENT_SAYS.get(intent["status"])
    if attempt is Attempt.FAILED and not intent.get("last_payment_error"):
        return None
    return attempt


def problem_of(intent: JsonView) -> PaymentActionRequired | PaymentFailed | None:
    """The error that Stripe's answer to the last attempt stands for; None if it paid or is processing."""
    if intent["status"] == "requires_action":
        return PaymentActionRequired("The customer must authenticate this payment.")
    failure = failure_in(intent, last_attempt(intent))
    if failure is None:
        return None
    said = {"type": "card_error", "code": failure.code, "decline_code": failure.decline_code}
    return PaymentFailed(failure.message or "The payment failed.", stripe={"request_id": None, "param": None, **said})
