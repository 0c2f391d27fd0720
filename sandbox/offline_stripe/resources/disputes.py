"""`/v1/disputes`: payments that a customer's bank takes back. The rules are in `billing.disputes`."""

from offline_stripe.billing.disputes import accept, add_evidence, require_open
from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.shapes.disputes import EVIDENCE_FILES, EVIDENCE_TEXTS
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

MOST_EVIDENCE = 150_000
_EVIDENCE = " ".join(EVIDENCE_TEXTS + EVIDENCE_FILES)


def _dispute(call: Call) -> Document:
    return call.tx.need("dispute", call.path["id"], param="dispute", status=404)


def retrieve_dispute(call: Call) -> Document:
    return _dispute(call)


def update_dispute(call: Call) -> Document:
    """Add evidence, which is submitted unless `submit` is false."""
    tx, params, dispute = call.tx, call.params, _dispute(call)
    require_open(dispute)
    with updating(tx, "charge.dispute.updated", dispute):
        if "metadata" in params:
            dispute["metadata"] = merged_metadata(dispute["metadata"], params["metadata"])
        if "evidence" in params or params.get("submit"):
            evidence = _evidence(params.get("evidence", {}))
            add_evidence(tx, dispute, evidence, submitted=params.get("submit", True))
    return dispute


def _evidence(sent: Document) -> Document:
    for name in EVIDENCE_FILES:
        if sent.get(name):
            raise resource_missing("file", str(sent[name]), param=f"evidence[{name}]")
    texts = {name: sent[name] or None for name in EVIDENCE_TEXTS if name in sent}
    if sum(len(text or "") for text in texts.values()) > MOST_EVIDENCE:
        raise invalid_request(
            f"The combined character count of all evidence is limited to {MOST_EVIDENCE}.", param="evidence"
        )
    return texts


def close_dispute(call: Call) -> Document:
    dispute = _dispute(call)
    accept(call.tx, dispute)
    return dispute


def list_disputes(call: Call) -> Page:
    tx, params = call.tx, call.params
    filters = Filters()
    for name, field in (("charge", "_link"), ("payment_intent", "payment_intent")):
        if name in params:
            filters.equal(field, tx.need(name, params[name], param=name)["id"])
    filters.within("created", params.get("created"))
    return list_documents(tx, "dispute", params, filters, "/v1/disputes")


ROUTES = (
    Route("GET", "/v1/disputes", list_disputes, "DisputeListParams", PAGE + "charge payment_intent created"),
    Route("GET", "/v1/disputes/{id}", retrieve_dispute, "DisputeRetrieveParams", ""),
    Route(
        "POST",
        "/v1/disputes/{id}",
        update_dispute,
        "DisputeModifyParams",
        f"evidence {{ {_EVIDENCE} }} metadata submit",
    ),
    Route("POST", "/v1/disputes/{id}/close", close_dispute, "DisputeCloseParams", ""),
)
