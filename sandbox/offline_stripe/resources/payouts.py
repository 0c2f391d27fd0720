"""`/v1/payouts`: money on its way to the account's bank. The rules are in `billing.payouts`."""

from offline_stripe.billing import payouts
from offline_stripe.billing.currencies import check_currency
from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_payout(call: Call) -> Document:
    params = call.params
    if params["amount"] < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    return payouts.pay_out(
        call.tx,
        amount=params["amount"],
        currency=check_currency(params["currency"]),
        description=params.get("description"),
        metadata=merged_metadata({}, params.get("metadata", {})),
        statement_descriptor=params.get("statement_descriptor"),
    )


def _payout(call: Call) -> Document:
    return call.tx.need("payout", call.path["id"], param="payout", status=404)


def retrieve_payout(call: Call) -> Document:
    return _payout(call)


def update_payout(call: Call) -> Document:
    payout = _payout(call)
    with updating(call.tx, "payout.updated", payout):
        if "metadata" in call.params:
            payout["metadata"] = merged_metadata(payout["metadata"], call.params["metadata"])
    return payout


def cancel_payout(call: Call) -> Document:
    payout = _payout(call)
    payouts.cancel(call.tx, payout)
    return payout


def list_payouts(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("status", params.get("status")).within("created", params.get("created"))
    filters.within("arrival_date", params.get("arrival_date"))
    return list_documents(call.tx, "payout", params, filters, "/v1/payouts")


ROUTES = (
    Route(
        "POST",
        "/v1/payouts",
        create_payout,
        "PayoutCreateParams",
        "amount currency description metadata method=standard statement_descriptor",
    ),
    Route("GET", "/v1/payouts", list_payouts, "PayoutListParams", PAGE + "arrival_date created status"),
    Route("GET", "/v1/payouts/{id}", retrieve_payout, "PayoutRetrieveParams", ""),
    Route("POST", "/v1/payouts/{id}", update_payout, "PayoutUpdateParams", "metadata"),
    Route("POST", "/v1/payouts/{id}/cancel", cancel_payout, "PayoutCancelParams", ""),
)
