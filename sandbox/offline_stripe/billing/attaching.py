"""Partial payments: PaymentIntents and payment records that are attached to an invoice besides its default one.

This module decides what may be attached and what an attached payment forbids. `billing.collection` credits the payment
when it succeeds. Source: Stripe, "Accept partial payments for invoices", and the endive API's `attach_payment`.
"""

from offline_stripe.billing.collection import attached, credit, intent_of, mark_all, require_payable
from offline_stripe.billing.records import attach_record
from offline_stripe.documents import Document
from offline_stripe.shapes import invoices as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, parameter_missing


def attach(tx: Transaction, invoice: Document, sent: Document) -> None:
    """Attach a PaymentIntent or a payment record. One that has succeeded already is credited at once."""
    if "payment_record" in sent and "payment_intent" in sent:
        raise invalid_request("You may only specify one of these parameters: payment_intent, payment_record.")
    if "payment_record" in sent:
        record = tx.need("payment_record", sent["payment_record"], param="payment_record")
        attach_record(tx, invoice, record)
        return
    if "payment_intent" not in sent:
        raise parameter_missing("payment_intent")
    require_payable(invoice)
    intent = tx.need("payment_intent", sent["payment_intent"], param="payment_intent")
    _require_fitting(tx, invoice, intent)
    payment = tx.add(
        shapes.invoice_payment(
            id=tx.new_id("inpay"),
            amount_requested=intent["amount"],
            created=tx.now,
            currency=intent["currency"],
            invoice=invoice["id"],
            is_default=False,
            payment={"payment_intent": intent["id"], "type": "payment_intent"},
            _link=intent["id"],
        )
    )
    if intent["status"] == "succeeded":
        credit(tx, invoice, payment, intent["amount_received"])


def _require_fitting(tx: Transaction, invoice: Document, intent: Document) -> None:
    problem = None
    if tx.where("invoice_payment", _link=intent["id"]):
        problem = "This PaymentIntent is already attached to an invoice."
    elif intent["status"] == "canceled":
        problem = "A canceled PaymentIntent cannot be attached."
    elif intent["currency"] != invoice["currency"] or intent["customer"] != invoice["customer"]:
        problem = "The PaymentIntent must have the same currency and customer as the invoice."
    elif intent["amount"] > invoice["amount_remaining"]:
        problem = "The PaymentIntent's amount is greater than the invoice's remaining amount."
    if problem:
        raise invalid_request(problem, param="payment_intent")


def require_none(tx: Transaction, invoice: Document, *statuses: str, act: str) -> None:
    """Refuse `act` while a payment is processing, and if one in `statuses` is attached."""
    mark_all(tx, invoice)
    found = next((it["status"] for it in attached(tx, invoice) if it["status"] in statuses), None)
    intent = intent_of(tx, invoice)
    if intent is not None and intent["status"] == "processing" and not tx.switches.processing_can_be_voided:
        found = "processing"
    if found:
        raise invalid_request(f"Invoices with `{found}` payments cannot be {act}.")
