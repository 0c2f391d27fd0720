"""The use cases of payments beside the one that Stripe makes with an invoice: PaymentIntents, and payments made elsewhere."""

from datetime import datetime

from app.domain.errors import NotFound, StripeInvalidRequest
from app.domain.invoice import Act
from app.domain.json import JsonObject, JsonView
from app.idempotency.operations import Answer, Operation
from app.idempotency.traces import OPERATION
from app.invoices import parameters
from app.invoices.parameters import SHOW_PAYMENTS
from app.invoices.service import OfInvoices
from app.payments import statements
from app.projection import observation
from app.stripe.mapping import Kind

RECORDS = "/v1/payment_records"
OURS = {
    "amount_requested[value]": "amount",
    "initiated_at": "initiated_at",
    "guaranteed[guaranteed_at]": "initiated_at",
}
"""Our fields of a payment that is reported, by Stripe's parameters."""


class Attachments(OfInvoices):
    async def attach_payment(self, operation: Operation, params: JsonView) -> Answer:
        """Let a payment of the caller's pay the invoice, or a part of it (PaymentAttach).

        One that was made elsewhere may be described instead of named: then its payment record is made first.
        """
        invoice = await self._invoices.require_act(operation, Act.ATTACH_PAYMENT)
        if described := params.get("payment_record_data"):
            wanted = {"payment_record": await self._report(operation, invoice, described)}
        else:
            wanted = {name: params[name] for name in ("payment_intent", "payment_record") if name in params}
        (payment_id,) = wanted.values()
        done = parameters.is_paid_by(payment_id)
        return await self._invoices.act(operation, Act.ATTACH_PAYMENT, "/attach_payment", wanted, done=done)

    async def _report(self, operation: Operation, invoice: JsonView, described: JsonView) -> str:
        """Make the payment record of a payment that was made elsewhere. Its parameters are recorded before Stripe is asked."""
        if "report" not in operation.progress:
            async with self._database.connection() as connection:
                await operation.advance(connection, report=_record(operation, invoice, described))
        try:
            answer = await self._steps.post(
                operation, "create", f"{RECORDS}/report_payment", operation.progress["report"]
            )
        except StripeInvalidRequest as error:
            error.param = f"payment_record_data.{OURS[error.param]}" if error.param in OURS else error.param
            raise
        return str(answer.data["id"])

    async def report_payment_record(self, operation: Operation, params: JsonView) -> Answer:
        """Report what became of a payment that was made elsewhere (PaymentRecordReport), and follow the invoice."""
        await self._invoices.require_act(operation, None)
        record, outcome = params["payment_record"], params["outcome"]
        async with self._database.connection() as connection:
            if not await statements.has_record(connection, str(operation.subject), record):
                raise NotFound(f"The invoice {operation.subject!r} has no payment record {record!r}.")
        at = datetime.fromisoformat(params["at"]) if "at" in params else operation.created_at
        await self._steps.post(
            operation,
            "report",
            f"{RECORDS}/{record}/report_payment_attempt_{outcome}",
            {f"{outcome}_at": int(at.timestamp())},
            of=f"{RECORDS}/{record}",
            done=lambda now: now[f"amount_{outcome}"]["value"] > 0,
        )
        answer = await self._gateway.get(f"/v1/invoices/{operation.subject}", SHOW_PAYMENTS)
        return await self._writer.finish(operation, observation.snapshot_of(Kind.INVOICE, answer))


def _record(operation: Operation, invoice: JsonView, described: JsonView) -> JsonObject:
    """The Stripe parameters of a payment record. By OPERATION it is found again, because no event tells of it."""
    at = described.get("initiated_at")
    seconds = int((datetime.fromisoformat(at) if at else operation.created_at).timestamp())
    wanted: JsonObject = {
        "amount_requested": {
            "value": described.get("amount", invoice["amount_remaining"]),
            "currency": invoice["currency"],
        },
        "initiated_at": seconds,
        "customer_details": {"customer": invoice["customer"]},
        "payment_method_details": {"type": "custom", "custom": {"display_name": described["display_name"]}},
        "metadata": {OPERATION: str(operation.id)},
    }
    if "payment_reference" in described:
        reference = {"payment_reference": described["payment_reference"]}
        wanted["processor_details"] = {"type": "custom", "custom": reference}
    if "description" in described:
        wanted["description"] = described["description"]
    if described.get("guaranteed", True):
        wanted |= {"outcome": "guaranteed", "guaranteed": {"guaranteed_at": seconds}}
    return wanted
