"""Revisions: a draft made `from_invoice` repeats a finalized invoice and replaces it.

The revised invoice is voided when the revision is finalized.
"""

from offline_stripe.billing.drafting import apply_changes, open_draft
from offline_stripe.billing.items import attach
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

_CARRIED = ("collection_method", "custom_fields", "description", "footer", "metadata", "statement_descriptor")


def revise(tx: Transaction, sent: Document) -> Document:
    """Create a draft from an open or uncollectible invoice, with copies of its items."""
    original = tx.need("invoice", sent["from_invoice"]["invoice"], param="from_invoice[invoice]")
    if original["status"] not in {"open", "uncollectible"}:
        raise invalid_request("You can only revise open or uncollectible invoices.", param="from_invoice")
    customer = tx.need("customer", original["customer"], param="customer")
    carried: Document = {name: original[name] for name in _CARRIED if original[name]}
    if original["due_date"] is not None:
        carried["due_date"] = max(original["due_date"], tx.now + 1)
    changes = {name: value for name, value in sent.items() if name not in {"from_invoice", "expand", "customer"}}
    draft = open_draft(tx, {**carried, "currency": original["currency"]}, customer)
    draft["from_invoice"] = {"action": "revision", "invoice": original["id"]}
    apply_changes(tx, draft, changes)
    for item in tx.where("invoiceitem", invoice=original["id"]):
        attach(tx, tx.add({**item, "id": tx.new_id("ii"), "date": tx.now, "invoice": None}), draft)
    recompute(tx, draft)
    announce(tx, "invoice.created", draft)
    return draft
