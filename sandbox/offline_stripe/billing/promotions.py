"""Promotion codes: words that customers know, each of which redeems a coupon within limits of its own."""

from dataclasses import dataclass

from offline_stripe.billing.currencies import display
from offline_stripe.documents import Document
from offline_stripe.presentation import code_is_active
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a discount is asked for: whose, and how much so far."""

    customer: str
    amount: int
    currency: str


def take_code(tx: Transaction, identifier: str, purchase: Purchase) -> Document:
    """Count a redemption of a code. Raises StripeError if the code is not for this customer or amount."""
    param = "discounts"
    code = tx.need("promotion_code", identifier, param=param)
    if not code_is_active(tx, code):
        raise invalid_request(f"Promotion code {identifier} is not active.", code="coupon_expired", param=param)
    problem = _problem(tx, code, purchase)
    if problem:
        of_other = "promotion_code_customer_mismatch" if code["customer"] not in {None, purchase.customer} else None
        raise invalid_request(f"This promotion code cannot be redeemed because {problem}.", code=of_other, param=param)
    code["times_redeemed"] += 1
    tx.save(code)
    return code


def _problem(tx: Transaction, code: Document, purchase: Purchase) -> str | None:
    limits = code["restrictions"]
    if code["customer"] not in {None, purchase.customer}:
        return "it is for another customer"
    if limits["first_time_transaction"] and _has_paid(tx, purchase.customer):
        return "the associated customer has prior transactions"
    least, wanted = limits["minimum_amount"], limits["minimum_amount_currency"]
    if least is not None and (wanted != purchase.currency or purchase.amount < least):
        return f"the amount is less than {display(least, wanted)}"
    return None


def _has_paid(tx: Transaction, customer: str) -> bool:
    paid = any(invoice["status"] == "paid" for invoice in tx.where("invoice", customer=customer))
    return paid or any(charge["paid"] for charge in tx.where("charge", customer=customer))
