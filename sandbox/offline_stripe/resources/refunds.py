"""`/v1/refunds`: money given back. The rules are in `billing.refunding`."""

from offline_stripe.billing import refunding
from offline_stripe.billing.refunding import refund_charge, updating_refund
from offline_stripe.documents import Document
from offline_stripe.resources.fields import require_known
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_refund(call: Call) -> Document:
    params = call.params
    return refund_charge(
        call.tx,
        _charge_named(call),
        params.get("amount"),
        reason=params.get("reason"),
        **{name: params[name] for name in ("instructions_email",) if name in params},
        metadata=merged_metadata({}, params.get("metadata", {})),
    )


def _charge_named(call: Call) -> Document:
    tx, params = call.tx, call.params
    if "charge" in params:
        return tx.need("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise invalid_request(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    intent = tx.need("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise invalid_request(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return tx.need("charge", intent["latest_charge"], param="charge")


def _refund(call: Call) -> Document:
    return call.tx.need("refund", call.path["id"], param="refund", status=404)


def retrieve_refund(call: Call) -> Document:
    return _refund(call)


def update_refund(call: Call) -> Document:
    refund = _refund(call)
    with updating_refund(call.tx, refund):
        if "metadata" in call.params:
            refund["metadata"] = merged_metadata(refund["metadata"], call.params["metadata"])
    return refund


def list_refunds(call: Call) -> Page:
    require_known(call.tx, call.params, "charge", "payment_intent")
    tx, params = call.tx, call.params
    filters = Filters()
    for name, field in (("charge", "_link"), ("payment_intent", "payment_intent")):
        if name in params:
            filters.equal(field, tx.need(name, params[name], param=name)["id"])
    filters.within("created", params.get("created"))
    return list_documents(tx, "refund", params, filters, "/v1/refunds")


def cancel_refund(call: Call) -> Document:
    refund = _refund(call)
    refunding.cancel_refund(call.tx, refund)
    return refund


def expire_refund(call: Call) -> Document:
    """A test helper of Stripe's: the customer let the time for an action pass."""
    refund = _refund(call)
    if refund["status"] != "requires_action":
        raise invalid_request(f"You cannot expire a refund with a status of {refund['status']}.")
    refunding.settle_refund(call.tx, refund, "failed")
    return refund


ROUTES = (
    Route(
        "POST",
        "/v1/refunds",
        create_refund,
        "RefundCreateParams",
        "amount charge instructions_email metadata payment_intent reason",
    ),
    Route("GET", "/v1/refunds", list_refunds, "RefundListParams", PAGE + "charge created payment_intent"),
    Route("GET", "/v1/refunds/{id}", retrieve_refund, "RefundRetrieveParams", ""),
    Route("POST", "/v1/refunds/{id}", update_refund, "RefundUpdateParams", "metadata"),
    Route("POST", "/v1/refunds/{id}/cancel", cancel_refund, "RefundCancelParams", ""),
    Route("POST", "/v1/test_helpers/refunds/{id}/expire", expire_refund, "test_helpers.RefundExpireParams", ""),
)
