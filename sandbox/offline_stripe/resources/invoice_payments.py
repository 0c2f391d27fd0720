"""`/v1/invoice_payments`: which payments belong to which invoice, and detaching one.

A PaymentIntent does not name its invoice.
"""

from typing import TypedDict

from offline_stripe.billing.detaching import detach
from offline_stripe.documents import Document
from offline_stripe.resources.fields import require_known
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


class InvoiceDetachPaymentParams(TypedDict, total=False):
    """Stripe's preview of 2026-01-28."""

    expand: list[str]
    payment_intent: str


def retrieve_invoice_payment(call: Call) -> Document:
    return call.tx.need("invoice_payment", call.path["id"], param="invoice_payment", status=404)


def list_invoice_payments(call: Call) -> Page:
    require_known(call.tx, call.params, "invoice")
    params = call.params
    filters = Filters().equal("invoice", params.get("invoice")).equal("status", params.get("status"))
    filters.within("created", params.get("created"))
    payment = params.get("payment")
    if payment:
        kind = payment["type"]
        if kind == "payment_intent" and kind not in payment:
            raise parameter_missing("payment[payment_intent]")
        filters.equal("payment.type", kind)
        if kind in payment:
            filters.equal("_link", call.tx.need(kind, payment[kind], param=f"payment[{kind}]")["id"])
    return list_documents(call.tx, "invoice_payment", params, filters, "/v1/invoice_payments")


def detach_payment(call: Call) -> Document:
    invoice = call.tx.need("invoice", call.path["id"], param="invoice", status=404)
    if "payment_intent" not in call.params:
        raise parameter_missing("payment_intent")
    intent = call.tx.need("payment_intent", call.params["payment_intent"], param="payment_intent")
    detach(call.tx, invoice, intent)
    return invoice


ROUTES = (
    Route(
        "POST",
        "/v1/invoices/{id}/detach_payment",
        detach_payment,
        InvoiceDetachPaymentParams,
        takes="payment_intent",
    ),
    Route(
        "GET",
        "/v1/invoice_payments",
        list_invoice_payments,
        "InvoicePaymentListParams",
        takes=f"{PAGE} created invoice payment{{payment_intent payment_record type}} status",
    ),
    Route("GET", "/v1/invoice_payments/{id}", retrieve_invoice_payment, "InvoicePaymentRetrieveParams", takes=""),
)
