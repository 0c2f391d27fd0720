"""The addresses of an invoice's hosted page and PDF, which expire.

They hold until 30 days after the due date and at most 120 days after finalization; whoever reads the invoice later gets
addresses that hold for at least ten days more.
"""

from offline_stripe.documents import Document

DAY = 86_400
AFTER_DUE = 30 * DAY
LONGEST = 120 * DAY
LEAST = 10 * DAY


def hosted_links(base_url: str, invoice: Document, now: int) -> Document:
    """The fields with the addresses, as an answer at `now` shows them; both null for a draft."""
    if "_link" not in invoice:
        return {"hosted_invoice_url": None, "invoice_pdf": None}
    address = f"{base_url}/i/{invoice['_link']}/{_expiry(invoice, now)}"
    return {"hosted_invoice_url": address, "invoice_pdf": f"{address}/pdf"}


def _expiry(invoice: Document, now: int) -> int:
    finalized_at: int = invoice["status_transitions"]["finalized_at"]
    until = min((invoice["due_date"] or finalized_at) + AFTER_DUE, finalized_at + LONGEST)
    if until >= now + LEAST:
        return until
    return (now + LEAST) // DAY * DAY + DAY  # the same for all who read on one day
