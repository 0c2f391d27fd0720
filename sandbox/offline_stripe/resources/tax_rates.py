"""`/v1/tax_rates`: percentages for invoices and their items.

A percentage never changes; a rate is archived with `active=false`.
"""

from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import apply_fields
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_FIELDS = ("active", "country", "description", "display_name", "jurisdiction", "state", "tax_type")
_WHOLE = 100


def create_tax_rate(call: Call) -> Document:
    tx, params = call.tx, call.params
    if not 0 <= params["percentage"] <= _WHOLE:
        raise invalid_request("Tax rate percentage must be between 0 and 100.", param="percentage")
    rate = shapes.tax_rate(
        id=tx.new_id("txr"),
        created=tx.now,
        inclusive=params["inclusive"],
        percentage=params["percentage"],
        metadata=merged_metadata({}, params.get("metadata", {})),
    )
    apply_fields(rate, params, _FIELDS)
    tx.add(rate)
    announce(tx, "tax_rate.created", rate)
    return rate


def _rate(call: Call) -> Document:
    return call.tx.need("tax_rate", call.path["id"], param="tax_rate", status=404)


def retrieve_tax_rate(call: Call) -> Document:
    return _rate(call)


def update_tax_rate(call: Call) -> Document:
    rate = _rate(call)
    with updating(call.tx, "tax_rate.updated", rate):
        apply_fields(rate, call.params, _FIELDS)
        if "metadata" in call.params:
            rate["metadata"] = merged_metadata(rate["metadata"], call.params["metadata"])
    return rate


def list_tax_rates(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("active", params.get("active")).equal("inclusive", params.get("inclusive"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "tax_rate", params, filters, "/v1/tax_rates")


_RATE = "active country description display_name jurisdiction metadata state tax_type"
ROUTES = (
    Route("POST", "/v1/tax_rates", create_tax_rate, "TaxRateCreateParams", takes=f"{_RATE} inclusive percentage"),
    Route("GET", "/v1/tax_rates", list_tax_rates, "TaxRateListParams", takes=f"{PAGE} active created inclusive"),
    Route("GET", "/v1/tax_rates/{id}", retrieve_tax_rate, "TaxRateRetrieveParams", takes=""),
    Route("POST", "/v1/tax_rates/{id}", update_tax_rate, "TaxRateUpdateParams", takes=_RATE),
)
