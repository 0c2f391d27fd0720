"""Invoices: create, read, change, and everything that moves one forward."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from app.access.authentication import Authentication
from app.db.engine import Database
from app.db.resources import FULFILLMENT, INVOICE, OWN_CUSTOMER
from app.domain.access import require_own_payment
from app.fulfillment.schemas import FulfillmentRead
from app.http.dependencies import JSON, Write, WriteDep, caller_of, creating, json_answer, service, service_of, writing
from app.http.parameters import InvoiceId
from app.http.problems import BODY, STATE, STRIPE, answers
from app.http.queries import documented, read
from app.http.reads import listing, many, one, reading, unless_known
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted
from app.idempotency.operations import Answer
from app.invoices import export, stuck, timeline
from app.invoices.client_secrets import ClientSecrets
from app.invoices.copies import Copies
from app.invoices.hosted_pages import HostedPages
from app.invoices.preview_schemas import InvoicePreview, InvoicePreviewed
from app.invoices.previews import Previews
from app.invoices.queries import InvoicesFilter, InvoicesQuery
from app.invoices.read_schemas import ClientSecret, HostedPagesRead, InvoiceListed, InvoiceRead, InvoiceWithSecret
from app.invoices.schemas import InvoiceCopy, InvoiceCreate, InvoiceFinalize, InvoicePay, InvoiceRevise, InvoiceUpdate
from app.invoices.service import Invoices
from app.invoices.timeline_schemas import TimelineRead
from app.settings import Settings

InvoicesDep = Annotated[Invoices, Depends(service(Invoices))]
SecretsDep = Annotated[ClientSecrets, Depends(service(ClientSecrets))]
HostedPagesDep = Annotated[HostedPages, Depends(service(HostedPages))]
CopiesDep = Annotated[Copies, Depends(service(Copies))]
router = APIRouter(prefix="/v1/invoices", tags=["invoices"], route_class=AuthorizedRoute)
files = APIRouter(prefix="/v1", tags=["invoices"], route_class=AuthorizedRoute)
SAMPLE = "id,number,status,customer\r\nin_1PgF,XK4C7QPL-0001,open,cus_QXg1\r\n"


async def with_secret(write: Write, answer: Answer) -> Response:
    """The response of a write, with the client secret where it has one."""
    return json_answer(answer, **await service_of(write.request, ClientSecrets).of_answer(answer))


@router.post("", **creating(InvoiceWithSecret, "nothing_to_bill", "reference_taken"))
async def create_invoice(body: InvoiceCreate, invoices: InvoicesDep, write: WriteDep) -> Response:
    """Create a draft with all its items in one call, and finalize it if asked. If a part fails, nothing is left."""
    return await with_secret(write, await write.answer(invoices.create_invoice, body.params()))


@router.get("", **listing(InvoiceListed, InvoicesQuery))
async def list_invoices(request: Request) -> Response:
    """List invoices, newest first, as they are known here; Stripe is not asked."""
    asked = read(request, InvoicesQuery)
    if asked.stuck:
        async with service_of(request, Database).connection() as connection:
            return unless_known(request, await stuck.page(connection, asked, caller_of(request).customer))
    return await many(request, INVOICE, asked, stuck=None)


@router.get("/{invoice_id}", **reading(InvoiceRead))
async def get_invoice(invoice_id: InvoiceId, request: Request) -> Response:
    """Read an invoice with its items, as it is known here."""
    return await one(request, INVOICE, invoice_id)


@router.patch("/{invoice_id}", **writing(InvoiceRead, *STATE))
async def update_invoice(
    invoice_id: InvoiceId, body: InvoiceUpdate, invoices: InvoicesDep, write: WriteDep
) -> Response:
    """Change a draft. An open invoice can still change `auto_advance`, `default_payment_method` and `payment_settings`.

    `metadata` and `reminders` can change in every status.
    """
    return await write.run(invoices.update_invoice, body.params(), invoice_id)


@router.delete("/{invoice_id}", **writing(Deleted, *STATE))
async def delete_invoice(invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep) -> Response:
    """Delete a draft."""
    return await write.run(invoices.delete_invoice, {}, invoice_id)


@router.post("/{invoice_id}/finalize", **writing(InvoiceWithSecret, "nothing_to_bill", *STATE))
async def finalize_invoice(
    invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep, body: InvoiceFinalize | None = None
) -> Response:
    """Finalize a draft. The answer carries the client secret; an invoice over nothing is paid at once and has none."""
    answer = await write.answer(invoices.finalize_invoice, body.params() if body else {}, invoice_id)
    return await with_secret(write, answer)


@router.post("/{invoice_id}/send", **writing(InvoiceRead, "nothing_to_bill", *STATE))
async def send_invoice(invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep) -> Response:
    """Have Stripe email the invoice; a draft is finalized first."""
    return await write.run(invoices.send_invoice, {}, invoice_id)


@router.post(
    "/{invoice_id}/pay", **writing(InvoiceRead, "payment_failed", "payment_action_required", "nothing_to_bill", *STATE)
)
async def pay_invoice(
    invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep, body: InvoicePay | None = None
) -> Response:
    """Charge a payment method on file, or record a payment made out of band. A draft is finalized first, and charged."""
    params, caller = body.params() if body else {}, caller_of(write.request)
    require_own_payment(caller, out_of_band=bool(params.get("paid_out_of_band")))
    if caller.customer is not None:
        await invoices.require_final(invoice_id)
    return await write.run(invoices.pay_invoice, params, invoice_id)


@router.post("/{invoice_id}/void", **writing(InvoiceRead, *STATE))
async def void_invoice(invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep) -> Response:
    """Void an invoice: it is owed no more."""
    return await write.run(invoices.void_invoice, {}, invoice_id)


@router.post("/{invoice_id}/mark-uncollectible", **writing(InvoiceRead, *STATE))
async def mark_uncollectible(invoice_id: InvoiceId, invoices: InvoicesDep, write: WriteDep) -> Response:
    """Write an invoice off; it can still be paid."""
    return await write.run(invoices.mark_uncollectible, {}, invoice_id)


@router.get(
    "/{invoice_id}/client-secret", responses=answers(*STATE, "stripe_error", "stripe_unavailable", "stripe_timeout")
)
async def get_client_secret(
    invoice_id: InvoiceId,
    request: Request,
    secrets: SecretsDep,
    response: Response,
    save_payment_method: Annotated[  # noqa: FBT002 -- a query parameter
        bool, Query(description="Whether Stripe saves what the invoice is paid with, to charge the customer later.")
    ] = False,
) -> ClientSecret:
    """The client secret of an open invoice, asked of Stripe now; it is stored nowhere."""
    response.headers["Cache-Control"] = "no-store"
    caller = caller_of(request)
    if caller.customer is not None:
        await service_of(request, Authentication).limit_client_secrets(caller.id)
    if save_payment_method:
        await secrets.save_payment_method(invoice_id)
    found = await secrets.of_invoice(invoice_id)
    return ClientSecret(**found, publishable_key=service_of(request, Settings).stripe_publishable_key)


@router.get(
    "/{invoice_id}/hosted-pages", responses=answers("not_found", "stripe_error", "stripe_unavailable", "stripe_timeout")
)
async def get_hosted_pages(invoice_id: InvoiceId, request: Request, pages: HostedPagesDep) -> HostedPagesRead:
    """The addresses of Stripe's hosted page and PDF. They expire: if the stored ones are old, Stripe is asked for new ones."""
    caller = caller_of(request)
    if caller.customer is not None:
        await service_of(request, Authentication).limit_client_secrets(caller.id)
    return HostedPagesRead.model_validate(await pages.of(invoice_id))


@router.get("/{invoice_id}/fulfillment", **reading(FulfillmentRead))
async def get_fulfillment(invoice_id: InvoiceId, request: Request) -> Response:
    """Read the invoice's fulfillment."""
    return await one(request, FULFILLMENT, invoice_id, by="invoice")


@router.get("/{invoice_id}/timeline", response_model=TimelineRead, responses=answers("not_found"))
async def get_invoice_timeline(invoice_id: InvoiceId, request: Request) -> Response:
    """Why the invoice is unpaid, and everything that happened to it, oldest first."""
    async with service_of(request, Database).connection() as connection:
        return Response(await timeline.read(connection, invoice_id), media_type=JSON)


@router.post("/preview", response_model=InvoicePreviewed, responses=answers(*BODY, *STRIPE))
async def preview_invoice(body: InvoicePreview, previews: Annotated[Previews, Depends(service(Previews))]) -> Response:
    """What an invoice would cost, with its taxes and discounts, as Stripe computes it now. Nothing is stored."""
    return Response(await previews.preview(body.params()), media_type=JSON)


@router.post("/{invoice_id}/revise", **creating(InvoiceRead, "reference_taken", *STATE))
async def revise_invoice(
    invoice_id: InvoiceId, copies: CopiesDep, write: WriteDep, body: InvoiceRevise | None = None
) -> Response:
    """Make a draft that replaces an open or uncollectible invoice, which Stripe voids when the draft is finalized."""
    return await write.run(copies.revise_invoice, body.params() if body else {}, invoice_id)


@router.post("/{invoice_id}/copy", **creating(InvoiceWithSecret, "nothing_to_bill", "reference_taken", *STATE))
async def copy_invoice(
    invoice_id: InvoiceId, copies: CopiesDep, write: WriteDep, body: InvoiceCopy | None = None
) -> Response:
    """Make a draft with the items of another invoice, of any status. Its number and its payments are not copied."""
    answer = await write.answer(copies.copy_invoice, body.params() if body else {}, invoice_id)
    return await with_secret(write, answer)


@files.get(
    "/invoices.csv",
    response_class=Response,
    responses=answers() | {200: {"content": {"text/csv": {"schema": {"type": "string", "examples": [SAMPLE]}}}}},
    openapi_extra=documented(InvoicesFilter),
)
async def export_invoices(request: Request) -> Response:
    """Export invoices as CSV, with the filters and the order of the list.

    At most 100,000: the last line says if there were more.
    """
    wanted = dict(read(request, InvoicesFilter)) | {OWN_CUSTOMER: caller_of(request).customer}
    texts = export.lines(service_of(request, Database), wanted)
    return StreamingResponse(export.begun(await anext(texts), texts), headers=export.HEADERS, media_type=export.CSV)
