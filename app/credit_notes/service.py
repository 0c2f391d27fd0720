"""The use cases of credit notes. What may be credited is counted under the invoice's lock, as of refunds."""

from contextlib import suppress

from app.credit_notes.schemas import CreditNoteCreate, CreditNotePreview
from app.db.engine import Connection
from app.db.rows import load, load_all, lock, require_row
from app.db.schema import credit_notes, fulfillments, invoices, refunds
from app.domain import returns
from app.domain.credit_note import CreditNoteStatus, credited, require_creditable
from app.domain.errors import InvalidState, RefundTooLarge, Refused, StripeInvalidRequest, ValidationFailed
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject, JsonView
from app.domain.money import format_amount
from app.domain.payment_attempts import surplus
from app.idempotency.operations import Answer, Operation
from app.payments import statements
from app.projection import item_statements, mirrored_rows, observation
from app.projection.unit_of_work import Subject
from app.projection.write_through import AtStripe
from app.refunds.service import planned
from app.stripe.fields import Fields
from app.stripe.mapping import Kind
from app.stripe.parameters import named_as, stripe_parameters

PATH = observation.PATHS[Kind.CREDIT_NOTE]
AMOUNTS = ("refund_amount", "credit_amount", "out_of_band_amount")
PREVIEW = Fields(CreditNotePreview)


class CreditNotes(AtStripe):
    async def create_credit_note(self, operation: Operation, params: JsonView) -> Answer:
        """Issue a credit note on a finalized invoice (CreditNoteCreate)."""
        invoice = await require_row(self._database, invoices, str(operation.subject))
        if operation.fresh:
            require(Act.CREDIT, invoice["status"])
        if statements.RESERVED not in operation.progress:
            await self._writer.claim_reference(operation, Kind.CREDIT_NOTE, params)
            await self._reserve(operation, invoice, params)
        try:
            with named_as(CreditNoteCreate):
                answer = await self._steps.post(operation, "create", PATH, _wanted(invoice["id"], params))
        except StripeInvalidRequest as error:
            await self._follow(operation, invoice["id"])
            with error.explained():
                require(Act.CREDIT, (await require_row(self._database, invoices, invoice["id"]))["status"])
            raise
        await self._follow(operation, invoice["id"])
        return await self._writer.finish(operation, observation.snapshot_of(Kind.CREDIT_NOTE, answer), 201)

    async def _reserve(self, operation: Operation, invoice: JsonView, params: JsonView) -> None:
        """Reserve what is about to be credited and refunded."""
        with suppress(Refused):
            return await self._counted(operation, params)
        # What is known here does not allow it: Stripe may know of a payment whose webhook is on its way.
        await observation.take_over(
            self._database, self._gateway, Subject(Kind.INVOICE, invoice["id"]), str(operation.id)
        )
        return await self._counted(operation, params)

    async def _counted(self, operation: Operation, params: JsonView) -> None:
        async with self._database.unit_of_work() as connection:
            await lock(connection, [str(operation.subject)])
            [invoice] = (await mirrored_rows.read(connection, Kind.INVOICE, [str(operation.subject)])).values()
            notes = await load_all(connection, credit_notes, [invoice["id"]], by="invoice")
            reserved = await statements.reserved(connection, invoice["id"], operation.id)
            amount = params.get("amount")
            if amount is not None:
                left = invoice["total"] - sum(credited(notes))
                require_creditable(amount, left, reserved.credited, invoice["currency"])
                _require_settled(invoice, params, amount)
            given = sum(params.get(name, 0) for name in AMOUNTS)
            made = await load_all(connection, refunds, [invoice["id"]], by="invoice")
            gone = (await item_statements.detached(connection, [invoice["id"]])).get(invoice["id"], ())
            fulfillment = (await load(connection, fulfillments, [invoice["id"]], by="invoice")).get(invoice["id"], {})
            await _require_refundable(connection, operation, invoice, params.get("refund_amount"))
            if given:  # what refunds beside credit notes gave back is not given back once more
                more = surplus(fulfillment.get("payment_attempts") or [], invoice)
                beside = returns.read(invoice, made, notes, [], detached=gone).beyond(more).refunded
                left = invoice["total"] - sum(credited(notes)) - beside
                require_creditable(given, left, reserved.of_any + reserved.by_payment.total(), invoice["currency"])
            taken = statements.reservation(of_any=given, credited=amount or 0)
            await operation.advance(connection, **taken)

    async def preview(self, invoice_id: str, params: JsonView) -> JsonObject:
        """What a credit note would be (CreditNotePreviewed), as Stripe computes it. Nothing is issued."""
        invoice = await require_row(self._database, invoices, invoice_id)
        require(Act.CREDIT, invoice["status"])
        with named_as(CreditNoteCreate):
            answer = await self._gateway.get(f"{PATH}/preview", _wanted(invoice_id, params))
        return PREVIEW.document(PREVIEW.read(answer.data), PREVIEW.version)

    async def void_credit_note(self, operation: Operation, _params: JsonView) -> Answer:
        """Void a credit note of an invoice that is not paid yet: what it took off is owed again."""
        note_id = str(operation.subject)
        row = await require_row(self._database, credit_notes, note_id)
        if operation.fresh:
            _require_voidable(row)
        path = f"{PATH}/{note_id}"
        try:
            answer = await self._steps.post(
                operation,
                "void_credit_note",
                f"{path}/void",
                {},
                of=path,
                done=lambda note: note["status"] == CreditNoteStatus.VOID,
            )
        except StripeInvalidRequest as error:
            observed = await observation.observe(self._gateway, Subject(Kind.CREDIT_NOTE, note_id))
            await self._writer.write(observed, str(operation.id))
            await self._follow(operation, row["invoice"])
            with error.explained():
                _require_voidable(observed.row)
            raise
        await self._follow(operation, row["invoice"])
        return await self._writer.finish(operation, observation.snapshot_of(Kind.CREDIT_NOTE, answer))

    async def _follow(self, operation: Operation, invoice_id: str) -> None:
        """Update our rows of the invoice, which a credit note changes without an event of its own."""
        observed = await observation.observe(self._gateway, Subject(Kind.INVOICE, invoice_id))
        await self._writer.write(observed, str(operation.id))


def _wanted(invoice_id: str, params: JsonView) -> JsonObject:
    return {"invoice": invoice_id, **stripe_parameters(CreditNoteCreate, params)}


def _require_settled(invoice: JsonView, params: JsonView, amount: int) -> None:
    """Raise ValidationFailed unless what is given back is what the credit note exceeds `amount_remaining` by."""
    linked = [refund.get("amount_refunded") for refund in params.get("refunds", [])]
    if None in linked:
        return
    given = sum(params.get(name, 0) for name in AMOUNTS) + sum(linked)
    open_amount = 0 if invoice["status"] == InvoiceStatus.PAID else invoice["amount_remaining"]
    back = max(amount - open_amount, 0)
    if given != back:
        raise ValidationFailed(
            f"refund_amount, credit_amount, out_of_band_amount and refunds must together be "
            f"{format_amount(back, invoice['currency'])}: what amount exceeds amount_remaining by.",
            param=next((name for name in AMOUNTS if name in params), "refund_amount"),
        )


async def _require_refundable(
    connection: Connection, operation: Operation, invoice: JsonView, refund_amount: int | None
) -> None:
    if refund_amount is None:
        return
    try:
        await planned(connection, operation, invoice, refund_amount, None)
    except RefundTooLarge as error:
        error.param = "refund_amount"
        error.detail = error.detail.replace("amount:", "refund_amount:", 1)
        raise


def _require_voidable(note: JsonView) -> None:
    if note["status"] == CreditNoteStatus.VOID:
        raise InvalidState("The credit note is void already.")
    if note["type"] != "pre_payment":
        raise InvalidState(
            "The credit note gave back what was paid: only one of an invoice not paid yet can be voided."
        )
