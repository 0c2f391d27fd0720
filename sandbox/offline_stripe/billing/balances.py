"""The customer's balance: credits (negative) and debts (positive) carried between invoices.

Each change of `customer.balance` is made here, together with the transaction that explains it.
"""

from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.shapes import customers as shapes
from offline_stripe.store.transaction import Transaction


def adjust_balance(tx: Transaction, customer: Document, amount: int, kind: str, **about: object) -> Document:
    """Add `amount` to the balance. Returns the transaction recorded for it."""
    currency = about.pop("currency", None) or customer["currency"] or "usd"
    entry = shapes.balance_transaction(
        id=tx.new_id("cbtxn"),
        amount=amount,
        created=tx.now,
        currency=currency,
        customer=customer["id"],
        ending_balance=customer["balance"] + amount,
        type=kind,
        **about,
    )
    with updating(tx, "customer.updated", customer):
        customer["balance"] += amount
        customer["currency"] = customer["currency"] or currency
    return tx.add(entry)
