"""`/v1/payment_methods`: cards and bank accounts. `billing.methods` makes them."""

from offline_stripe.billing.methods import attach_method, describe_account, method_from, resolve_method
from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.publishable import FROM_STRIPE_JS
from offline_stripe.resources.fields import require_known
from offline_stripe.shapes import customers as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_payment_method(call: Call) -> Document:
    return method_from(call.tx, call.params)


def _method(call: Call) -> Document:
    return resolve_method(call.tx, call.path["id"], status=404)


def retrieve_payment_method(call: Call) -> Document:
    return _method(call)


def update_payment_method(call: Call) -> Document:
    method, params = _method(call), call.params
    with updating(call.tx, "payment_method.updated", method):
        if "metadata" in params:
            method["metadata"] = merged_metadata(method["metadata"], params["metadata"])
        if "billing_details" in params:
            sent = params["billing_details"]
            merged = {**method["billing_details"], **sent}
            method["billing_details"] = shapes.billing_details(merged)
        if "allow_redisplay" in params:
            method["allow_redisplay"] = params["allow_redisplay"]
        for name in ("exp_month", "exp_year"):
            if name in params.get("card", {}):
                method["card"][name] = params["card"][name]
        if "us_bank_account" in params and method["type"] == "us_bank_account":
            describe_account(method, params["us_bank_account"])
    return method


def list_payment_methods(call: Call) -> Page:
    require_known(call.tx, call.params, "customer")
    filters = Filters().equal("customer", call.params.get("customer")).equal("type", call.params.get("type"))
    filters.equal("allow_redisplay", call.params.get("allow_redisplay"))
    if "customer" not in call.params:
        filters.present("customer")
    return list_documents(call.tx, "payment_method", call.params, filters, "/v1/payment_methods")


def attach_payment_method(call: Call) -> Document:
    method = _method(call)
    customer = call.tx.need("customer", call.params.get("customer", ""), param="customer")
    attach_method(call.tx, method, customer)
    return method


def detach_payment_method(call: Call) -> Document:
    tx, method = call.tx, _method(call)
    if method["customer"] is None:
        raise invalid_request(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    owner = tx.get("customer", method["customer"])
    previous = {"customer": method["customer"]}
    method |= {"customer": None, "_spent": True}
    tx.save(method)
    tx.emit("payment_method.detached", {k: v for k, v in method.items() if k[0] != "_"}, previous)
    if owner is not None and owner["invoice_settings"]["default_payment_method"] == method["id"]:
        with updating(tx, "customer.updated", owner):
            owner["invoice_settings"]["default_payment_method"] = None
    return method


_DETAILS = (
    "allow_redisplay billing_details card{cvc exp_month exp_year number token} metadata sepa_debit{iban}"
    " type=card|sepa_debit|us_bank_account"
    " us_bank_account{account_holder_type account_number account_type routing_number}"
)
ROUTES = (
    Route(
        "POST",
        "/v1/payment_methods",
        create_payment_method,
        "PaymentMethodCreateParams",
        takes=_DETAILS,
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route(
        "GET",
        "/v1/payment_methods",
        list_payment_methods,
        "PaymentMethodListParams",
        takes=f"{PAGE} allow_redisplay customer type",
    ),
    Route("GET", "/v1/payment_methods/{id}", retrieve_payment_method, "PaymentMethodRetrieveParams", takes=""),
    Route(
        "POST",
        "/v1/payment_methods/{id}",
        update_payment_method,
        "PaymentMethodUpdateParams",
        takes="allow_redisplay billing_details card{exp_month exp_year} metadata"
        " us_bank_account{account_holder_type account_type}",
    ),
    Route(
        "POST",
        "/v1/payment_methods/{id}/attach",
        attach_payment_method,
        "PaymentMethodAttachParams",
        takes="customer",
    ),
    Route("POST", "/v1/payment_methods/{id}/detach", detach_payment_method, "PaymentMethodDetachParams", takes=""),
)
