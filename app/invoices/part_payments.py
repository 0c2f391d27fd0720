"""Pays a part of an invoice on its payment page: the PaymentIntent that the payer confirms there.

It is attached to the invoice before anybody can confirm it, so no payment can miss its invoice. One part of an invoice
waits at a time: whoever begins another one ends those that wait, so their sum cannot exceed what remains.
"""

import msgspec

from app.db.engine import Connection
from app.db.rows import load, lock
from app.db.schema import fulfillments, invoices
from app.domain.errors import InvoiceBusy, InvoicingError, Refused, StripeInvalidRequest, ValidationFailed
from app.domain.fulfillment import under_way
from app.domain.invoice import Act, require
from app.domain.json import JsonView
from app.domain.money import format_amount
from app.idempotency.operations import Answer, Operation
from app.invoices import parameters
from app.invoices.parameters import SHOW_PAYMENTS
from app.invoices.service import OfInvoices
from app.payments import parts, statements
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.stripe.mapping import Kind

BUSY_S = 2
WAIT = "A payment of this invoice is under way: wait for its end before you pay more."


class PartPayments(OfInvoices):
    async def begin_part_payment(self, operation: Operation, params: JsonView) -> Answer:
        """Make the PaymentIntent of a part: `amount`, at least `minimum`, for the payment link `link`.

        The answer's secret is the PaymentIntent's. Raises ValidationFailed, InvalidState, and InvoiceBusy.
        """
        invoice = await self._invoices.require_act(operation, Act.CLIENT_SECRET)
        if statements.PART not in operation.progress:
            await self._reserve(operation, params)
        known = operation.progress.get("intent")
        if await parts.call_off(self._database, self._gateway, self._steps, operation, but=known):
            async with self._database.connection() as connection:
                del operation.progress[statements.PART]
                await operation.advance(connection)  # others need not wait for this request
            await self._follow(operation)
            raise InvoiceBusy(WAIT, retry_after=BUSY_S)
        wanted = {
            "amount": params["amount"],
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "automatic_payment_methods": {"enabled": True},
            "description": f"Part of invoice {invoice['number']}",
            "metadata": {"invoice": invoice["id"], "payment_link": params["link"]},
        }
        made = await self._steps.post(operation, "create", parts.PATH, wanted)
        intent = str(made.data["id"])
        async with self._database.unit_of_work() as connection:
            await operation.advance(connection, intent=intent)
            await statements.begin_part(connection, params["link"], intent)
        await self._attach(operation, invoice["id"], intent)
        shown = {"payment_intent": intent, "amount": params["amount"], "currency": invoice["currency"]}
        async with self._database.connection() as connection:
            body = msgspec.json.encode(shown).decode()
            return await operation.finish(connection, 201, body, secret=made.data["client_secret"])

    async def secret_of(self, intent: str) -> str:
        """The client secret of a part, for a replayed answer."""
        return str((await observation.payment_intent(self._gateway, intent))["client_secret"])

    async def _reserve(self, operation: Operation, params: JsonView) -> None:
        """Check the amount under the invoice's lock, and record that this request is about to begin a part."""
        async with self._database.unit_of_work() as connection:
            await lock(connection, [str(operation.subject)])
            await self._require_fitting(connection, operation, params)
            await operation.advance(connection, **{statements.PART: params["amount"]})

    async def _require_fitting(self, connection: Connection, operation: Operation, params: JsonView) -> None:
        invoice_id = str(operation.subject)
        invoice = (await load(connection, invoices, [invoice_id]))[invoice_id]
        require(Act.CLIENT_SECRET, invoice["status"])
        if under_way((await load(connection, fulfillments, [invoice_id], by="invoice")).get(invoice_id)):
            raise InvoiceBusy(WAIT, retry_after=BUSY_S)
        if await statements.part_beginning(connection, invoice_id, operation.id):
            raise InvoiceBusy("Somebody else is about to pay a part of this invoice.", retry_after=BUSY_S)
        least, most = params["minimum"], invoice["amount_remaining"] - params["minimum"]
        if not least <= params["amount"] <= most:
            lowest, highest, all_of_it = (
                format_amount(amount, invoice["currency"]) for amount in (least, most, invoice["amount_remaining"])
            )
            said = f"a part may be from {lowest} to {highest}" if least <= most else f"only {all_of_it} can be paid"
            raise ValidationFailed(f"amount: {said}.", param="amount")

    async def _attach(self, operation: Operation, invoice_id: str, intent: str) -> None:
        of = f"/v1/invoices/{invoice_id}"
        wanted = {"payment_intent": intent, **SHOW_PAYMENTS}
        done = parameters.is_paid_by(intent)
        try:
            answer = await self._steps.post(
                operation, Act.ATTACH_PAYMENT.value, f"{of}/attach_payment", wanted, of=of, done=done
            )
        except Refused as refusal:
            await self.undo(operation, refusal)
            if isinstance(refusal, StripeInvalidRequest):
                refusal.param = "amount"
                await self._invoices.explain(operation, Act.CLIENT_SECRET, refusal)
            raise
        await self._writer.write(observation.snapshot_of(Kind.INVOICE, answer), str(operation.id))

    async def undo(self, operation: Operation, _refusal: InvoicingError) -> None:
        """Cancel the PaymentIntent that `operation` made, if any, and follow the invoice. Nobody has its secret."""
        intent = operation.progress.get("intent") or await self._steps.made_by(operation, "create", parts.PATH)
        if intent:
            await parts.cancel(self._gateway, self._steps, operation, intent)
            await self._follow(operation)

    async def _follow(self, operation: Operation) -> None:
        subject = Subject(Kind.INVOICE, str(operation.subject))
        await observation.take_over(self._database, self._gateway, subject, str(operation.id))
