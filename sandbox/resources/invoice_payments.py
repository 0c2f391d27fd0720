"""`/v1/invoice_payments`: which payments belong to which invoice. A PaymentIntent does not name its invoice."""

from sandbox.documents import Document
from sandbox.store.listing import Filters, Page, list_documents
from sandbox.wire.errors import parameter_missing
from sandbox.wire.routing import Call, Route


def retrieve_invoice_payment(call: Call) -> Document:
    return call.tx.need("invoice_payment", call.path["id"], param="invoice_payment", status=404)


def list_invoice_payments(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("invoice", params.get("invoice")).equal("status", params.get("status"))
    filters.within("created", params.get("created"))
    payment = params.get("payment")
    if payment:
        if payment["type"] == "payment_intent" and "payment_intent" not in payment:
            raise parameter_missing("payment[payment_intent]")
        filters.equal("payment.type", payment["type"])
        if "payment_intent" in payment:
            call.tx.need("payment_intent", payment["payment_intent"], param="payment[payment_intent]")
            filters.equal("_link", payment["payment_intent"])
    return list_documents(call.tx, "invoice_payment", params, filters, "/v1/invoice_payments")


ROUTES = (
    Route("GET", "/v1/invoice_payments", list_invoice_payments, "InvoicePaymentListParams"),
    Route("GET", "/v1/invoice_payments/{id}", retrieve_invoice_payment, "InvoicePaymentRetrieveParams"),
)
