"""Payment links: make one for an open invoice, revoke one."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.http.dependencies import WriteDep, creating, json_answer, service, writing
from app.http.parameters import InvoiceId, LinkId
from app.http.problems import STATE
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted
from app.payment_links.schemas import PaymentLinkCreate, PaymentLinkRead
from app.payment_links.service import PaymentLinks

LinksDep = Annotated[PaymentLinks, Depends(service(PaymentLinks))]

router = APIRouter(prefix="/v1/invoices/{invoice_id}/payment-link", tags=["payment links"], route_class=AuthorizedRoute)


@router.post("", **creating(PaymentLinkRead, *STATE))
async def create_payment_link(
    invoice_id: InvoiceId, links: LinksDep, write: WriteDep, body: PaymentLinkCreate | None = None
) -> Response:
    """Make a signed link to the payment page of an open invoice, or of a draft with `allow_promotion_codes`.

    It is good until it expires or is revoked.
    """
    answer = await write.answer(links.create_payment_link, body.params() if body else {}, invoice_id)
    return json_answer(answer, url=links.address(answer))


@router.delete("/{link_id}", **writing(Deleted, "not_found"))
async def revoke_payment_link(invoice_id: InvoiceId, link_id: LinkId, links: LinksDep, write: WriteDep) -> Response:
    """Revoke a payment link; it opens nothing from now on. Its id is also the beginning of its token."""
    return await write.run(links.revoke_payment_link, {"link": link_id}, invoice_id)
