"""Owns the use cases of invoices: from the draft to whatever ends it.

Each checks what is known here first, so that most illegal acts never reach Stripe; where Stripe knows better, the
answer names the state that Stripe has, and so do our rows from then on.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import msgspec

from app.db.engine import Database
from app.db.models import Invoice
from app.db.records import load
from app.domain.errors import (
    InvalidState,
    NotFound,
    PaymentActionRequired,
    PaymentFailed,
    Refused,
    StripeInvalidRequest,
)
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject, JsonView
from app.services import observing
from app.services.ledger import Subject
from app.services.operations import Answer, Operation
from app.services.pricing import line, one_currency
from app.services.writing import Writer, stripe_params
from app.stripe_gateway.client import Answer as StripeAnswer
from app.stripe_gateway.client import StripeGateway
from app.stripe_gateway.mapping import Kind

DRAFT_FIELDS = ("collection_method", "days_until_due", "auto_advance", "description", "footer", "custom_fields")
SHOW_PAYMENTS = {"expand": ["payments"]}
SHOW_SECRET = {"expand": ["payments", "confirmation_secret"]}


class Invoicing:
    """Use cases of invoices; parameters are those of the schema of the same name."""

    def __init__(self, database: Database, gateway: StripeGateway, writer: Writer) -> None:
        self._database = database
        self._gateway = gateway
        self._writer = writer

    async def create_invoice(self, operation: Operation, params: JsonView) -> None:
        """Create a draft with all its items, finalized if asked (InvoiceCreate); all of it or nothing of it."""
        await self._writer.claim_reference(operation, Kind.INVOICE, params)
        wanted_items = params.get("items") or []
        currency = await one_currency(self._database, wanted_items, params.get("currency"))
        if "invoice" not in operation.progress:
            wanted = _draft(params) | ({"currency": currency} if currency else {})
            answer = await self._gateway.post("/v1/invoices", wanted, key=operation.stripe_key("create"))
            operation.subject = answer.data["id"]
            async with self._database.connection() as connection:
                await operation.advance(connection, invoice=operation.subject)
        else:
            operation.subject = operation.progress["invoice"]
            answer = await self._gateway.get(f"/v1/invoices/{operation.subject}", SHOW_PAYMENTS)
        try:
            if wanted_items:
                answer = await self._add_lines(operation, wanted_items)
            if params.get("finalize"):
                answer = await self._finalize_at_stripe(operation)
        except Refused:
            await self._discard(operation)
            raise
        await self._writer.finish(operation, observing.snapshot_of(Kind.INVOICE, answer), 201)

    async def _add_lines(self, operation: Operation, wanted: Sequence[JsonView]) -> StripeAnswer:
        """Give the fresh draft all its items in one call."""
        path = f"/v1/invoices/{operation.subject}/add_lines"
        params = {"lines": [line(item) for item in wanted], **SHOW_PAYMENTS}
        return await self._gateway.post(path, params, key=operation.stripe_key("items"))

    async def _discard(self, operation: Operation) -> None:
        """Delete a draft that could not be completed, so that no debris stays at Stripe."""
        try:
            await self._gateway.delete(f"/v1/invoices/{operation.subject}")
        except StripeInvalidRequest as error:
            if not observing.is_gone(error):
                raise
        await self._observe(operation)

    async def update_invoice(self, operation: Operation, params: JsonView) -> None:
        """Change a draft (InvoiceUpdate); of a finalized invoice only the metadata."""
        await self.require_act(operation, Act.UPDATE if set(params) - {"metadata"} else None)
        await self.act(operation, Act.UPDATE, "", stripe_params(params, *DRAFT_FIELDS) | _due(params))

    async def delete_invoice(self, operation: Operation, _params: JsonView) -> None:
        """Delete a draft; it is gone for good."""
        await self.require_act(operation, Act.DELETE)
        try:
            await self._writer.delete(operation, Kind.INVOICE)
        except StripeInvalidRequest as error:
            await self._explain(operation, Act.DELETE, error)

    async def finalize_invoice(self, operation: Operation, _params: JsonView) -> None:
        """Finalize a draft: from now on it can be paid; the answer carries the client secret."""
        await self.require_act(operation, Act.FINALIZE)
        try:
            answer = await self._finalize_at_stripe(operation)
        except StripeInvalidRequest as error:
            await self._explain(operation, Act.FINALIZE, error)
        await self._writer.finish(operation, observing.snapshot_of(Kind.INVOICE, answer))

    async def _finalize_at_stripe(self, operation: Operation) -> StripeAnswer:
        path = f"/v1/invoices/{operation.subject}/finalize"
        answer = await self._gateway.post(path, SHOW_SECRET, key=operation.stripe_key("finalize"))
        operation.secret = _client_secret(answer.data)
        operation.progress["secret_of"] = operation.subject
        return answer

    async def send_invoice(self, operation: Operation, _params: JsonView) -> None:
        """Have Stripe email the invoice; a draft is finalized first."""
        await self.require_act(operation, Act.SEND)
        await self.act(operation, Act.SEND, "/send", {})

    async def pay_invoice(self, operation: Operation, params: JsonView) -> None:
        """Pay by a payment method on file, or record that it was paid out of band (InvoicePay)."""
        await self.require_act(operation, Act.PAY)
        await self.act(operation, Act.PAY, "/pay", stripe_params(params, "payment_method", "paid_out_of_band"))

    async def void_invoice(self, operation: Operation, _params: JsonView) -> None:
        """Void an invoice: nobody owes it any more."""
        await self.require_act(operation, Act.VOID)
        await self.act(operation, Act.VOID, "/void", {})

    async def mark_uncollectible(self, operation: Operation, _params: JsonView) -> None:
        """Write an invoice off; it can still be paid."""
        await self.require_act(operation, Act.MARK_UNCOLLECTIBLE)
        await self.act(operation, Act.MARK_UNCOLLECTIBLE, "/mark_uncollectible", {})

    async def act(self, operation: Operation, act: Act, suffix: str, params: JsonView, *, status: int = 200) -> None:
        """Do `act` at Stripe and write the invoice it answers through."""
        path = f"/v1/invoices/{operation.subject}{suffix}"
        try:
            answer = await self._gateway.post(path, {**params, **SHOW_PAYMENTS}, key=operation.stripe_key(act.value))
        except (PaymentFailed, PaymentActionRequired):
            await self._observe(operation)
            raise
        except StripeInvalidRequest as error:
            await self._explain(operation, act, error)
        await self._writer.finish(operation, observing.snapshot_of(Kind.INVOICE, answer), status)

    async def require_act(self, operation: Operation, act: Act | None) -> JsonObject:
        """The invoice as known here. Raises NotFound, or InvalidState where `act` is not allowed.

        An operation that is continued may have done the act already, and then the state is its own doing.
        """
        invoice_id = str(operation.subject)
        async with self._database.connection() as connection:
            row = (await load(connection, Invoice, [invoice_id])).get(invoice_id)
        if row is None or (row["deleted_at"] and operation.fresh):
            raise NotFound(f"There is no invoice {invoice_id!r}.")
        if act and operation.fresh:
            require(act, row["status"])
        return row

    async def _explain(self, operation: Operation, act: Act, error: StripeInvalidRequest) -> NoReturn:
        """Raise what Stripe's refusal means: the invoice's state where that forbids `act`, else the refusal itself."""
        status = await self._observe(operation)
        if status is None:
            raise NotFound(f"The invoice {operation.subject!r} is gone at Stripe.") from error
        try:
            require(act, status)
        except InvalidState as state:
            state.stripe = error.stripe
            raise state from error
        raise error

    async def _observe(self, operation: Operation) -> str | None:
        """Take over what Stripe has of the invoice; its status, or None where it is gone."""
        observed = await observing.observe(self._gateway, Subject(Kind.INVOICE, str(operation.subject)))
        await self._writer.write(observed)
        return None if observed.deleted else observed.row["status"]

    async def client_secret(self, invoice_id: str) -> JsonObject:
        """The secret with which a front end may confirm the payment, asked of Stripe at every call.

        Raises NotFound, InvalidState where the invoice cannot be paid that way.
        """
        async with self._database.connection() as connection:
            row = (await load(connection, Invoice, [invoice_id])).get(invoice_id)
        if row is None or row["deleted_at"]:
            raise NotFound(f"There is no invoice {invoice_id!r}.")
        require(Act.CLIENT_SECRET, row["status"])
        answer = await self._gateway.get(f"/v1/invoices/{invoice_id}", SHOW_SECRET)
        require(Act.CLIENT_SECRET, answer.data["status"])
        link = observing.snapshot_of(Kind.INVOICE, answer).payment_intent
        return {"client_secret": _client_secret(answer.data), "payment_intent": link or row["payment_intent"]}

    async def reveal(self, answer: Answer) -> str:
        """The body of `answer` with the client secret it promises, asked of Stripe again where it is a replay."""
        if answer.secret_of is None:
            return answer.body
        secret = answer.secret
        if answer.replayed:
            invoice = (await self._gateway.get(f"/v1/invoices/{answer.secret_of}", SHOW_SECRET)).data
            secret = _client_secret(invoice) if invoice["status"] == InvoiceStatus.OPEN else None
        return f'{answer.body[:-1]},"client_secret":{msgspec.json.encode(secret).decode()}}}'


def _draft(params: JsonView) -> JsonObject:
    """The Stripe parameters of a new draft; what the caller did not say, Stripe takes from the customer."""
    wanted = stripe_params(params, "customer", *DRAFT_FIELDS) | _due(params)
    return wanted | {"pending_invoice_items_behavior": "exclude"}


def _due(params: JsonView) -> JsonObject:
    due_at = params.get("due_at")
    return {"due_date": int(datetime.fromisoformat(due_at).timestamp())} if due_at else {}


def _client_secret(invoice: Mapping[str, JsonObject | None]) -> str | None:
    secret = invoice.get("confirmation_secret")
    return secret["client_secret"] if secret else None
