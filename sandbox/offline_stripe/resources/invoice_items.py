"""`/v1/invoiceitems`: charges that wait for an invoice or are on a draft.

There is no `invoiceitem.updated` event; a draft's change is announced as `invoice.updated`.
"""

from offline_stripe.billing.items import (
    ITEM,
    PRICE_DATA,
    attach,
    change_item,
    detach,
    line_of,
    make_item,
    require_draft,
    require_room,
)
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import deleted, refuse_unknown_references, require_known
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_invoice_item(call: Call) -> Document:
    tx, params = call.tx, call.params
    if "customer" not in params:
        raise parameter_missing("customer")
    refuse_unknown_references(params)
    customer = tx.need("customer", params["customer"], param="customer")
    if "invoice" not in params:
        item = make_item(tx, params, customer, None)
        announce(tx, "invoiceitem.created", item)
        return item
    invoice = tx.need("invoice", params["invoice"], param="invoice")
    require_draft(invoice)
    require_room(tx, invoice, 1)
    item = make_item(tx, params, customer, invoice)
    with updating(tx, "invoice.updated", invoice):
        attach(tx, item, invoice)
        announce(tx, "invoiceitem.created", item)
        recompute(tx, invoice)
    return item


def _item(call: Call) -> Document:
    return call.tx.need("invoiceitem", call.path["id"], param="invoiceitem", status=404)


def retrieve_invoice_item(call: Call) -> Document:
    return _item(call)


def update_invoice_item(call: Call) -> Document:
    tx, item = call.tx, _item(call)
    if item["invoice"] is None:
        change_item(tx, item, call.params)
        return item
    invoice = tx.need("invoice", item["invoice"], param="invoice")
    require_draft(invoice)
    with updating(tx, "invoice.updated", invoice):
        change_item(tx, item, call.params)
        recompute(tx, invoice)
    return item


def list_invoice_items(call: Call) -> Page:
    require_known(call.tx, call.params, "customer", "invoice")
    params = call.params
    filters = Filters().equal("customer", params.get("customer")).equal("invoice", params.get("invoice"))
    filters.within("date", params.get("created"))
    if params.get("pending") is not None:
        filters = filters.absent("invoice") if params["pending"] else filters.present("invoice")
    return list_documents(call.tx, "invoiceitem", params, filters, "/v1/invoiceitems")


def delete_invoice_item(call: Call) -> Document:
    tx, item = call.tx, _item(call)
    line = line_of(tx, item)
    if line is None:
        announce(tx, "invoiceitem.deleted", item)
        tx.remove(item)
        return deleted(item)
    invoice = tx.need("invoice", item["invoice"], param="invoice")
    require_draft(invoice)
    with updating(tx, "invoice.updated", invoice):
        announce(tx, "invoiceitem.deleted", item)
        detach(tx, line, keep_item=False)
        recompute(tx, invoice)
    return deleted(item)


_ITEM = f"{ITEM} price_data{{{PRICE_DATA}}} pricing unit_amount_decimal"
ROUTES = (
    Route(
        "POST",
        "/v1/invoiceitems",
        create_invoice_item,
        "InvoiceItemCreateParams",
        takes=f"{_ITEM} tax_behavior currency customer invoice subscription",
    ),
    Route(
        "GET",
        "/v1/invoiceitems",
        list_invoice_items,
        "InvoiceItemListParams",
        takes=f"{PAGE} created customer invoice pending",
    ),
    Route("GET", "/v1/invoiceitems/{id}", retrieve_invoice_item, "InvoiceItemRetrieveParams", takes=""),
    Route("POST", "/v1/invoiceitems/{id}", update_invoice_item, "InvoiceItemUpdateParams", takes=_ITEM),
    Route("DELETE", "/v1/invoiceitems/{id}", delete_invoice_item, "InvoiceItemDeleteParams", takes=""),
)
