"""Asks Stripe about one invoice while a person waits for a payment, because the webhook is late.

The answer is applied as the worker applies an event: invoice, fulfillment and attempt in one unit of work. The webhook
that comes later changes nothing more.
"""

from app.db.engine import Database
from app.db.rows import require_row
from app.db.schema import invoices
from app.domain.fulfillment import AttemptReport
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.payments.attempts import failure_in, last_attempt, required_action
from app.projection import observation
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.client import Answer, StripeGateway
from app.stripe.mapping import Kind

CAUSE = "payment page"
"""The cause recorded with the changes."""


class InvoiceRefresh:
    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def catch_up(self, invoice_id: str) -> None:
        """Ask Stripe for the invoice and the last attempt to pay it, and update our rows."""
        subject = Subject(Kind.INVOICE, invoice_id)
        await observation.take_over(self._database, self._gateway, subject, CAUSE)
        invoice = await require_row(self._database, invoices, invoice_id, or_deleted=True)
        if invoice["status"] != InvoiceStatus.OPEN or not invoice["payment_intent"]:
            return  # any other status says all there is to say
        async with self._database.connection() as connection:
            known = (await UnitOfWork.of_locked(connection, [subject])).fulfillments.last_word(invoice_id)
        intent = await self._gateway.get(f"/v1/payment_intents/{invoice['payment_intent']}")
        async with self._database.unit_of_work() as connection:
            unit = await UnitOfWork.of(connection, [subject], cause=CAUSE)
            _follow_attempt(unit, subject, intent, known)
            await unit.flush()

    async def bank_transfer(self, invoice_id: str) -> JsonObject | None:
        """Where to transfer what is left of the invoice, as Stripe says now: Stripe's instructions, and what has arrived.

        None if its PaymentIntent waits for no bank transfer. Raises what the gateway raises.
        """
        found_id = await intent_of(self._database, self._gateway, invoice_id, CAUSE)
        if found_id is None:
            return None
        intent = await observation.payment_intent(self._gateway, found_id)
        found: JsonObject | None = (intent.get("next_action") or {}).get(required_action(intent) or "")
        if found is None or "financial_addresses" not in found:
            return None
        return found | {"amount_received": intent["amount"] - found["amount_remaining"]}

    async def charge(self, intent_id: str) -> JsonObject | None:
        """The charge of a payment that succeeded, as Stripe has it now, or None. Raises what the gateway raises."""
        intent = (await self._gateway.get(f"/v1/payment_intents/{intent_id}", {"expand": ["latest_charge"]})).data
        found: JsonObject | None = intent["latest_charge"] if intent["status"] == "succeeded" else None
        return found


async def reopened(database: Database, gateway: StripeGateway, row: JsonObject, cause: str) -> JsonObject:
    """The row of an invoice. If it is paid here, Stripe is asked first: an invoice opens again when its payment is detached."""
    if row["status"] != InvoiceStatus.PAID:
        return row
    await observation.take_over(database, gateway, Subject(Kind.INVOICE, row["id"]), cause)
    return await require_row(database, invoices, row["id"], or_deleted=True)


async def intent_of(database: Database, gateway: StripeGateway, invoice_id: str, cause: str) -> str | None:
    """The PaymentIntent of an invoice that is known here; None if it has none.

    If the invoice was finalized elsewhere, its PaymentIntent may not be known yet: then Stripe is asked for the invoice.
    """
    found = await require_row(database, invoices, invoice_id, or_deleted=True)
    if found["payment_intent"] is None:
        await observation.take_over(database, gateway, Subject(Kind.INVOICE, invoice_id), cause)
        found = await require_row(database, invoices, invoice_id, or_deleted=True)
    intent: str | None = found["payment_intent"]
    return intent


def _follow_attempt(unit: UnitOfWork, subject: Subject, intent: Answer, known: tuple[object, ...]) -> None:
    """Record the last attempt's state.

    `known` is the last report before Stripe was asked. If it still is the last one, the answer counts as it is. If a
    webhook has brought another since, the later of the two by Stripe's clock counts, because the answer may be older.
    """
    attempt = last_attempt(intent.data)
    invoice = unit.row(subject)
    if not attempt or not invoice:
        return
    failure = failure_in(intent.data, attempt)
    action = required_action(intent.data)
    said = AttemptReport(attempt, intent.since)
    if unit.fulfillments.last_word(subject.id) == known:
        unit.fulfillments.settle_attempt(invoice, said, failure, action, certain=True)
    else:
        unit.fulfillments.follow_attempt(invoice, said, failure, action)
