"""`/v1/invoices/create_preview`: the totals of an invoice, without creating it.

The preview is a real draft that is rolled back, so that the two cannot differ.
"""

from offline_stripe.billing.discounts import DISCOUNTS
from offline_stripe.billing.drafting import AUTOMATIC_TAX, open_draft
from offline_stripe.billing.items import ITEM, PRICE_DATA, attach, change_item, make_item
from offline_stripe.billing.numbering import new_prefix
from offline_stripe.billing.tax_ids import add_tax_id
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import show
from offline_stripe.resources.fields import refuse_unknown_references
from offline_stripe.shapes import customers as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import resource_missing
from offline_stripe.wire.routing import Call, Route

_CARRIED = ("currency", "discounts", "automatic_tax", "issuer")


def create_preview(call: Call) -> Document:
    tx, params = call.tx, call.params
    refuse_unknown_references(params)
    with tx.pretending():
        customer = _customer(tx, params)
        carried: Document = {name: params[name] for name in _CARRIED if name in params}
        draft = open_draft(tx, {**carried, "pending_invoice_items_behavior": "include"}, customer)
        draft["billing_reason"] = "upcoming"
        for sent in params.get("invoice_items", []):
            _preview_item(tx, sent, customer, draft)
        recompute(tx, draft)
        shown = show(tx, draft)
    identifier = tx.new_id("upcoming_in")
    for line in shown["lines"]["data"]:
        line["invoice"] = identifier
    shown["lines"]["url"] = f"/v1/invoices/{identifier}/lines"
    return {**shown, "id": identifier, "_shown": True}


def _customer(tx: Transaction, params: Document) -> Document:
    details = params.get("customer_details", {})
    if "customer" in params:
        customer = tx.need("customer", params["customer"], param="customer")
    else:
        customer = tx.add(shapes.customer(id=tx.new_id("cus"), created=tx.now, invoice_prefix=new_prefix(tx)))
    if "address" in details:
        customer["address"] = shapes.address(details["address"] or None)
    if "shipping" in details:
        customer["shipping"] = shapes.shipping(details["shipping"] or None)
    for tax_id in details.get("tax_ids", []):
        add_tax_id(tx, tax_id["type"], tax_id["value"], customer, param="customer_details[tax_ids]")
    customer["tax_exempt"] = details.get("tax_exempt") or customer["tax_exempt"]
    return customer


def _preview_item(tx: Transaction, sent: Document, customer: Document, draft: Document) -> None:
    described = {key: value for key, value in sent.items() if key not in {"price", "unit_amount", "invoiceitem"}}
    if "price" in sent:
        described["pricing"] = {"price": sent["price"]}
    if "unit_amount" in sent:
        described["unit_amount_decimal"] = sent["unit_amount"]
    if "invoiceitem" not in sent:
        attach(tx, make_item(tx, described, customer, draft), draft)
        return
    item = tx.get("invoiceitem", sent["invoiceitem"])
    if item is None or item["invoice"] != draft["id"]:
        raise resource_missing("invoiceitem", sent["invoiceitem"], param="invoice_items")
    change_item(tx, item, described)


_PREVIEW = (
    f"{AUTOMATIC_TAX} schedule subscription"
    f" currency customer customer_details{{address shipping tax_exempt tax_ids{{type value}}}} {DISCOUNTS} issuer{{type=self}}"
    f" invoice_items{{{ITEM} currency invoiceitem price price_data{{{PRICE_DATA}}} tax_behavior unit_amount unit_amount_decimal}}"
)
ROUTES = (Route("POST", "/v1/invoices/create_preview", create_preview, "InvoiceCreatePreviewParams", takes=_PREVIEW),)
