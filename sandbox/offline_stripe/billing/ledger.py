"""The account's balance: one entry for each movement of money, with its fee.

The money of a charge becomes available at midnight (UTC) some days later; other money at once. Amounts are signed:
what leaves the account is negative. Everything settles in the currency of its charge.
"""

from offline_stripe.documents import Document
from offline_stripe.shapes import ledger as shapes
from offline_stripe.store.transaction import Transaction

DAY = 86_400
BASIS = 10_000


def enter_charge(tx: Transaction, charge: Document) -> Document:
    """The entry of a captured charge: the amount captured, less Stripe's fee."""
    card = charge["payment_method_details"]["type"] == "card"
    amount = charge["amount_captured"]
    return _enter(
        tx,
        charge,
        "charge" if card else "payment",
        amount,
        reporting_category="charge",
        description=charge["description"],
        fee=_card_fee(tx, amount) if card else _debit_fee(tx, amount),
        available_on=tx.now if charge.get("_outcome") == "available_at_once" else _settlement_day(tx),
    )


def _card_fee(tx: Transaction, amount: int) -> int:
    share = (amount * tx.switches.card_fee_basis_points * 2 + BASIS) // (BASIS * 2)
    return int(share + tx.switches.card_fee_fixed)


def _debit_fee(tx: Transaction, amount: int) -> int:
    share = (amount * tx.switches.debit_fee_basis_points * 2 + BASIS) // (BASIS * 2)
    return int(min(share, tx.switches.debit_fee_most))


def _settlement_day(tx: Transaction) -> int:
    return (tx.now // DAY + tx.switches.charge_available_days) * DAY


def enter_refund(tx: Transaction, refund: Document, charge: Document) -> Document:
    """The entry of a refund. Stripe keeps the fee of the charge."""
    card = charge["payment_method_details"]["type"] == "card"
    kind, name = ("refund", "CHARGE") if card else ("payment_refund", "PAYMENT")
    return _enter(
        tx,
        refund,
        kind,
        -refund["amount"],
        reporting_category="refund",
        description=_about(f"REFUND FOR {name}", charge),
    )


def enter_refund_failure(tx: Transaction, refund: Document, charge: Document) -> Document:
    """The entry that returns the money of a refund that failed."""
    return _enter(
        tx,
        refund,
        "refund_failure",
        refund["amount"],
        reporting_category="refund_failure",
        description=_about("REFUND FAILURE", charge),
    )


def _about(text: str, charge: Document) -> str:
    return f"{text} ({charge['description']})" if charge["description"] else text


def enter_withdrawal(tx: Transaction, dispute: Document) -> Document:
    """The entry of a dispute that took the money back, with the fee for disputes."""
    return _enter(
        tx,
        dispute,
        "adjustment",
        -dispute["amount"],
        reporting_category="dispute",
        description=f"Chargeback withdrawal for {dispute['charge']}",
        fee=tx.switches.dispute_fee,
        fee_description="Dispute fee",
    )


def enter_reinstatement(tx: Transaction, dispute: Document) -> Document:
    """The entry of a dispute that was won."""
    return _enter(
        tx,
        dispute,
        "adjustment",
        dispute["amount"],
        reporting_category="dispute_reversal",
        description=f"Chargeback reversal for {dispute['charge']}",
        fee=-tx.switches.dispute_fee if tx.switches.dispute_won_returns_fee else 0,
        fee_description="Dispute fee refund",
    )


def enter_payout(tx: Transaction, payout: Document) -> Document:
    return _enter(tx, payout, "payout", -payout["amount"], reporting_category="payout", description="STRIPE PAYOUT")


def enter_payout_return(tx: Transaction, payout: Document, *, failed: bool) -> Document:
    """The entry that returns the money of a payout that failed or was canceled."""
    kind, about = ("payout_failure", "STRIPE PAYOUT FAILURE") if failed else ("payout_cancel", "STRIPE PAYOUT CANCELED")
    category = "payout_reversal"
    return _enter(tx, payout, kind, payout["amount"], reporting_category=category, description=about)


def balances(tx: Transaction) -> tuple[dict[str, int], dict[str, int]]:
    """What is available and what is pending, by currency."""
    tx.flush()
    rows = tx.store.database.all(
        "SELECT json_extract(doc, '$.currency'), sum(iif(json_extract(doc, '$.available_on') <= ?1,"
        " json_extract(doc, '$.net'), 0)), sum(json_extract(doc, '$.net'))"
        " FROM objects WHERE kind = 'balance_transaction' GROUP BY 1",
        (tx.now,),
    )
    available = {str(row[0]): int(str(row[1])) for row in rows}
    return available, {str(row[0]): int(str(row[2])) - available[str(row[0])] for row in rows}


def _enter(
    tx: Transaction,
    source: Document,
    kind: str,
    amount: int,
    *,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    **fields: object,
) -> Document:
    currency = source["currency"]
    details = [shapes.fee_detail(amount=fee, currency=currency, description=fee_description)] if fee else []
    entry = shapes.balance_transaction(
        id=tx.new_id("txn"),
        amount=amount,
        created=tx.now,
        currency=currency,
        fee=fee,
        fee_details=details,
        net=amount - fee,
        source=source["id"],
        type=kind,
        **{"available_on": tx.now, **fields},
    )
    entry["status"] = "available" if entry["available_on"] <= tx.now else "pending"
    return tx.add(entry)
