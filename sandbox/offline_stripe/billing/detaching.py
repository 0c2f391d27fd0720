"""Detaching a payment: its PaymentIntent becomes free for other uses, and an invoice it had paid is open again.

Source: Stripe's changelog of 2026-01-28, where the call is a preview.
"""

from offline_stripe.billing.collection import invoice_of, mark_all, not_open, payment_of, request_remainder
from offline_stripe.billing.finalization import request_payment
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request


def detach(tx: Transaction, invoice: Document, intent: Document) -> None:
    """Detach a PaymentIntent. What it had paid remains to be paid, by a new default payment."""
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        raise not_open()
    if invoice_of(tx, intent) is not invoice:
        raise invalid_request("This PaymentIntent is not attached to the invoice.", param="payment_intent")
    mark_all(tx, invoice)
    [payment] = tx.where("invoice_payment", _link=intent["id"])
    if payment["is_default"] and payment["status"] != "paid":
        raise invalid_request("The default payment of an invoice cannot be detached.", param="payment_intent")
    announce(tx, "invoice_payment.detached", payment)
    tx.remove(payment)
    if payment["status"] == "paid":
        with updating(tx, "invoice.updated", invoice):
            _owe_again(invoice, payment["amount_paid"])
        if invoice["amount_remaining"]:
            _collect_again(tx, invoice)


def _owe_again(invoice: Document, amount: int) -> None:
    invoice["amount_paid"] -= amount
    invoice["amount_overpaid"] = max(0, invoice["amount_overpaid"] - amount)
    invoice["amount_remaining"] = max(0, invoice["amount_due"] - invoice["amount_paid"])
    if invoice["amount_remaining"] and invoice["status"] == "paid":
        invoice["status"] = "open"
        invoice["status_transitions"]["paid_at"] = None


def _collect_again(tx: Transaction, invoice: Document) -> None:
    default = payment_of(tx, invoice)
    if default is not None and default["status"] == "open":
        request_remainder(tx, invoice)
        return
    if default is not None:
        default["is_default"] = False
        tx.save(default)
    request_payment(tx, invoice)
