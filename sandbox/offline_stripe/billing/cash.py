"""The cash balance of a customer, and the entries that explain it. Amounts are in the currency's smallest unit."""

from hashlib import blake2b

from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.shapes import cash as shapes
from offline_stripe.store.transaction import Transaction


def cash_of(customer: Document, currency: str) -> int:
    return int(customer.get("_cash", {}).get(currency, 0))


def reconciles(customer: Document) -> bool:
    """Whether money is applied to what is owed without being asked."""
    return customer.get("_reconciliation") != "manual"


def show_cash(customer: Document) -> Document:
    return shapes.cash_balance(
        customer,
        customer.get("_cash", {}),
        automatic=reconciles(customer),
        default="_reconciliation" not in customer,
    )


def enter_cash(tx: Transaction, customer: Document, kind: str, amount: int, currency: str, **about: object) -> Document:
    """Add `amount` to the balance, which may be negative, and announce why."""
    held = customer.setdefault("_cash", {})
    held[currency] = cash_of(customer, currency) + amount
    tx.save(customer)
    entry = tx.add(
        shapes.cash_transaction(
            id=tx.new_id("ccsbtxn"),
            created=tx.now,
            currency=currency,
            customer=customer["id"],
            ending_balance=held[currency],
            net_amount=amount,
            type=kind,
            **about,
        )
    )
    announce(tx, "customer_cash_balance_transaction.created", entry)
    return entry


def give_back(tx: Transaction, intent: Document) -> None:
    """Return what a PaymentIntent had taken of the cash balance and did not use."""
    amount = intent.pop("_funded", 0)
    if amount:
        customer = tx.need("customer", intent["customer"], param="customer")
        about = {"payment_intent": intent["id"]}
        enter_cash(tx, customer, "unapplied_from_payment", amount, intent["currency"], unapplied_from_payment=about)


def account_number(customer: Document) -> str:
    """The number of the virtual bank account that is the customer's own."""
    digest = blake2b(customer["id"].encode(), digest_size=8).digest()
    return f"{int.from_bytes(digest) % 10**18:018d}"
