"""Credit notes on finalized invoices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.credit_notes.schemas import CreditNoteCreate, CreditNotePreview, CreditNotePreviewed, CreditNoteRead
from app.credit_notes.service import CreditNotes
from app.db.resources import CREDIT_NOTE
from app.domain.credit_note import CreditNoteStatus
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import CreditNoteId, IdQuery, InvoiceId, ReferenceQuery
from app.http.problems import BODY, STATE, STRIPE, answers
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute

CreditNotesDep = Annotated[CreditNotes, Depends(service(CreditNotes))]
router = APIRouter(prefix="/v1", tags=["credit notes"], route_class=AuthorizedRoute)

REFUSALS = ("credit_too_large", "nothing_to_refund", "refund_too_large", "payment_disputed", "invoice_busy")


class CreditNotesQuery(Paging):
    """Which credit notes are listed."""

    invoice: IdQuery = None
    customer: IdQuery = None
    status: CreditNoteStatus | None = None
    reference: ReferenceQuery = None


@router.post("/invoices/{invoice_id}/credit-notes", **creating(CreditNoteRead, "reference_taken", *REFUSALS, *STATE))
async def create_credit_note(
    invoice_id: InvoiceId, body: CreditNoteCreate, notes: CreditNotesDep, write: WriteDep
) -> Response:
    """Issue a credit note: it takes off what is not paid yet, and gives back the rest as the body says."""
    return await write.run(notes.create_credit_note, body.params(), invoice_id)


@router.post("/invoices/{invoice_id}/credit-notes/preview", responses=answers(*STATE, *BODY, *STRIPE))
async def preview_credit_note(
    invoice_id: InvoiceId, body: CreditNotePreviewed, notes: CreditNotesDep
) -> CreditNotePreview:
    """What a credit note would be, as Stripe computes it now. Nothing is issued."""
    return CreditNotePreview.model_validate(await notes.preview(invoice_id, body.params()))


@router.get("/credit-notes", **listing(CreditNoteRead, CreditNotesQuery))
async def list_credit_notes(request: Request) -> Response:
    """List credit notes, newest first, whoever issued them."""
    return await many(request, CREDIT_NOTE, read(request, CreditNotesQuery))


@router.get("/credit-notes/{credit_note_id}", **reading(CreditNoteRead))
async def get_credit_note(credit_note_id: CreditNoteId, request: Request) -> Response:
    """Read a credit note."""
    return await one(request, CREDIT_NOTE, credit_note_id)


@router.post("/credit-notes/{credit_note_id}/void", **writing(CreditNoteRead, *STATE))
async def void_credit_note(credit_note_id: CreditNoteId, notes: CreditNotesDep, write: WriteDep) -> Response:
    """Void a credit note of an invoice that is not paid yet: what it took off is owed again."""
    return await write.run(notes.void_credit_note, {}, credit_note_id)
