"""The use cases of refunds.

How much may be refunded is counted under the invoice's lock, together with what other requests are about to take. What
this one takes is recorded before Stripe is asked. So two requests never refund more than what was paid.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import NoReturn

import msgspec

from app.db import documents, resources
from app.db.engine import Connection
from app.db.rows import load, load_all, lock, require_row
from app.db.schema import credit_notes, invoices, refunds
from app.domain.credit_note import CreditNoteStatus, credited
from app.domain.errors import InvalidState, NothingToRefund, PaymentDisputed, Refused, StripeInvalidRequest
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject, JsonView
from app.domain.refund import Part, RefundStatus, plan
from app.idempotency.operations import Answer, Operation
from app.idempotency.steps import NotDone
from app.payments import statements
from app.projection import mirrored_rows, observation
from app.projection.unit_of_work import Subject
from app.projection.write_through import AtStripe
from app.refunds.schemas import RefundCreate
from app.stripe.mapping import Kind, Snapshot
from app.stripe.parameters import stripe_parameters

PATH = observation.PATHS[Kind.REFUND]
BY_CODE: dict[str, type[Refused]] = {"charge_disputed": PaymentDisputed, "charge_already_refunded": NothingToRefund}
"""Our errors for the codes of Stripe's that name why a payment cannot be refunded."""


class Refunds(AtStripe):
    async def create_refund(self, operation: Operation, params: JsonView) -> Answer:
        """Refund an invoice's payments (RefundCreate), each by a call of its own.

        What was refunded stays so: where Stripe refuses a later one, the answer says what was not refunded.
        """
        invoice = await self._invoice(operation)
        parts = await self._parts(operation, invoice, params)
        made: list[Snapshot] = []
        refusal = None
        for number, part in enumerate(parts, 1):
            step = "create" if number == 1 else f"create-{number}"
            try:
                answer = await self._steps.post(operation, step, PATH, _wanted(params, part, first=number == 1))
            except (Refused, NotDone) as error:
                if made:
                    refusal = error
                    break
                if isinstance(error, StripeInvalidRequest):
                    await self._explain(operation, invoice, params, error)
                raise
            made.append(observation.snapshot_of(Kind.REFUND, answer).belongs_to(invoice["id"]))
        for taken in made:
            await self._writer.write(taken, str(operation.id))
        missing = sum(part.amount for part in parts[len(made) :])
        not_refunded = {"amount": missing, "code": refusal.code, "detail": refusal.detail} if refusal else None
        return await self._answer(operation, invoice, [taken.id for taken in made], not_refunded)

    async def _invoice(self, operation: Operation) -> JsonObject:
        """The invoice. Raises NotFound, and InvalidState where nothing can have been paid yet."""
        invoice = await require_row(self._database, invoices, str(operation.subject))
        if operation.fresh:
            require(Act.REFUND, invoice["status"])
        return invoice

    async def _parts(self, operation: Operation, invoice: JsonView, params: JsonView) -> list[Part]:
        """What is refunded of each payment, as it was reserved before, or is now."""
        if "parts" in operation.progress:
            return [Part(*part) for part in operation.progress["parts"]]
        await self._writer.claim_reference(operation, Kind.REFUND, params)
        if await self._payments_are_known(invoice):
            with suppress(Refused):
                return await self._reserve(operation, invoice, params)
        # Stripe may know of a payment whose webhook is on its way, or that an older release recorded without its amount.
        await observation.take_over(
            self._database, self._gateway, Subject(Kind.INVOICE, invoice["id"]), str(operation.id)
        )
        return await self._reserve(operation, await self._invoice(operation), params)

    async def _payments_are_known(self, invoice: JsonView) -> bool:
        """Whether the payments known here are all that the invoice says was paid."""
        async with self._database.connection() as connection:
            payments = await statements.all_of(connection, invoice["id"])
        return bool(sum(one.amount_paid or 0 for one in payments if one.paid) == invoice["amount_paid"])

    async def _reserve(self, operation: Operation, invoice: JsonView, params: JsonView) -> list[Part]:
        async with self._database.unit_of_work() as connection:
            parts = await planned(connection, operation, invoice, params.get("amount"), params.get("payment_intent"))
            reserved = statements.reservation({part.payment_intent: part.amount for part in parts})
            listed = [[part.payment_intent, part.amount] for part in parts]
            await operation.advance(connection, parts=listed, **reserved)
        return parts

    async def _explain(
        self, operation: Operation, invoice: JsonView, params: JsonView, error: StripeInvalidRequest
    ) -> NoReturn:
        """Raise why Stripe refused, by its code or by what it knows of refunds that is not known here; or its refusal."""
        for part in await self._parts(operation, invoice, params):
            async for page in self._gateway.lists(PATH, {"payment_intent": part.payment_intent}):
                for found in page.data["data"]:
                    one = observation.snapshot_of(Kind.REFUND, replace(page, data=found))
                    await self._writer.write(one.belongs_to(invoice["id"]), str(operation.id))
        with error.explained():
            async with self._database.unit_of_work() as connection:
                await planned(connection, operation, invoice, params.get("amount"), params.get("payment_intent"))
        named = BY_CODE.get((error.stripe or {}).get("code") or "")
        raise named(error.detail, stripe=error.stripe) if named else error

    async def _answer(
        self, operation: Operation, invoice: JsonView, ids: Sequence[str], not_refunded: JsonObject | None
    ) -> Answer:
        async with self._database.unit_of_work() as connection:
            shown = await documents.read_all(connection, resources.REFUND, ids)
            rows = await load(connection, refunds, ids)
            body = {
                "invoice": invoice["id"],
                "amount": sum(rows[one]["amount"] for one in ids),
                "currency": invoice["currency"],
                "refunds": [msgspec.Raw(shown[one].encode()) for one in ids],
                "not_refunded": not_refunded,
            }
            return await operation.finish(connection, HTTPStatus.CREATED, msgspec.json.encode(body).decode())

    async def cancel_refund(self, operation: Operation, _params: JsonView) -> Answer:
        """Cancel a refund that waits for the customer to say where the money goes."""
        refund_id = str(operation.subject)
        row = await require_row(self._database, refunds, refund_id)
        if operation.fresh:
            _require_cancelable(row["status"])
        path = f"{PATH}/{refund_id}"
        try:
            answer = await self._steps.post(operation, "cancel", f"{path}/cancel", {}, of=path, done=_is_canceled)
        except StripeInvalidRequest as error:
            observed = await observation.observe(self._gateway, Subject(Kind.REFUND, refund_id))
            await self._writer.write(observed.belongs_to(row["invoice"]), str(operation.id))
            with error.explained():
                _require_cancelable(observed.row["status"])
            raise
        taken = observation.snapshot_of(Kind.REFUND, answer).belongs_to(row["invoice"])
        return await self._writer.finish(operation, taken)


async def planned(
    connection: Connection, operation: Operation, invoice: JsonView, amount: int | None, payment_intent: str | None
) -> list[Part]:
    """Which payments of the invoice to refund, counted under its lock. Raises as app.domain.refund.plan does.

    Money may also have been given back without a refund: by credit notes, and by Stripe, which credits an excess to the
    customer's balance. That counts first against the money that was not paid through Stripe, then against the payments.
    """
    await lock(connection, [invoice["id"]])
    reserved = await statements.reserved(connection, invoice["id"], operation.id)
    [now] = (await mirrored_rows.read(connection, Kind.INVOICE, [invoice["id"]])).values()
    notes = await load_all(connection, credit_notes, [invoice["id"]], by="invoice")
    made = {row["id"] for row in await load_all(connection, refunds, [invoice["id"]], by="invoice")}
    payments = await statements.paid(connection, invoice["id"], reserved)
    live = [note for note in notes if note["status"] != CreditNoteStatus.VOID]
    before, after = credited(live)
    after -= sum(part["amount"] for note in live for part in note["refunds"] if part["refund"] in made)
    otherwise = after + (now.get("amount_overpaid") or 0)
    settled = now["total"] - before if now["status"] == InvoiceStatus.PAID else now["amount_paid"]
    elsewhere = max(settled - sum(payment.paid for payment in payments), 0)
    return plan(
        payments,
        amount,
        payment_intent,
        invoice["currency"],
        credited=max(otherwise - elsewhere, 0),
        reserved=reserved.of_any,
    )


def _wanted(params: JsonView, part: Part, *, first: bool) -> JsonObject:
    """The Stripe parameters of one refund. The first has the caller's reference."""
    asked = params if first else {name: value for name, value in params.items() if name != "reference"}
    return {**stripe_parameters(RefundCreate, asked), "payment_intent": part.payment_intent, "amount": part.amount}


def _is_canceled(refund: JsonView) -> bool:
    return bool(refund["status"] == RefundStatus.CANCELED)


def _require_cancelable(status: str) -> None:
    if status != RefundStatus.REQUIRES_ACTION:
        raise InvalidState(f"The refund is {status}: only one that requires_action can be canceled.")
