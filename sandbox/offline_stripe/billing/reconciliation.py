"""Reconciliation: money that came by bank transfer is applied to what the customer owes.

A reference decides, then an equal amount, then age. Source: Stripe, "Reconciliation of bank transfers".
"""

from offline_stripe.billing.bank_transfers import KIND, awaits_transfer, request_transfer, take
from offline_stripe.billing.cash import cash_of, enter_cash, reconciles, show_cash
from offline_stripe.billing.collection import carry_over, invoice_of
from offline_stripe.billing.methods import make_transfer
from offline_stripe.documents import Document
from offline_stripe.shapes import cash as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request


def fund(tx: Transaction, customer: Document, amount: int, currency: str, reference: str | None) -> Document:
    """Receive a bank transfer. Returns its entry in the cash balance."""
    kind = shapes.TRANSFERS.get(currency)
    if kind is None:
        raise invalid_request(f"The currency {currency} has no bank transfers.", param="currency")
    entry = enter_cash(tx, customer, "funded", amount, currency, funded=shapes.funded(kind, reference))
    if reconciles(customer):
        for intent in _owed(tx, customer, currency, amount, reference):
            if cash_of(customer, currency):
                apply_cash(tx, intent, cash_of(customer, currency))
    if cash_of(customer, currency):
        tx.emit("cash_balance.funds_available", show_cash(customer))
    return entry


def _owed(tx: Transaction, customer: Document, currency: str, amount: int, reference: str | None) -> list[Document]:
    """The PaymentIntents that wait for a transfer, the likeliest first."""
    found = [
        intent
        for intent in tx.where("payment_intent", customer=customer["id"])
        if intent["currency"] == currency and (awaits_transfer(intent) or _invoiced(tx, intent))
    ]
    asked = str(reference or "").upper()
    return sorted(
        found,
        key=lambda it: (it.get("_reference") != asked, it["amount"] - it.get("_funded", 0) != amount),
    )


def _invoiced(tx: Transaction, intent: Document) -> bool:
    """Whether an open invoice may be paid by bank transfer, though nobody has chosen how."""
    if intent["status"] != "requires_payment_method" or KIND not in intent["payment_method_types"]:
        return False
    invoice = invoice_of(tx, intent)
    return invoice is not None and invoice["status"] == "open"


def apply_cash(tx: Transaction, intent: Document, amount: int) -> None:
    """Apply cash to a PaymentIntent, and the result to its invoice."""
    if awaits_transfer(intent):
        take(tx, intent, amount)
    else:
        request_transfer(tx, intent, make_transfer(tx))
    if intent["status"] == "succeeded":
        carry_over(tx, intent)


def apply_by_hand(tx: Transaction, intent: Document, amount: int | None) -> None:
    """Apply cash because the account asks for it. Raises StripeError if there is too little, or nothing to apply to."""
    if not awaits_transfer(intent):
        raise StripeError(
            f"This PaymentIntent has a status of {intent['status']} and does not wait for a bank transfer.",
            code="payment_intent_unexpected_state",
        )
    customer = tx.need("customer", intent["customer"], param="customer")
    remaining = intent["amount"] - intent.get("_funded", 0)
    amount = remaining if amount is None else amount
    if not 0 < amount <= min(remaining, cash_of(customer, intent["currency"])):
        raise invalid_request(
            "The customer's cash balance is insufficient.", code="balance_insufficient", param="amount"
        )
    apply_cash(tx, intent, amount)
