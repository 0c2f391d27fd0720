"""Refunds of invoices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import REFUND
from app.domain.refund import RefundStatus
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import IdQuery, InvoiceId, ReferenceQuery, RefundId
from app.http.problems import STATE
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute
from app.refunds.schemas import RefundCreate, RefundRead, RefundsMade
from app.refunds.service import Refunds

RefundsDep = Annotated[Refunds, Depends(service(Refunds))]
router = APIRouter(prefix="/v1", tags=["refunds"], route_class=AuthorizedRoute)

REFUSALS = ("nothing_to_refund", "refund_too_large", "payment_disputed", "invoice_busy")


class RefundsQuery(Paging):
    """Which refunds are listed."""

    invoice: IdQuery = None
    payment_intent: IdQuery = None
    status: RefundStatus | None = None
    reference: ReferenceQuery = None


@router.post("/invoices/{invoice_id}/refunds", **creating(RefundsMade, "reference_taken", *REFUSALS, *STATE))
async def create_refund(
    invoice_id: InvoiceId, refunds: RefundsDep, write: WriteDep, body: RefundCreate | None = None
) -> Response:
    """Refund what was paid: an amount or all that is left, of one payment or of the newest ones."""
    return await write.run(refunds.create_refund, body.params() if body else {}, invoice_id)


@router.get("/refunds", **listing(RefundRead, RefundsQuery))
async def list_refunds(request: Request) -> Response:
    """List refunds, newest first, whoever made them."""
    return await many(request, REFUND, read(request, RefundsQuery))


@router.get("/refunds/{refund_id}", **reading(RefundRead))
async def get_refund(refund_id: RefundId, request: Request) -> Response:
    """Read a refund."""
    return await one(request, REFUND, refund_id)


@router.post("/refunds/{refund_id}/cancel", **writing(RefundRead, *STATE))
async def cancel_refund(refund_id: RefundId, refunds: RefundsDep, write: WriteDep) -> Response:
    """Cancel a refund that waits for the customer to say where the money goes."""
    return await write.run(refunds.cancel_refund, {}, refund_id)
