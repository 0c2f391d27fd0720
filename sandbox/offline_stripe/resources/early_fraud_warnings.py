"""`/v1/radar/early_fraud_warnings`: what card networks report. `billing.fraud_warnings` makes them."""

from offline_stripe.billing.fraud_warnings import KIND
from offline_stripe.documents import Document
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

PATH = "/v1/radar/early_fraud_warnings"


def retrieve_warning(call: Call) -> Document:
    return call.tx.need(KIND, call.path["id"], param="early_fraud_warning", status=404)


def list_warnings(call: Call) -> Page:
    tx, params = call.tx, call.params
    filters = Filters()
    for name, field in (("charge", "_link"), ("payment_intent", "payment_intent")):
        if name in params:
            filters.equal(field, tx.need(name, params[name], param=name)["id"])
    filters.within("created", params.get("created"))
    return list_documents(tx, KIND, params, filters, PATH)


ROUTES = (
    Route("GET", PATH, list_warnings, "radar.EarlyFraudWarningListParams", PAGE + "charge payment_intent created"),
    Route("GET", f"{PATH}/{{id}}", retrieve_warning, "radar.EarlyFraudWarningRetrieveParams", ""),
)
