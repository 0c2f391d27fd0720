"""Manual capture: a card is authorized first, and the money is taken later, in full or in part.

An authorization ends after seven days. Source: Stripe, "Place a hold on a payment method".
"""

from offline_stripe.billing import payments
from offline_stripe.billing.collection import carry_over
from offline_stripe.billing.currencies import check_charge, display
from offline_stripe.billing.disputes import follow_up
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request


def capture(tx: Transaction, intent: Document, amount: int | None) -> None:
    """Take the money of an authorized payment; what is left is released. Raises StripeError if it is not authorized."""
    if intent["status"] != "requires_capture":
        raise StripeError(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a"
            " PaymentIntent with one of the following statuses may be captured: requires_capture.",
            code="payment_intent_unexpected_state",
            details={"payment_intent": payments.shown(intent)},
        )
    most = intent["amount_capturable"]
    amount = most if amount is None else amount
    if amount > most:
        raise invalid_request(
            f"The amount to capture ({display(amount, intent['currency'])}) is greater than the amount that was"
            f" authorized ({display(most, intent['currency'])}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    check_charge(amount, intent["currency"], "amount_to_capture")
    charge = tx.need("charge", intent["latest_charge"], param="charge")
    charge |= {"amount_captured": amount, "captured": True}
    tx.save(charge)
    tx.unschedule("expire", intent["id"])
    announce(tx, "charge.captured", charge)
    follow_up(tx, charge)
    intent |= {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"}
    tx.save(intent)
    announce(tx, "payment_intent.succeeded", intent)
    carry_over(tx, intent)


def release(tx: Transaction, intent: Document, *, expired: bool = False) -> None:
    """Give up an authorization, before its PaymentIntent is canceled."""
    if intent["status"] != "requires_capture":
        return
    charge = tx.need("charge", intent["latest_charge"], param="charge")
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    tx.save(charge)
    tx.unschedule("expire", intent["id"])
    intent["amount_capturable"] = 0
    announce(tx, "charge.expired" if expired else "charge.refunded", charge)


def expire(tx: Transaction, intent: Document) -> None:
    """Let an authorization end that nobody captured in time."""
    if intent["status"] == "requires_capture":
        release(tx, intent, expired=True)
        payments.cancel(tx, intent, "automatic")
