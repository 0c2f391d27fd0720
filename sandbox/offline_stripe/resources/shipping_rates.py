"""`/v1/shipping_rates`: what shipping costs. An amount never changes; a rate is archived with `active=false`."""

from offline_stripe.billing.shipping import RATE, change_options, make_rate
from offline_stripe.documents import Document
from offline_stripe.resources.fields import apply_fields
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_rate(call: Call) -> Document:
    return make_rate(call.tx, call.params)


def _rate(call: Call) -> Document:
    return call.tx.need("shipping_rate", call.path["id"], param="shipping_rate", status=404)


def retrieve_rate(call: Call) -> Document:
    return _rate(call)


def update_rate(call: Call) -> Document:
    tx, params, rate = call.tx, call.params, _rate(call)
    behavior = params.get("tax_behavior", rate["tax_behavior"])
    if rate["tax_behavior"] not in {"unspecified", behavior}:
        raise invalid_request(
            "The tax behavior of a shipping rate cannot be changed once it is set.", param="tax_behavior"
        )
    apply_fields(rate, params, ("active", "tax_behavior"))
    rate["_options"][rate["fixed_amount"]["currency"]]["tax_behavior"] = rate["tax_behavior"]
    if "metadata" in params:
        rate["metadata"] = merged_metadata(rate["metadata"], params["metadata"])
    change_options(tx, rate, params.get("fixed_amount", {}).get("currency_options", {}))
    return rate


def list_rates(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("active", params.get("active")).equal("fixed_amount.currency", params.get("currency"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "shipping_rate", params, filters, "/v1/shipping_rates")


ROUTES = (
    Route("POST", "/v1/shipping_rates", create_rate, "ShippingRateCreateParams", RATE),
    Route("GET", "/v1/shipping_rates", list_rates, "ShippingRateListParams", PAGE + "active created currency"),
    Route("GET", "/v1/shipping_rates/{id}", retrieve_rate, "ShippingRateRetrieveParams", ""),
    Route(
        "POST",
        "/v1/shipping_rates/{id}",
        update_rate,
        "ShippingRateUpdateParams",
        "active fixed_amount{currency_options} metadata tax_behavior",
    ),
)
