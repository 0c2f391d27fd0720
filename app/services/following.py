"""Owns asking Stripe about one invoice while a person waits for word of a payment, because the webhook is late.

What Stripe says is applied the way the worker applies an event: snapshot, fulfillment and attempt go through the
ledger in one transaction. The webhook that comes later finds it all done.
"""

from app.db.engine import Database
from app.domain.fulfillment import Attempt
from app.domain.invoice import InvoiceStatus
from app.services import observing
from app.services.attempts import failure_of, last_attempt
from app.services.ledger import Ledger, Subject
from app.stripe_gateway.client import Answer, StripeGateway
from app.stripe_gateway.mapping import Kind, Snapshot


class Following:
    """Brings one invoice up to what Stripe says of it now."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def catch_up(self, invoice_id: str) -> None:
        """Ask Stripe how the invoice and the last attempt to pay it stand, and let our rows follow."""
        subject = Subject(Kind.INVOICE, invoice_id)
        observed = await observing.observe(self._gateway, subject)
        intent = await self._intent_of(observed)
        async with self._database.unit_of_work() as connection:
            ledger = await Ledger.of(connection, [subject])
            ledger.apply(observed)
            ledger.follow_invoice(invoice_id)
            if intent:
                _follow_attempt(ledger, invoice_id, intent)
            await ledger.flush()

    async def _intent_of(self, observed: Snapshot) -> Answer | None:
        """The PaymentIntent of an invoice that is still open; any other status says all there is to say."""
        intent_id = observed.row.get("payment_intent")
        if observed.row.get("status") != InvoiceStatus.OPEN or not intent_id:
            return None
        return await self._gateway.get(f"/v1/payment_intents/{intent_id}")


def _follow_attempt(ledger: Ledger, invoice_id: str, intent: Answer) -> None:
    """Record how the last attempt stands; where a webhook's word is as fresh as this one, that stays."""
    attempt = last_attempt(intent.data)
    if attempt:
        failure = failure_of(intent.data) if attempt is Attempt.FAILED else None
        ledger.follow_attempt(invoice_id, attempt, intent.until, payment_intent=intent.data["id"], failure=failure)
