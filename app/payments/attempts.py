"""Owns what a PaymentIntent says about the last attempt to pay: still processing, or failed and why."""

from app.domain.errors import PaymentActionRequired, PaymentFailed
from app.domain.fulfillment import Attempt
from app.domain.json import JsonView
from app.fulfillment.fulfillments import Failure

INTENT_SAYS = {
    "processing": Attempt.PROCESSING,
    "requires_payment_method": Attempt.FAILED,
}
"""What a PaymentIntent's status says of the last attempt; other statuses say nothing that an invoice does not.

(One that nobody tried to pay also says `requires_payment_method`; then it has no last error.)"""


def failure_of(intent: JsonView) -> Failure | None:
    """Why the last attempt failed, or None where none did."""
    error = intent.get("last_payment_error")
    return Failure(error.get("code"), error.get("decline_code"), error.get("message")) if error else None


def last_attempt(intent: JsonView) -> Attempt | None:
    """How the last attempt stands, or None where there was none that an invoice would not tell of itself."""
    attempt = INTENT_SAYS.get(intent["status"])
    if attempt is Attempt.FAILED and not intent.get("last_payment_error"):
        return None
    return attempt


def problem_of(intent: JsonView) -> PaymentActionRequired | PaymentFailed | None:
    """What Stripe's answer to the last attempt must have been, where that did not pay."""
    if intent["status"] == "requires_action":
        return PaymentActionRequired("The customer must authenticate this payment.")
    failure = failure_of(intent) if last_attempt(intent) is Attempt.FAILED else None
    if failure is None:
        return None
    said = {"type": "card_error", "code": failure.code, "decline_code": failure.decline_code}
    return PaymentFailed(failure.message or "The payment failed.", stripe={"request_id": None, "param": None, **said})
