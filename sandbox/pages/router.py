"""What a customer's browser sees: the hosted invoice page, and the 3-D Secure challenge.

Owns the page routes. New pages (a PDF, a Stripe.js stand-in) get a module each and a line here.
"""

from sandbox.pages.challenge import answer_challenge, challenge_page
from sandbox.pages.hosted_invoice import hosted_invoice_page
from sandbox.store.transaction import Cause, Store, Transaction
from sandbox.webhooks.delivery import Deliveries
from sandbox.wire.messages import Request, Response

HTML = "text/html; charset=utf-8"


class Pages:
    """Answers everything that is neither API nor control."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    def answer(self, request: Request) -> Response:
        tx = Transaction(self._store, Cause())
        match request.method, *request.path.strip("/").split("/"):
            case "GET", "i", token:
                return hosted_invoice_page(tx, token)
            case "GET", "3ds", token:
                return challenge_page(tx, token)
            case "POST", "3ds", token:
                response = answer_challenge(self._store, token, request)
                self._deliveries.wake()
                return response
        return Response(404, b"Not found\n", content_type="text/plain")
