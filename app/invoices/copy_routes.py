"""Before an invoice is sent: previews, revisions and copies."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.http.dependencies import JSON, WriteDep, service
from app.http.parameters import InvoiceId
from app.http.problems import BODY, STATE, STRIPE, WRITE, answers
from app.http.routing import AuthorizedRoute
from app.invoices.copies import Copies
from app.invoices.copy_schemas import InvoiceCopy, InvoiceRevise
from app.invoices.preview_schemas import InvoicePreview, InvoicePreviewed
from app.invoices.previews import Previews
from app.invoices.read_schemas import InvoiceRead, InvoiceWithSecret
from app.invoices.routes import with_secret

CopiesDep = Annotated[Copies, Depends(service(Copies))]
router = APIRouter(prefix="/v1/invoices", tags=["invoices"], route_class=AuthorizedRoute)


@router.post("/preview", response_model=InvoicePreviewed, responses=answers(*BODY, *STRIPE))
async def preview_invoice(body: InvoicePreview, previews: Annotated[Previews, Depends(service(Previews))]) -> Response:
    """What an invoice would cost, with its taxes and discounts, as Stripe computes it now. Nothing is stored."""
    return Response(await previews.preview(body.params()), media_type=JSON)


@router.post(
    "/{invoice_id}/revise",
    status_code=201,
    response_model=InvoiceRead,
    responses=answers("reference_taken", *STATE, *WRITE),
)
async def revise_invoice(
    invoice_id: InvoiceId, copies: CopiesDep, write: WriteDep, body: InvoiceRevise | None = None
) -> Response:
    """Make a draft that replaces an open or uncollectible invoice, which Stripe voids when the draft is finalized."""
    return await write.run(copies.revise_invoice, body.params() if body else {}, invoice_id)


@router.post(
    "/{invoice_id}/copy",
    status_code=201,
    response_model=InvoiceWithSecret,
    responses=answers("nothing_to_bill", "reference_taken", *STATE, *WRITE),
)
async def copy_invoice(
    invoice_id: InvoiceId, copies: CopiesDep, write: WriteDep, body: InvoiceCopy | None = None
) -> Response:
    """Make a draft with the items of another invoice, of any status. Its number and its payments are not copied."""
    answer = await write.answer(copies.copy_invoice, body.params() if body else {}, invoice_id)
    return await with_secret(write, answer)
