"""`/v1/invoices/{id}/lines`, and the calls that add, change and remove several lines at once.

Each line of a manual invoice stands for one invoice item.
"""

from offline_stripe.billing.items import (
    ITEM,
    PRICE_DATA,
    attach,
    change_item,
    detach,
    item_of,
    make_item,
    require_draft,
    require_room,
)
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.invoices import invoice_at
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def add_lines(call: Call) -> Document:
    tx, invoice = call.tx, invoice_at(call, "invoice")
    require_draft(invoice)
    require_room(tx, invoice, len(call.params["lines"]))
    customer = tx.need("customer", invoice["customer"], param="customer")
    with updating(tx, "invoice.updated", invoice):
        for index, sent in enumerate(call.params["lines"]):
            _add_line(tx, sent, index, customer, invoice)
        _finish(call, invoice)
    return invoice


def _add_line(tx: Transaction, sent: Document, index: int, customer: Document, invoice: Document) -> None:
    if "invoice_item" not in sent:
        item = make_item(tx, sent, customer, invoice)
        attach(tx, item, invoice)
        announce(tx, "invoiceitem.created", item)
        return
    item = tx.need("invoiceitem", sent["invoice_item"], param=f"lines[{index}][invoice_item]")
    if item["invoice"] is not None:
        raise invalid_request(
            "The invoice item is already attached to an invoice.", param=f"lines[{index}][invoice_item]"
        )
    change_item(tx, item, {key: value for key, value in sent.items() if key != "invoice_item"})
    attach(tx, item, invoice)


def _finish(call: Call, invoice: Document) -> None:
    if "invoice_metadata" in call.params:
        invoice["metadata"] = merged_metadata(invoice["metadata"], call.params["invoice_metadata"])
    recompute(call.tx, invoice)


def _line(tx: Transaction, invoice: Document, identifier: str, param: str, status: int = 400) -> Document:
    line = tx.get("line_item", identifier)
    if line is None or line["invoice"] != invoice["id"]:
        raise resource_missing("line_item", identifier, param=param, status=status)
    return line


def update_lines(call: Call) -> Document:
    tx, invoice = call.tx, invoice_at(call, "invoice")
    require_draft(invoice)
    with updating(tx, "invoice.updated", invoice):
        for index, sent in enumerate(call.params["lines"]):
            line = _line(tx, invoice, sent["id"], f"lines[{index}][id]")
            change_item(tx, item_of(tx, line), {key: value for key, value in sent.items() if key != "id"})
        _finish(call, invoice)
    return invoice


def remove_lines(call: Call) -> Document:
    tx, invoice = call.tx, invoice_at(call, "invoice")
    require_draft(invoice)
    with updating(tx, "invoice.updated", invoice):
        for index, sent in enumerate(call.params["lines"]):
            line = _line(tx, invoice, sent["id"], f"lines[{index}][id]")
            item = item_of(tx, line)
            if sent["behavior"] == "delete":
                announce(tx, "invoiceitem.deleted", item)
            detach(tx, line, keep_item=sent["behavior"] == "unassign")
        _finish(call, invoice)
    return invoice


def update_line(call: Call) -> Document:
    tx, invoice = call.tx, invoice_at(call, "invoice")
    line = _line(tx, invoice, call.path["line"], "line_item_id", 404)
    require_draft(invoice)
    with updating(tx, "invoice.updated", invoice):
        change_item(tx, item_of(tx, line), call.params)
        recompute(tx, invoice)
    return line


def list_lines(call: Call) -> Page:
    invoice = invoice_at(call, "invoice")
    filters = Filters().equal("invoice", invoice["id"])
    url = f"/v1/invoices/{invoice['id']}/lines"
    oldest_first = not call.tx.switches.lines_newest_first
    return list_documents(call.tx, "line_item", call.params, filters, url, oldest_first=oldest_first)


_LINE = (
    f"{ITEM} price_data{{{PRICE_DATA} product_data{{description images metadata name tax_code unit_label}}}} pricing"
    " tax_amounts"
)
ROUTES = (
    Route(
        "POST",
        "/v1/invoices/{id}/add_lines",
        add_lines,
        "InvoiceAddLinesParams",
        takes=f"invoice_metadata lines{{{_LINE} invoice_item}}",
    ),
    Route(
        "POST",
        "/v1/invoices/{id}/update_lines",
        update_lines,
        "InvoiceUpdateLinesParams",
        takes=f"invoice_metadata lines{{{_LINE} id}}",
    ),
    Route(
        "POST",
        "/v1/invoices/{id}/remove_lines",
        remove_lines,
        "InvoiceRemoveLinesParams",
        takes="invoice_metadata lines",
    ),
    Route("GET", "/v1/invoices/{id}/lines", list_lines, "InvoiceLineItemListParams", takes=PAGE),
    Route("POST", "/v1/invoices/{id}/lines/{line}", update_line, "InvoiceLineItemUpdateParams", takes=_LINE),
)
