"""`/v1/charges`: money taken, or tried to take. Only descriptions and metadata can change."""

from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.resources.fields import apply_fields, require_known
from offline_stripe.shapes.customers import shipping
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def _charge(call: Call) -> Document:
    return call.tx.need("charge", call.path["id"], param="charge", status=404)


def retrieve_charge(call: Call) -> Document:
    return _charge(call)


def update_charge(call: Call) -> Document:
    charge = _charge(call)
    with updating(call.tx, "charge.updated", charge):
        apply_fields(charge, call.params, ("description", "receipt_email", "transfer_group"))
        if "fraud_details" in call.params:
            charge["fraud_details"] = {k: v for k, v in (call.params["fraud_details"] or {}).items() if v}
        if "shipping" in call.params:
            charge["shipping"] = shipping(call.params["shipping"] or None)
        if "metadata" in call.params:
            charge["metadata"] = merged_metadata(charge["metadata"], call.params["metadata"])
    return charge


def list_charges(call: Call) -> Page:
    require_known(call.tx, call.params, "customer", "payment_intent")
    params = call.params
    filters = Filters().equal("customer", params.get("customer")).equal("_link", params.get("payment_intent"))
    filters.equal("transfer_group", params.get("transfer_group"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "charge", params, filters, "/v1/charges")


def search_charges(call: Call) -> Page:
    return search_documents(call.tx, "charge", call.params, "/v1/charges/search")


ROUTES = (
    Route(
        "GET",
        "/v1/charges",
        list_charges,
        "ChargeListParams",
        takes=f"{PAGE} created customer payment_intent transfer_group",
    ),
    Route("GET", "/v1/charges/search", search_charges, "ChargeSearchParams", takes="limit page query"),
    Route("GET", "/v1/charges/{id}", retrieve_charge, "ChargeRetrieveParams", takes=""),
    Route(
        "POST",
        "/v1/charges/{id}",
        update_charge,
        "ChargeUpdateParams",
        takes="description fraud_details metadata receipt_email shipping transfer_group",
    ),
)
