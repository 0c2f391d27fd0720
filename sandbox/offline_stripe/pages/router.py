"""The routes of the pages: hosted invoices and their PDFs, receipts, Stripe.js and its frames, the 3-D Secure challenge.

A new page gets its own module and a line here.
"""

from offline_stripe.documents import Document
from offline_stripe.pages import stripe_js
from offline_stripe.pages.challenge import answer_challenge, challenge_page
from offline_stripe.pages.hosted_invoice import hosted_invoice_page
from offline_stripe.pages.html import page
from offline_stripe.pages.invoice_pdf import invoice_pdf
from offline_stripe.pages.receipt import receipt_page
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.wire.messages import Request, Response


class Pages:
    """Answers everything that is neither API nor control."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    def answer(self, request: Request) -> Response:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["stripe.js"] | [_, "stripe.js"] | ["v3"]:  # the last two: as on Stripe's own host
                found: Response | None = stripe_js.script(self._store.base_url)
            case "GET", ["elements", name]:
                found = stripe_js.element(name)
            case "GET", ["i", token, expiry, *rest] if expiry.isdigit():
                found = self._invoice(token, int(expiry), rest)
            case "GET", ["receipts", charge]:
                known = Transaction(self._store, Cause()).find(charge)
                found = receipt_page(known) if known and known["object"] == "charge" else None
            case "GET", ["3ds", token]:
                found = challenge_page(Transaction(self._store, Cause()), token)
            case "POST", ["3ds", token]:
                found = answer_challenge(self._store, token, request)
                self._deliveries.wake()
            case _:
                found = None
        return found or Response(404, b"Not found\n", content_type="text/plain")

    def _invoice(self, token: str, expiry: int, rest: list[str]) -> Response | None:
        tx = Transaction(self._store, Cause())
        found: list[Document] = tx.where("invoice", _link=token)
        if not found:
            return page("Not found", "<h1>This invoice could not be found</h1>", status=404)
        if tx.now > expiry:
            return page(
                "Expired", "<h1>This link has expired</h1><p>Please ask its sender for a new one.</p>", status=410
            )
        if rest == ["pdf"]:
            return invoice_pdf(tx, found[0])
        return None if rest else hosted_invoice_page(tx, found[0])
