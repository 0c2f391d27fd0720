"""Use cases of invoices.

Each first checks the state known here, so that most illegal acts never reach Stripe. If Stripe's state differs, the
answer names that, and our rows follow it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import msgspec

from app.db.rows import require_row
from app.db.schema import invoices
from app.domain.errors import (
    InvalidState,
    InvoicingError,
    NotFound,
    NothingToBill,
    PaymentActionRequired,
    PaymentFailed,
    Refused,
    StripeInvalidRequest,
    restore,
)
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject, JsonView
from app.idempotency.operations import Answer, Operation
from app.idempotency.steps import Done
from app.invoices import parameters
from app.invoices.item_schemas import ItemCreate
from app.invoices.pricing import blamed, line, one_currency
from app.invoices.schemas import InvoiceCreate, InvoiceFinalize, InvoicePay, InvoiceUpdate
from app.payment_methods.service import PaymentMethods
from app.payments import parts
from app.payments.attempts import problem_of
from app.payments.lookup import reopened
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.projection.write_through import AtStripe, Writer
from app.stripe.client import Answer as StripeAnswer
from app.stripe.mapping import Kind
from app.stripe.parameters import named_as, stripe_parameters

PATH = "/v1/invoices"
TO_COME = ("due_at", "automatically_finalizes_at")
LONGEST_YEARS = 5
"""How far ahead Stripe lets them be."""
FINALIZING = frozenset({Act.SEND, Act.PAY})
"""Acts that finalize a draft on their way."""
NO_ITEMS = (
    "The invoice has no items: nothing would be billed, and Stripe would call it paid. Add items, or finalize it with "
    "allow_empty: true."
)


class Invoices(AtStripe):
    def __init__(self, writer: Writer, methods: PaymentMethods, days_until_due: int) -> None:
        super().__init__(writer)
        self.writer, self.methods = writer, methods
        self._days_until_due = days_until_due

    async def create_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Create a draft with all items, and finalize it if asked (InvoiceCreate). A refusal leaves nothing behind."""
        for name in TO_COME:
            operation.require_to_come(name, params.get(name), LONGEST_YEARS)
        if operation.fresh and params.get("finalize") and not parameters.may_have_items(params):
            raise NothingToBill(NO_ITEMS, param="items")
        if "refusal" in operation.progress:
            await self._discard(operation)
            raise restore(operation.progress["refusal"])
        try:
            await self._writer.claim_reference(operation, Kind.INVOICE, params)
            answer = await self._draft(operation, params)
            if params.get("items"):
                answer = await self._add_lines(operation, params["items"], pending=parameters.takes_pending(params))
            if params.get("finalize"):
                if not (params.get("allow_empty") or parameters.has_lines(answer.data)):
                    raise NothingToBill("The customer has no pending items.", param="pending_invoice_items_behavior")
                answer = await self._finalize_at_stripe(operation, {})
        except Refused as refusal:
            await self.undo_create(operation, refusal)
            raise
        created = observation.snapshot_of(Kind.INVOICE, answer)
        return await self._writer.finish(operation, created, 201, secret=parameters.client_secret(answer.data))

    async def _draft(self, operation: Operation, params: JsonView) -> StripeAnswer:
        """The operation's draft: created now, or found if it was created before."""
        if "invoice" in operation.progress:
            operation.subject = operation.progress["invoice"]
            return await self._gateway.get(f"/v1/invoices/{operation.subject}", parameters.SHOW_PAYMENTS)
        currency = await one_currency(self._database, self._gateway, params.get("items") or [], params.get("currency"))
        wanted = parameters.draft(params, self._days_until_due) | ({"currency": currency} if currency else {})
        with named_as(InvoiceCreate):
            answer = await self._steps.post(operation, "create", PATH, wanted)
        operation.subject = answer.data["id"]
        async with self._database.connection() as connection:
            await operation.advance(connection, invoice=operation.subject)
        return answer

    async def _add_lines(self, operation: Operation, wanted: Sequence[JsonView], *, pending: bool) -> StripeAnswer:
        """Add all items to the new draft in one call. With `pending` items in it, its lines do not show that it was made."""
        of = f"/v1/invoices/{operation.subject}"
        params = {"lines": [line(ItemCreate, item) for item in wanted], **parameters.SHOW_PAYMENTS}
        with blamed(wanted):
            done = None if pending else parameters.has_lines
            return await self._steps.post(operation, "items", f"{of}/add_lines", params, of=of, done=done)

    async def undo_create(self, operation: Operation, refusal: InvoicingError) -> None:
        """Delete the draft that `operation` created, if any. `refusal` is the operation's answer."""
        if operation.subject is None and not operation.fresh:
            operation.subject = operation.progress.get("invoice")
            operation.subject = operation.subject or await self._steps.made_by(operation, "create", PATH)
        if operation.subject is not None:
            async with self._database.connection() as connection:
                await operation.advance(connection, invoice=operation.subject, refusal=refusal.to_document())
            await self._discard(operation)

    async def _discard(self, operation: Operation) -> None:
        """Delete the operation's draft. If it is no draft any more, it stays."""
        with suppress(StripeInvalidRequest):
            await self._steps.delete(operation, f"/v1/invoices/{operation.subject}")
        await self._observe(operation)

    async def update_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Change a draft (InvoiceUpdate), or the metadata of a finalized invoice."""
        for name in TO_COME:
            operation.require_to_come(name, params.get(name), LONGEST_YEARS)
        act = parameters.needed_to_change(params)
        await self.require_act(operation, act)
        with named_as(InvoiceUpdate):
            return await self.act(operation, act or Act.UPDATE, "", stripe_parameters(InvoiceUpdate, params))

    async def delete_invoice(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a draft for good."""
        await self.require_act(operation, Act.DELETE)
        try:
            return await self._writer.delete(operation, Kind.INVOICE)
        except StripeInvalidRequest as error:
            await self.explain(operation, Act.DELETE, error)

    async def finalize_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Finalize a draft, so that it can be paid. The answer carries the client secret."""
        row = await self.require_act(operation, Act.FINALIZE)
        if not params.get("allow_empty"):
            await self._require_items(operation, row)
        await self._make_way(operation, row)
        try:
            with named_as(InvoiceFinalize):
                answer = await self._finalize_at_stripe(operation, stripe_parameters(InvoiceFinalize, params))
        except StripeInvalidRequest as error:
            await self.explain(operation, Act.FINALIZE, error)
        await self._follow_replaced(operation, answer)
        finalized = observation.snapshot_of(Kind.INVOICE, answer)
        return await self._writer.finish(operation, finalized, secret=parameters.client_secret(answer.data))

    async def _make_way(self, operation: Operation, draft: JsonView) -> None:
        """Call off the parts that payers of a replaced invoice began: Stripe voids no invoice while they wait."""
        document = msgspec.json.decode(draft["document"] or "{}")
        if draft["status"] == InvoiceStatus.DRAFT and (replaced := document.get("from_invoice")):
            await parts.call_off(self._database, self._gateway, self._steps, operation, of=replaced)

    async def _follow_replaced(self, operation: Operation, finalized: StripeAnswer) -> None:
        """Take over the invoice that a finalized revision replaces: Stripe voided it. If that fails, its events tell."""
        replaced = parameters.replaced_by(finalized.data)
        if replaced:
            with suppress(InvoicingError):
                subject = Subject(Kind.INVOICE, replaced)
                await observation.take_over(self._database, self._gateway, subject, str(operation.id))

    async def _finalize_at_stripe(self, operation: Operation, wanted: JsonView) -> StripeAnswer:
        of = f"/v1/invoices/{operation.subject}"
        path, done = f"{of}/finalize", parameters.shows(Act.FINALIZE)
        answer = await self._steps.post(
            operation, "finalize", path, {**wanted, **parameters.SHOW_SECRET}, of=of, done=done
        )
        operation.progress["secret_of"] = operation.subject
        return answer

    async def send_invoice(self, operation: Operation, _params: JsonView) -> Answer:
        """Have Stripe email the invoice. A draft is finalized first."""
        await self._require_finalizable(operation, Act.SEND)
        return await self.act(operation, Act.SEND, "/send", {})

    async def pay_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Pay with a payment method on file, or record a payment out of band (InvoicePay)."""
        await self._require_finalizable(operation, Act.PAY)
        try:
            with named_as(InvoicePay):
                return await self.act(operation, Act.PAY, "/pay", stripe_parameters(InvoicePay, params))
        except StripeInvalidRequest:
            await self.methods.look_again(params.get("payment_method"), operation)
            raise

    async def require_final(self, invoice_id: str) -> None:
        """Raise InvalidState for a draft: to finalize it is the merchant's, so its customer cannot pay it yet."""
        row = await require_row(self._database, invoices, invoice_id)
        if row["status"] == InvoiceStatus.DRAFT:
            raise InvalidState(
                "The invoice is a draft, which may still change: it can be paid once the merchant has finalized it.",
                extra={"invoice_status": row["status"]},
            )

    async def void_invoice(self, operation: Operation, _params: JsonView) -> Answer:
        """Void an invoice: it no longer has to be paid."""
        await self.require_act(operation, Act.VOID)
        await parts.call_off(self._database, self._gateway, self._steps, operation)
        return await self.act(operation, Act.VOID, "/void", {})

    async def mark_uncollectible(self, operation: Operation, _params: JsonView) -> Answer:
        """Write an invoice off. It can still be paid."""
        await self.require_act(operation, Act.MARK_UNCOLLECTIBLE)
        await parts.call_off(self._database, self._gateway, self._steps, operation)
        return await self.act(operation, Act.MARK_UNCOLLECTIBLE, "/mark_uncollectible", {})

    async def act(
        self, operation: Operation, act: Act, suffix: str, params: JsonView, *, status: int = 200, done: Done | None = None
    ) -> Answer:  # fmt: skip
        """Do `act` at Stripe and answer with the invoice. `done` tells whether it was done, if the status does not."""
        answer = await self.at_stripe(operation, act, suffix, params, done=done)
        return await self.finish(operation, answer, status)

    async def finish(self, operation: Operation, answer: StripeAnswer, status: int = 200) -> Answer:
        """Answer with the invoice as Stripe answered it."""
        return await self._writer.finish(operation, observation.snapshot_of(Kind.INVOICE, answer), status)

    async def at_stripe(
        self, operation: Operation, act: Act, suffix: str, params: JsonView, *, done: Done | None = None,
        step: str | None = None,
    ) -> StripeAnswer:  # fmt: skip
        """Do `act`, or one `step` of it, at Stripe. Raises InvalidState if the invoice does not allow it any more."""
        of = f"/v1/invoices/{operation.subject}"
        asked = {**params, **parameters.SHOW_PAYMENTS}
        try:
            answer = await self._steps.post(
                operation, step or act.value, f"{of}{suffix}", asked, of=of, done=done or parameters.shows(act)
            )
            if act is Act.PAY and answer.looked_up:
                await self._require_payment(answer)
        except (PaymentFailed, PaymentActionRequired):
            await self._observe(operation)
            raise
        except StripeInvalidRequest as error:
            await self.explain(operation, act, error)
        if act in FINALIZING:
            await self._follow_replaced(operation, answer)
        return answer

    async def _require_payment(self, paying: StripeAnswer) -> None:
        """Raise what Stripe's answer to `pay` was, if the attempt was found later and did not pay."""
        intent_id = observation.snapshot_of(Kind.INVOICE, paying).payment_intent
        if intent_id and paying.data["status"] != InvoiceStatus.PAID:
            problem = problem_of(await observation.payment_intent(self._gateway, intent_id))
            if problem:
                raise problem

    async def require_act(self, operation: Operation, act: Act | None) -> JsonObject:
        """The invoice as known here. Raises NotFound, and InvalidState if `act` is not allowed.

        A continued operation is not checked, because it may have done the act already.
        """
        invoice_id = str(operation.subject)
        row = await require_row(self._database, invoices, invoice_id, or_deleted=not operation.fresh)
        if act and operation.fresh:
            if act is Act.VOID:
                row = await reopened(self._database, self._gateway, row, str(operation.id))
            require(act, row["status"])
        return row

    async def _require_finalizable(self, operation: Operation, act: Act) -> None:
        """Check `act`, which finalizes a draft on its way, and make way for a revision."""
        row = await self.require_act(operation, act)
        await self._require_items(operation, row)
        await self._make_way(operation, row)

    async def _require_items(self, operation: Operation, row: JsonView) -> None:
        """Raise NothingToBill if a draft has no items at Stripe. A draft of some amount has some: Stripe is not asked."""
        if not operation.fresh or row["status"] != InvoiceStatus.DRAFT or row["subtotal"]:
            return
        with suppress(StripeInvalidRequest):  # the act itself says what is wrong
            draft = (await self._gateway.get(f"/v1/invoices/{row['id']}")).data
            if draft["status"] == InvoiceStatus.DRAFT and not draft["lines"]["data"]:
                raise NothingToBill(NO_ITEMS)

    async def explain(self, operation: Operation, act: Act, error: StripeInvalidRequest) -> NoReturn:
        """Raise InvalidState if Stripe's state of the invoice forbids `act`, otherwise Stripe's refusal."""
        status = await self._observe(operation)
        if status is None:
            raise NotFound(f"The invoice {operation.subject!r} is gone at Stripe.") from error
        with error.explained():
            require(act, status)
        raise error

    async def _observe(self, operation: Operation) -> str | None:
        """Update our rows from Stripe. Returns the invoice's status; None if it is gone."""
        observed = await observation.observe(self._gateway, Subject(Kind.INVOICE, str(operation.subject)))
        await self._writer.write(observed, str(operation.id))
        return None if observed.deleted else observed.row["status"]


class OfInvoices(AtStripe):
    """The base of further use cases of invoices."""

    def __init__(self, invoices: Invoices) -> None:
        super().__init__(invoices.writer)
        self._invoices = invoices
