"""Sends an invoice: the mail goes to the outbox, where it can be read.

Nothing leaves this machine.
"""

from offline_stripe.billing.finalization import finalize
from offline_stripe.documents import Document
from offline_stripe.hosted_links import hosted_links
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request


def send(tx: Transaction, invoice: Document) -> None:
    """Email the invoice to the outbox. A draft is finalized first."""
    if invoice["collection_method"] != "send_invoice":
        raise invalid_request("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        finalize(tx, invoice)
    elif invoice["status"] != "open":
        raise invalid_request(
            "This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact if"
            " you believe this is an error."
        )
    tx.write_mail(
        {
            "created": tx.now,
            "invoice": invoice["id"],
            "kind": "invoice",
            "subject": f"New invoice from {invoice['account_name']} #{invoice['number']}",
            "to": invoice["customer_email"],
            "url": hosted_links(tx.store.base_url, invoice, tx.now)["hosted_invoice_url"],
        }
    )
    announce(tx, "invoice.sent", invoice)
