"""`/v1/refunds`: money given back. The rules are in `billing.refunding`."""

from sandbox.billing.refunding import refund_charge
from sandbox.documents import Document
from sandbox.presentation import updating
from sandbox.store.listing import Filters, Page, list_documents
from sandbox.store.transaction import merged_metadata
from sandbox.wire.errors import invalid_request
from sandbox.wire.routing import Call, Route


def create_refund(call: Call) -> Document:
    params = call.params
    return refund_charge(
        call.tx,
        _charge_named(call),
        params.get("amount"),
        reason=params.get("reason"),
        instructions_email=params.get("instructions_email"),
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
    with updating(call.tx, "refund.updated", refund):
        if "metadata" in call.params:
            refund["metadata"] = merged_metadata(refund["metadata"], call.params["metadata"])
    return refund


def list_refunds(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("_link", params.get("charge")).equal("payment_intent", params.get("payment_intent"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "refund", params, filters, "/v1/refunds")


def cancel_refund(call: Call) -> Document:
    """Only a refund that waits for the customer can be canceled, and the sandbox's never do."""
    refund = _refund(call)
    raise invalid_request(f"You cannot cancel a refund with a status of {refund['status']}.")


ROUTES = (
    Route("POST", "/v1/refunds", create_refund, "RefundCreateParams"),
    Route("GET", "/v1/refunds", list_refunds, "RefundListParams"),
    Route("GET", "/v1/refunds/{id}", retrieve_refund, "RefundRetrieveParams"),
    Route("POST", "/v1/refunds/{id}", update_refund, "RefundUpdateParams"),
    Route("POST", "/v1/refunds/{id}/cancel", cancel_refund, "RefundCancelParams"),
)
