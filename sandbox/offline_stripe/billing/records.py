"""Payment records: payments that did not go through Stripe, as cheques and wires, and their effect on an invoice.

An attached record counts once its payment is guaranteed.
"""

from offline_stripe.billing.collection import credit, require_payable
from offline_stripe.documents import Document
from offline_stripe.shapes import invoices as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, parameter_missing

OUTCOMES = {"guaranteed": "guaranteed_at", "failed": "failed_at", "canceled": "canceled_at"}


def require_moment(tx: Transaction, outcome: str, moment: object) -> None:
    """Refuse an outcome without its time, or in the future."""
    name = f"{outcome}[{OUTCOMES[outcome]}]"
    if moment is None:
        raise parameter_missing(name)
    if int(str(moment)) > tx.now:
        raise invalid_request("This time must not be in the future.", param=name)


def conclude(tx: Transaction, record: Document, outcome: str) -> None:
    """End the payment of a record. Raises StripeError if it has ended already."""
    if any(record[f"amount_{ended}"]["value"] for ended in OUTCOMES):
        raise invalid_request("The payment of this PaymentRecord has ended already.")
    record[f"amount_{outcome}"] = dict(record["amount_requested"])
    if outcome == "guaranteed":
        record["amount"] = dict(record["amount_requested"])
    tx.save(record)
    for payment in tx.where("invoice_payment", _link=record["id"]):
        _carry_over(tx, record, payment)


def attach_record(tx: Transaction, invoice: Document, record: Document) -> None:
    """Attach a record to an invoice. Raises StripeError if the two do not fit."""
    require_payable(invoice)
    amount = record["amount_requested"]
    problem = None
    if tx.where("invoice_payment", _link=record["id"]):
        problem = "This PaymentRecord is already attached to an invoice."
    elif record["amount_failed"]["value"] or record["amount_canceled"]["value"]:
        problem = "A PaymentRecord that failed or was canceled cannot be attached."
    elif amount["currency"] != invoice["currency"]:
        problem = "The PaymentRecord must have the same currency as the invoice."
    elif (record["customer_details"] or {}).get("customer") not in {None, invoice["customer"]}:
        problem = "The PaymentRecord belongs to another customer than the invoice."
    if problem:
        raise invalid_request(problem, param="payment_record")
    payment = tx.add(
        shapes.invoice_payment(
            id=tx.new_id("inpay"),
            amount_requested=amount["value"],
            created=tx.now,
            currency=amount["currency"],
            invoice=invoice["id"],
            is_default=False,
            payment={"payment_record": record["id"], "type": "payment_record"},
            _link=record["id"],
        )
    )
    _carry_over(tx, record, payment)


def _carry_over(tx: Transaction, record: Document, payment: Document) -> None:
    guaranteed = record["amount_guaranteed"]["value"]
    if guaranteed:
        invoice = tx.need("invoice", payment["invoice"], param="invoice")
        credit(tx, invoice, payment, guaranteed, off_stripe=True)
    elif record["amount_failed"]["value"] or record["amount_canceled"]["value"]:
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = tx.now
        tx.save(payment)


def report_refund(tx: Transaction, record: Document, amount: int | None) -> None:
    """Record that money was given back elsewhere. Raises StripeError for more than is left."""
    left = record["amount_guaranteed"]["value"] - record["amount_refunded"]["value"]
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise invalid_request(f"The amount to refund must be from 1 to {left}.", param="amount[value]")
    record["amount_refunded"]["value"] += amount
    tx.save(record)
