"""The payments of an invoice: what was paid, what came back of it, and payments that are attached."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.engine import Database
from app.db.resources import INVOICE
from app.http.dependencies import JSON, WriteDep, service, service_of
from app.http.parameters import InvoiceId
from app.http.problems import STATE, WRITE, answers
from app.http.reads import require_known
from app.http.routing import AuthorizedRoute
from app.invoices import payments
from app.invoices.payment_schemas import InvoicePaymentsRead, PaymentAttach
from app.invoices.read_schemas import InvoiceRead
from app.invoices.service import Invoices

router = APIRouter(prefix="/v1/invoices/{invoice_id}", tags=["payments"], route_class=AuthorizedRoute)


@router.get("/payments", response_model=InvoicePaymentsRead, responses=answers("not_found"))
async def list_invoice_payments(invoice_id: InvoiceId, request: Request) -> Response:
    """All payments of an invoice, newest first, each with its refunds and disputes. Payments out of band are not listed."""
    await require_known(request, INVOICE, invoice_id)
    async with service_of(request, Database).connection() as connection:
        return Response(await payments.read(connection, invoice_id), media_type=JSON)


@router.post("/attach-payment", response_model=InvoiceRead, responses=answers(*STATE, *WRITE))
async def attach_payment(
    invoice_id: InvoiceId,
    body: PaymentAttach,
    invoices: Annotated[Invoices, Depends(service(Invoices))],
    write: WriteDep,
) -> Response:
    """Let a PaymentIntent of yours pay the invoice, or a part of it. One that succeeded already counts at once."""
    return await write.run(invoices.attach_payment, body.params(), invoice_id)
