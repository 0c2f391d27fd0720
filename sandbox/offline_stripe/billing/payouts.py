"""Payouts: available money that leaves the account for its bank.

An automatic payout takes all that is available, and names each entry it paid out. One by hand takes an amount.
"""

from offline_stripe.billing.ledger import balances, enter_payout, enter_payout_return
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.shapes import ledger as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

DAY = 86_400
DAYS_TO_ARRIVE = 2


def pay_out(tx: Transaction, *, amount: int, currency: str, **fields: object) -> Document:
    """Pay an amount out. Raises StripeError if less is available."""
    if amount > balances(tx)[0].get(currency, 0):
        raise invalid_request("You have insufficient funds in your Stripe account.", code="balance_insufficient")
    payout = shapes.payout(
        id=tx.new_id("po"),
        amount=amount,
        arrival_date=(tx.now // DAY + DAYS_TO_ARRIVE) * DAY,
        created=tx.now,
        currency=currency,
        **fields,
    )
    entry = enter_payout(tx, payout)
    payout["balance_transaction"] = entry["id"]
    tx.add(payout)
    announce(tx, "payout.created", payout)
    tx.schedule("payout_arrives", payout["id"], payout["arrival_date"])
    return payout


def sweep(tx: Transaction, currency: str) -> Document:
    """Pay out all that is available, as Stripe does by itself on most accounts."""
    entries = [
        entry
        for entry in tx.where("balance_transaction", currency=currency)
        if entry["available_on"] <= tx.now and not entry.get("_payout")
    ]
    amount = balances(tx)[0].get(currency, 0)
    if amount <= 0:
        raise invalid_request(f"There is nothing to pay out in {currency}.", code="balance_insufficient")
    payout = pay_out(
        tx,
        amount=amount,
        currency=currency,
        automatic=True,
        description="STRIPE PAYOUT",
        reconciliation_status="completed",
    )
    for entry in [*entries, tx.need("balance_transaction", payout["balance_transaction"], param="payout")]:
        entry["_payout"] = payout["id"]
        tx.save(entry)
    announce(tx, "payout.reconciliation_completed", payout)
    return payout


def arrive(tx: Transaction, payout: Document) -> None:
    """The money is in the bank."""
    if payout["status"] == "pending":
        payout["status"] = "paid"
        tx.save(payout)
        announce(tx, "payout.paid", payout)


def cancel(tx: Transaction, payout: Document) -> None:
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid_request("Payouts can only be canceled if they are manual and have a status of pending.")
    _take_back(tx, payout, "canceled")
    announce(tx, "payout.canceled", payout)


def fail(tx: Transaction, payout: Document, code: str) -> None:
    """The bank refuses a payout; it may have been paid before."""
    if payout["status"] not in {"pending", "paid"}:
        raise invalid_request(f"A payout with a status of {payout['status']} cannot fail.")
    payout |= {"failure_code": code, "failure_message": "The bank could not process this payout."}
    _take_back(tx, payout, "failed")
    announce(tx, "payout.failed", payout)


def _take_back(tx: Transaction, payout: Document, status: str) -> None:
    entry = enter_payout_return(tx, payout, failed=status == "failed")
    payout |= {"status": status, "failure_balance_transaction": entry["id"]}
    tx.unschedule("payout_arrives", payout["id"])
    tx.save(payout)
