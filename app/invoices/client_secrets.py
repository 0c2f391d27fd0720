"""The client secrets of invoices, with which a front end confirms a payment. They are asked of Stripe, and stored nowhere."""

from uuid import uuid4

from app.db.engine import Database
from app.db.rows import require_row
from app.db.schema import invoices
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject
from app.idempotency.operations import Answer
from app.invoices import parameters
from app.invoices.joined import Joined
from app.payments.lookup import intent_of, reopened
from app.projection import mirrored_rows, observation
from app.projection.unit_of_work import Subject
from app.stripe.client import Answer as StripeAnswer
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind

LOOKED_UP = "client secret"
"""What is put down beside the changes that are seen when a client secret is asked for."""


class ClientSecrets:
    """Finds client secrets. Requests for the same invoice at the same time share one look-up."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._looking_up = Joined(self._look_up)
        self._taking_over = Joined(self._take_over)

    async def of_invoice(self, invoice_id: str) -> JsonObject:
        """The invoice's secret and PaymentIntent, asked of Stripe at each call.

        If Stripe's invoice differs from ours, ours is updated, so that the page shows the amount that will be charged.
        Raises NotFound, and InvalidState if the invoice cannot be paid that way.
        """
        row = await require_row(self._database, invoices, invoice_id)
        row = await reopened(self._database, self._gateway, row, LOOKED_UP)
        require(Act.CLIENT_SECRET, row["status"])
        answer = await self._looking_up.ask(invoice_id)
        taken = observation.snapshot_of(Kind.INVOICE, answer)
        if not taken.version.same_content(mirrored_rows.version_of(Kind.INVOICE, row)):
            await self._taking_over.ask(invoice_id)
        require(Act.CLIENT_SECRET, answer.data["status"])
        link = taken.payment_intent
        return {"client_secret": parameters.client_secret(answer.data), "payment_intent": link or row["payment_intent"]}

    async def save_payment_method(self, invoice_id: str) -> None:
        """Have Stripe save what an open invoice is paid with, so that its customer can be charged later.

        Raises NotFound, InvalidState if the invoice cannot be paid, and StripeInvalidRequest if none of its payment methods can
        be saved.
        """
        require(Act.CLIENT_SECRET, (await require_row(self._database, invoices, invoice_id))["status"])
        if intent := await intent_of(self._database, self._gateway, invoice_id, LOOKED_UP):
            path, saved = f"/v1/payment_intents/{intent}", {"setup_future_usage": "off_session"}
            await self._gateway.post(path, saved, key=f"inv-save-{uuid4().hex}")

    async def of_answer(self, answer: Answer) -> dict[str, str | None]:
        """The field `client_secret` of `answer`, where it has one. For a replay it is fetched from Stripe again."""
        if answer.secret_of is None:
            return {}
        secret = answer.secret
        if answer.replayed:
            invoice = (await self._look_up(answer.secret_of)).data
            secret = parameters.client_secret(invoice) if invoice["status"] == InvoiceStatus.OPEN else None
        return {"client_secret": secret}

    async def _look_up(self, invoice_id: str) -> StripeAnswer:
        return await self._gateway.get(f"/v1/invoices/{invoice_id}", parameters.SHOW_SECRET)

    async def _take_over(self, invoice_id: str) -> bool:
        return await observation.take_over(self._database, self._gateway, Subject(Kind.INVOICE, invoice_id), LOOKED_UP)
