"""Payments by bank transfer: a PaymentIntent shows where to send the money, and takes it from the cash balance.

What comes in part by part is kept for the PaymentIntent until it is complete. Source: Stripe, "Bank transfer payments".
"""

from offline_stripe.billing import payments
from offline_stripe.billing.cash import account_number, cash_of, enter_cash, reconciles
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.shapes import cash as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

KIND = "customer_balance"
INSTRUCTIONS = "display_bank_transfer_instructions"


def awaits_transfer(intent: Document) -> bool:
    return bool(intent["status"] == "requires_action" and (intent["next_action"] or {}).get("type") == INSTRUCTIONS)


def request_transfer(tx: Transaction, intent: Document, method: Document) -> None:
    """Ask the customer for a bank transfer, and use what the cash balance holds already.

    Raises StripeError without a customer, or for a currency without bank transfers.
    """
    if not intent["customer"]:
        raise invalid_request(
            "A customer is required to pay with `customer_balance`.", code="parameter_missing", param="customer"
        )
    kind = _transfer(intent)
    intent.setdefault("_reference", tx.store.identifiers.draw(12).upper())
    intent |= {"payment_method": method["id"], "last_payment_error": None, "status": "requires_action"}
    asked = {**(intent.get("_transfer") or {}), "type": kind}
    intent["payment_method_options"][KIND] = {"bank_transfer": asked, "funding_type": "bank_transfer"}
    customer = _instruct(tx, intent)
    held = cash_of(customer, intent["currency"])
    if held and reconciles(customer):
        take(tx, intent, held)
    if intent["status"] == "requires_action":
        announce(tx, "payment_intent.requires_action", intent)


def _transfer(intent: Document) -> str:
    kind = shapes.TRANSFERS.get(intent["currency"])
    if kind is None:
        raise invalid_request(
            f"The currency {intent['currency']} has no bank transfers.", param="payment_method_options"
        )
    if (intent.get("_transfer") or {}).get("type") not in {None, kind}:
        raise invalid_request(
            f"The currency {intent['currency']} is transferred with {kind}.", param="payment_method_options"
        )
    return kind


def _instruct(tx: Transaction, intent: Document) -> Document:
    """Show where to send what remains. Returns the customer."""
    customer = tx.need("customer", intent["customer"], param="customer")
    intent["next_action"] = shapes.instructions(
        _transfer(intent),
        account_number(customer),
        remaining=intent["amount"] - intent.get("_funded", 0),
        currency=intent["currency"],
        reference=intent["_reference"],
    )
    tx.save(intent)
    return customer


def take(tx: Transaction, intent: Document, amount: int) -> None:
    """Take up to `amount` of the cash balance. With all that is asked for, the PaymentIntent succeeds."""
    customer = tx.need("customer", intent["customer"], param="customer")
    used: int = min(amount, intent["amount"] - intent.get("_funded", 0), cash_of(customer, intent["currency"]))
    about = {"payment_intent": intent["id"]}
    enter_cash(tx, customer, "applied_to_payment", -used, intent["currency"], applied_to_payment=about)
    intent["_funded"] = intent.get("_funded", 0) + used
    if not complete(tx, intent):
        announce(tx, "payment_intent.partially_funded", intent)


def complete(tx: Transaction, intent: Document) -> bool:
    """Let the PaymentIntent succeed if it has all that it asks for; what is over goes back to the cash balance."""
    over = intent.get("_funded", 0) - intent["amount"]
    if over < 0:
        _instruct(tx, intent)
        return False
    del intent["_funded"]
    if over:
        customer = tx.need("customer", intent["customer"], param="customer")
        about = {"payment_intent": intent["id"]}
        enter_cash(tx, customer, "unapplied_from_payment", over, intent["currency"], unapplied_from_payment=about)
    method = tx.need("payment_method", intent["payment_method"], param="payment_method")
    payments.succeed(tx, intent, payments.new_charge(tx, intent, method))
    return True
