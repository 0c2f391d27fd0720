"""`/v1/credit_notes`: credits on finalized invoices. `billing.crediting` computes the amounts."""

from offline_stripe.billing.crediting import issue, void_note
from offline_stripe.documents import Document
from offline_stripe.presentation import show, updating
from offline_stripe.resources.fields import apply_fields, require_known
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_credit_note(call: Call) -> Document:
    return issue(call.tx, call.params)


def preview_credit_note(call: Call) -> Document:
    """What would be issued; nothing is kept."""
    with call.tx.pretending():
        return {**show(call.tx, issue(call.tx, call.params)), "_shown": True}


def _note(call: Call) -> Document:
    return call.tx.need("credit_note", call.path["id"], param="id", status=404)


def retrieve_credit_note(call: Call) -> Document:
    return _note(call)


def update_credit_note(call: Call) -> Document:
    note = _note(call)
    with updating(call.tx, "credit_note.updated", note):
        apply_fields(note, call.params, ("memo",))
        if "metadata" in call.params:
            note["metadata"] = merged_metadata(note["metadata"], call.params["metadata"])
    return note


def list_credit_notes(call: Call) -> Page:
    require_known(call.tx, call.params, "customer", "invoice")
    params = call.params
    filters = Filters().equal("customer", params.get("customer")).equal("invoice", params.get("invoice"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "credit_note", params, filters, "/v1/credit_notes")


def list_credit_note_lines(call: Call) -> Page:
    note = _note(call)
    url = f"/v1/credit_notes/{note['id']}/lines"
    owner = Filters().equal("_link", note["id"])
    return list_documents(call.tx, "credit_note_line_item", call.params, owner, url, oldest_first=True)


def void_credit_note(call: Call) -> Document:
    note = _note(call)
    void_note(call.tx, note)
    return note


_NOTE = (
    "amount credit_amount effective_at invoice lines memo metadata out_of_band_amount reason refund_amount"
    " refunds{amount_refunded refund type=refund}"
)
ROUTES = (
    Route("POST", "/v1/credit_notes", create_credit_note, "CreditNoteCreateParams", takes=f"{_NOTE} email_type"),
    Route(
        "GET", "/v1/credit_notes", list_credit_notes, "CreditNoteListParams", takes=f"{PAGE} created customer invoice"
    ),
    Route("GET", "/v1/credit_notes/preview", preview_credit_note, "CreditNotePreviewParams", takes=_NOTE),
    Route("GET", "/v1/credit_notes/{id}", retrieve_credit_note, "CreditNoteRetrieveParams", takes=""),
    Route("POST", "/v1/credit_notes/{id}", update_credit_note, "CreditNoteUpdateParams", takes="memo metadata"),
    Route("GET", "/v1/credit_notes/{id}/lines", list_credit_note_lines, "CreditNoteLineItemListParams", takes=PAGE),
    Route("POST", "/v1/credit_notes/{id}/void", void_credit_note, "CreditNoteVoidCreditNoteParams", takes=""),
)
