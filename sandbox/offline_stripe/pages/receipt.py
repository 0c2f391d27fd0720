"""The receipt of a charge, where its `receipt_url` leads."""

from html import escape

from offline_stripe.billing.currencies import display
from offline_stripe.documents import Document
from offline_stripe.pages.html import page
from offline_stripe.wire.messages import Response


def receipt_page(charge: Document) -> Response:
    details = charge["payment_method_details"]
    with_what = details[details["type"]] or {}
    paid_with = " ".join(filter(None, [with_what.get("brand") or details["type"], with_what.get("last4")]))
    body = (
        f"<h1>Receipt</h1><dl><dt>Amount paid</dt><dd>{escape(display(charge['amount'], charge['currency']))}</dd>"
        f"<dt>Payment method</dt><dd>{escape(paid_with)}</dd></dl>"
    )
    return page("Receipt", body)
