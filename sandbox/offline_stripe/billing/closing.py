"""Closing an invoice that will not be paid: void, uncollectible, deleted.

Other states are refused in Stripe's words.
"""

from offline_stripe.billing.attaching import require_none
from offline_stripe.billing.balances import adjust_balance
from offline_stripe.billing.collection import not_open, release_intent, unschedule_invoice
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request


def void(tx: Transaction, invoice: Document) -> None:
    """Void an open or uncollectible invoice. Its amounts stay."""
    status = invoice["status"]
    if status == "paid" and not tx.switches.void_paid_message_is_open_text:
        raise invalid_request("Invoices with `paid` payments cannot be voided.")
    if status not in {"open", "uncollectible"}:
        raise not_open()
    if status == "uncollectible" and not tx.switches.uncollectible_can_be_voided:
        raise not_open()
    require_none(tx, invoice, "open", "paid", act="voided")
    invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = tx.now
    unschedule_invoice(tx, invoice)
    tx.save(invoice)
    announce(tx, "invoice.voided", invoice)
    release_intent(tx, invoice, "void_invoice", announced=tx.switches.void_emits_payment_intent_canceled)
    give_back(tx, invoice)


def give_back(tx: Transaction, invoice: Document) -> None:
    """Return to the customer's balance what finalizing took from it."""
    applied = invoice.pop("_applied", 0)
    customer = tx.get("customer", invoice["customer"])
    if applied and customer is not None:
        about: Document = {"invoice": invoice["id"], "currency": invoice["currency"]}
        adjust_balance(tx, customer, -applied, "unapplied_from_invoice", **about)
        tx.save(invoice)


def mark_uncollectible(tx: Transaction, invoice: Document) -> None:
    """Mark an open invoice as uncollectible. It can still be paid or voided."""
    if invoice["status"] == "uncollectible":
        raise invalid_request("This invoice has already been marked uncollectible.")
    if invoice["status"] != "open":
        raise not_open()
    require_none(tx, invoice, "open", act="marked uncollectible")
    invoice |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_details"] = {"uncollectible": {"reason": "user_forgiven"}}
    invoice["status_transitions"]["marked_uncollectible_at"] = tx.now
    unschedule_invoice(tx, invoice)
    tx.save(invoice)
    announce(tx, "invoice.marked_uncollectible", invoice)


def delete_draft(tx: Transaction, invoice: Document) -> None:
    """Delete a draft and its items."""
    if invoice["status"] != "draft":
        raise invalid_request("You can only delete draft invoices.", param="invoice")
    unschedule_invoice(tx, invoice)
    announce(tx, "invoice.deleted", invoice)
    for line in tx.where("line_item", invoice=invoice["id"]):
        tx.remove(line)
    for item in tx.where("invoiceitem", invoice=invoice["id"]):
        tx.remove(item)
    tx.remove(invoice)
