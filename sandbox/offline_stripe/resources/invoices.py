"""`/v1/invoices`: drafts, and each step from there to paid, void or uncollectible.

The rules are in `billing`; lines have their own module.
"""

from offline_stripe.billing import attaching, closing, collection
from offline_stripe.billing.discounts import DISCOUNTS
from offline_stripe.billing.drafting import AUTOMATIC_TAX, PAYMENT_SETTINGS, apply_changes, open_draft, own_method
from offline_stripe.billing.finalization import finalize
from offline_stripe.billing.rendering import RENDERING
from offline_stripe.billing.revision import revise
from offline_stripe.billing.sending import send
from offline_stripe.billing.shipping import SHIPPING_COST
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import deleted, refuse_unknown_references, require_known
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request, parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_ALWAYS = frozenset({"metadata", "expand"})


def create_invoice(call: Call) -> Document:
    tx, params = call.tx, call.params
    if "from_invoice" in params:
        return revise(tx, params)
    if "customer" not in params:
        raise parameter_missing("customer")
    refuse_unknown_references(params)
    customer = tx.need("customer", params["customer"], param="customer")
    draft = open_draft(tx, params, customer)
    recompute(tx, draft)
    announce(tx, "invoice.created", draft)
    return draft


def invoice_at(call: Call, param: str) -> Document:
    return call.tx.need("invoice", call.path["id"], param=param, status=404)


def retrieve_invoice(call: Call) -> Document:
    return invoice_at(call, "invoice")


def update_invoice(call: Call) -> Document:
    tx, params, invoice = call.tx, call.params, invoice_at(call, "id")
    refuse_unknown_references(params)
    if invoice["status"] != "draft":
        _require_editable(call, invoice)
    with updating(tx, "invoice.updated", invoice):
        if invoice["status"] == "draft":
            apply_changes(tx, invoice, params)
            recompute(tx, invoice)
        else:
            _update_finalized(call, invoice)
    return invoice


def _require_editable(call: Call, invoice: Document) -> None:
    switches, allowed = call.tx.switches, set(_ALWAYS)
    if invoice["status"] == "open" and switches.open_auto_advance_editable:
        allowed.add("auto_advance")
    if invoice["status"] == "open" and switches.payment_settings_editable_when_open:
        allowed |= {"payment_settings", "default_payment_method"}
    refused = [name for name in call.params if name not in allowed]
    if refused:
        raise invalid_request("Finalized invoices can't be updated in this way", param=refused[0])


def _update_finalized(call: Call, invoice: Document) -> None:
    tx, params = call.tx, call.params
    if "metadata" in params:
        invoice["metadata"] = merged_metadata(invoice["metadata"], params["metadata"])
    if "payment_settings" in params:
        invoice["payment_settings"] |= {k: v or None for k, v in params["payment_settings"].items()}
    if "default_payment_method" in params:
        invoice["default_payment_method"] = own_method(tx, invoice, params["default_payment_method"])
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
        invoice["next_payment_attempt"] = None
        tx.unschedule("collect", invoice["id"])
        if params["auto_advance"] and invoice["collection_method"] == "charge_automatically":
            invoice["next_payment_attempt"] = tx.now + tx.switches.auto_charge_delay_s
            tx.schedule("collect", invoice["id"], invoice["next_payment_attempt"])


def list_invoices(call: Call) -> Page:
    require_known(call.tx, call.params, "customer")
    refuse_unknown_references(call.params)
    params = call.params
    filters = Filters()
    for name in ("customer", "status", "collection_method"):
        filters.equal(name, params.get(name))
    filters.within("created", params.get("created")).within("due_date", params.get("due_date"))
    return list_documents(call.tx, "invoice", params, filters, "/v1/invoices")


def search_invoices(call: Call) -> Page:
    return search_documents(call.tx, "invoice", call.params, "/v1/invoices/search")


def delete_invoice(call: Call) -> Document:
    invoice = invoice_at(call, "invoice")
    closing.delete_draft(call.tx, invoice)
    return deleted(invoice)


def finalize_invoice(call: Call) -> Document:
    invoice = invoice_at(call, "id")
    finalize(call.tx, invoice, auto_advance=call.params.get("auto_advance"))
    return invoice


def send_invoice(call: Call) -> Document:
    invoice = invoice_at(call, "invoice")
    send(call.tx, invoice)
    return invoice


def pay_invoice(call: Call) -> Document:
    tx, invoice = call.tx, invoice_at(call, "id")
    if invoice["status"] == "draft":
        finalize(tx, invoice)
        if invoice["status"] == "paid":
            return invoice
    if call.params.get("paid_out_of_band"):
        collection.pay_out_of_band(tx, invoice)
        return invoice
    refuse_unknown_references(call.params)
    error = collection.pay(tx, invoice, call.params)
    if error is not None:
        raise error
    return invoice


def attach_payment(call: Call) -> Document:
    invoice = invoice_at(call, "invoice")
    attaching.attach(call.tx, invoice, call.params)
    return invoice


def void_invoice(call: Call) -> Document:
    invoice = invoice_at(call, "id")
    closing.void(call.tx, invoice)
    return invoice


def mark_uncollectible(call: Call) -> Document:
    invoice = invoice_at(call, "id")
    closing.mark_uncollectible(call.tx, invoice)
    return invoice


_DRAFT = (
    f"account_tax_ids {AUTOMATIC_TAX} auto_advance automatically_finalizes_at collection_method custom_fields days_until_due default_payment_method"
    f" default_source default_tax_rates description {DISCOUNTS} due_date effective_at footer issuer{{type=self}} metadata number"
    f" {PAYMENT_SETTINGS} {RENDERING} shipping_cost{{{SHIPPING_COST}}} shipping_details"
    " statement_descriptor"
)
ROUTES = (
    Route(
        "POST",
        "/v1/invoices",
        create_invoice,
        "InvoiceCreateParams",
        takes=f"{_DRAFT} currency customer from_invoice pending_invoice_items_behavior subscription",
    ),
    Route(
        "GET",
        "/v1/invoices",
        list_invoices,
        "InvoiceListParams",
        takes=f"{PAGE} collection_method created customer due_date status subscription",
    ),
    Route("GET", "/v1/invoices/search", search_invoices, "InvoiceSearchParams", takes="limit page query"),
    Route("GET", "/v1/invoices/{id}", retrieve_invoice, "InvoiceRetrieveParams", takes=""),
    Route("POST", "/v1/invoices/{id}", update_invoice, "InvoiceUpdateParams", takes=_DRAFT),
    Route("DELETE", "/v1/invoices/{id}", delete_invoice, "InvoiceDeleteParams", takes=""),
    Route("POST", "/v1/invoices/{id}/finalize", finalize_invoice, "InvoiceFinalizeInvoiceParams", takes="auto_advance"),
    Route("POST", "/v1/invoices/{id}/send", send_invoice, "InvoiceSendInvoiceParams", takes=""),
    Route(
        "POST",
        "/v1/invoices/{id}/pay",
        pay_invoice,
        "InvoicePayParams",
        takes="off_session paid_out_of_band payment_method source",
    ),
    Route(
        "POST",
        "/v1/invoices/{id}/attach_payment",
        attach_payment,
        "InvoiceAttachPaymentParams",
        takes="payment_intent payment_record",
    ),
    Route("POST", "/v1/invoices/{id}/void", void_invoice, "InvoiceVoidInvoiceParams", takes=""),
    Route(
        "POST", "/v1/invoices/{id}/mark_uncollectible", mark_uncollectible, "InvoiceMarkUncollectibleParams", takes=""
    ),
)
