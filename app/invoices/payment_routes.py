"""The payments of an invoice: what was paid, what came back of it, and payments that are attached."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.engine import Database
from app.db.resources import INVOICE
from app.http.dependencies import JSON, WriteDep, service, service_of, writing
from app.http.parameters import InvoiceId, PaymentRecordId
from app.http.problems import STATE, answers
from app.http.reads import require_known
from app.http.routing import AuthorizedRoute
from app.invoices import payments
from app.invoices.attachments import Attachments
from app.invoices.payment_intent_schemas import InvoicePaymentIntentRead, InvoicePaymentIntentUpdate
from app.invoices.payment_intents import PaymentIntents
from app.invoices.payment_schemas import InvoicePaymentsRead, PaymentAttach, PaymentRecordReport
from app.invoices.read_schemas import InvoiceRead

AttachmentsDep = Annotated[Attachments, Depends(service(Attachments))]
router = APIRouter(prefix="/v1/invoices/{invoice_id}", tags=["payments"], route_class=AuthorizedRoute)


@router.get("/payments", response_model=InvoicePaymentsRead, responses=answers("not_found"))
async def list_invoice_payments(invoice_id: InvoiceId, request: Request) -> Response:
    """All payments of an invoice, newest first, each with its refunds and disputes.

    An invoice that is only marked as paid out of band has none.
    """
    await require_known(request, INVOICE, invoice_id)
    async with service_of(request, Database).connection() as connection:
        return Response(await payments.read(connection, invoice_id), media_type=JSON)


@router.post("/attach-payment", **writing(InvoiceRead, *STATE))
async def attach_payment(
    invoice_id: InvoiceId, body: PaymentAttach, attachments: AttachmentsDep, write: WriteDep
) -> Response:
    """Let a PaymentIntent of yours, or a payment made elsewhere, pay the invoice or a part of it.

    A payment that has succeeded counts at once.
    """
    return await write.run(attachments.attach_payment, body.params(), invoice_id)


@router.post("/payment-records/{payment_record_id}/report", **writing(InvoiceRead, *STATE))
async def report_payment_record(
    invoice_id: InvoiceId,
    payment_record_id: PaymentRecordId,
    body: PaymentRecordReport,
    attachments: AttachmentsDep,
    write: WriteDep,
) -> Response:
    """Report the result of a payment made elsewhere that was not guaranteed yet. It counts once it is guaranteed."""
    params = body.params() | {"payment_record": payment_record_id}
    return await write.run(attachments.report_payment_record, params, invoice_id)


@router.patch("/payment-intent", **writing(InvoicePaymentIntentRead, *STATE))
async def update_payment_intent(
    invoice_id: InvoiceId,
    body: InvoicePaymentIntentUpdate,
    intents: Annotated[PaymentIntents, Depends(service(PaymentIntents))],
    write: WriteDep,
) -> Response:
    """Change what Stripe lets be changed of a finalized invoice's PaymentIntent. The invoice decides the rest."""
    return await write.run(intents.update_payment_intent, body.params(), invoice_id)
