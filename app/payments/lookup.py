"""Asks Stripe about one invoice while a person waits for word of a payment, because the webhook is late.

What Stripe says is applied the way the worker applies an event: snapshot, fulfillment and attempt go through the
ledger in one transaction. The webhook that comes later finds it all done.
"""

from app.db.engine import Database
from app.db.rows import load
from app.db.tables import INVOICES
from app.domain.fulfillment import Attempt, Word
from app.domain.invoice import InvoiceStatus
from app.payments.attempts import failure_of, last_attempt
from app.projection import observation
from app.projection.unit_of_work import Ledger, Subject
from app.stripe.client import Answer, StripeGateway
from app.stripe.mapping import Kind

CAUSE = "payment page"
"""What is put down beside the changes that come of it."""


class Following:
    """Brings one invoice up to what Stripe says of it now."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def catch_up(self, invoice_id: str) -> None:
        """Ask Stripe how the invoice and the last attempt to pay it stand, and let our rows follow."""
        subject = Subject(Kind.INVOICE, invoice_id)
        await observation.take_over(self._database, self._gateway, subject, CAUSE)
        async with self._database.connection() as connection:
            invoice = (await load(connection, INVOICES, [invoice_id])).get(invoice_id)
        if invoice is None or invoice["status"] != InvoiceStatus.OPEN or not invoice["payment_intent"]:
            return  # any other status says all there is to say
        async with self._database.connection() as connection:
            known = (await Ledger.of_locked(connection, [subject])).fulfillments.last_word(invoice_id)
        intent = await self._gateway.get(f"/v1/payment_intents/{invoice['payment_intent']}")
        async with self._database.unit_of_work() as connection:
            ledger = await Ledger.of(connection, [subject], cause=CAUSE)
            _follow_attempt(ledger, subject, intent, known)
            await ledger.flush()


def _follow_attempt(ledger: Ledger, subject: Subject, intent: Answer, known: tuple[object, ...]) -> None:
    """Record how the last attempt stands. `known`: the last word on it before Stripe was asked.

    The answer may have travelled for a while, so it is only as new as the question. Over an unchanged last word it counts
    as it is; where a webhook said more meanwhile, the later of the two by Stripe's clock counts.
    """
    attempt = last_attempt(intent.data)
    invoice = ledger.row(subject)
    if not attempt or not invoice:
        return
    failure = failure_of(intent.data) if attempt is Attempt.FAILED else None
    said = Word(attempt, intent.since)
    if ledger.fulfillments.last_word(subject.id) == known:
        ledger.fulfillments.settle_attempt(invoice, said, failure, certain=True)
    else:
        ledger.fulfillments.follow_attempt(invoice, said, failure)
