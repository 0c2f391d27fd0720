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
        segments = request.path.strip("/").split("/")
        tx = Transaction(self._store, Cause())
        if request.method == "GET" and len(segments) == 2 and segments[0] == "i":
            return hosted_invoice_page(tx, segments[1])
        if len(segments) == 2 and segments[0] == "3ds":
            if request.method == "POST":
                response = answer_challenge(self._store, segments[1], request)
                self._deliveries.wake()
                return response
            return challenge_page(tx, segments[1])
        return Response(404, b"Not found\n", content_type="text/plain")
