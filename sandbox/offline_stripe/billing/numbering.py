"""Invoice and credit note numbers: a prefix per customer, and a sequence without gaps.

It uses `invoice_prefix` and `next_invoice_sequence`.
"""

from offline_stripe.documents import Document
from offline_stripe.store.transaction import Transaction


def new_prefix(tx: Transaction) -> str:
    return tx.store.identifiers.draw(8).upper()


def number_invoice(tx: Transaction, invoice: Document, customer: Document) -> None:
    """Give the invoice its number, unless the caller chose one."""
    if invoice["number"] is None:
        sequence = customer["next_invoice_sequence"]
        invoice["number"] = f"{customer['invoice_prefix']}-{sequence:04d}"
        customer["next_invoice_sequence"] = sequence + 1
        tx.save(customer)


def number_credit_note(tx: Transaction, invoice: Document) -> str:
    count = len(tx.where("credit_note", invoice=invoice["id"]))
    return f"{invoice['number']}-CN-{count + 1:02d}"
