"""Refunds: money given back on a charge.

It limits how much can be refunded, and updates the charge. The invoice stays paid.
"""

from sandbox.billing.currencies import display
from sandbox.billing.disputes import refunded_in_full, require_refundable
from sandbox.billing.ledger import enter_refund
from sandbox.documents import Document
from sandbox.presentation import announce
from sandbox.shapes import payments as shapes
from sandbox.store.transaction import Transaction
from sandbox.wire.errors import invalid_request


def refund_charge(tx: Transaction, charge: Document, amount: int | None, **fields: object) -> Document:
    """Refund an amount, or all that is left."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise invalid_request(f"Charge {charge['id']} has not succeeded and cannot be refunded.", param="charge")
    if left == 0:
        raise invalid_request(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
        )
    require_refundable(tx, charge)
    amount = left if amount is None else amount
    if amount <= 0:
        raise invalid_request("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise invalid_request(
            f"Refund amount ({display(amount, charge['currency'])}) is greater than unrefunded amount on charge"
            f" ({display(left, charge['currency'])})",
            param="amount",
        )
    refund = shapes.refund(
        id=tx.new_id("re"),
        amount=amount,
        charge=charge["id"],
        created=tx.now,
        currency=charge["currency"],
        customer=charge["customer"],
        destination_details=_destination(charge),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        _link=charge["id"],
        **fields,
    )
    refund["balance_transaction"] = enter_refund(tx, refund, charge)["id"]
    tx.add(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    tx.save(charge)
    announce(tx, "refund.created", refund)
    announce(tx, "charge.refunded", charge)
    if charge["refunded"]:
        refunded_in_full(tx, charge)
    return refund


def _destination(charge: Document) -> Document:
    if charge["payment_method_details"]["type"] == "card":
        reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
        return {"card": reference, "type": "card"}
    return {"type": "us_bank_transfer", "us_bank_transfer": {"reference": None, "reference_status": "pending"}}
