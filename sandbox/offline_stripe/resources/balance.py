"""`/v1/balance` and `/v1/balance_transactions`: what the account has, and where it came from. `billing.ledger` writes it."""

from offline_stripe.billing.ledger import balances
from offline_stripe.documents import Document
from offline_stripe.shapes.ledger import balance
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import invalid_request, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def retrieve_balance(call: Call) -> Document:
    available, pending = balances(call.tx)
    own = str(call.tx.store.account["default_currency"])
    return balance(available={own: 0, **available}, pending={own: 0, **pending})


def retrieve_entry(call: Call) -> Document:
    return call.tx.need("balance_transaction", call.path["id"], param="id", status=404)


def list_entries(call: Call) -> Page:
    """Entries by what they are about. Like Stripe, it finds no dispute's entries by `source`; the dispute shows them."""
    tx, params = call.tx, call.params
    filters = Filters().equal("currency", params.get("currency")).equal("type", params.get("type"))
    filters.within("created", params.get("created"))
    if "source" in params:
        source = tx.find(params["source"])
        if source is None:
            raise resource_missing("source", params["source"], param="source")
        filters.equal("source", "" if source["object"] == "dispute" else source["id"])
    if "payout" in params:
        payout = tx.need("payout", params["payout"], param="payout")
        if not payout["automatic"]:
            raise invalid_request(
                "Balance transaction history can only be filtered on automatic transfers, not manual.", param="payout"
            )
        filters.equal("_payout", payout["id"])
    return list_documents(tx, "balance_transaction", params, filters, "/v1/balance_transactions")


ROUTES = (
    Route("GET", "/v1/balance", retrieve_balance, "BalanceRetrieveParams", ""),
    Route(
        "GET",
        "/v1/balance_transactions",
        list_entries,
        "BalanceTransactionListParams",
        PAGE + "created currency payout source type",
    ),
    Route("GET", "/v1/balance_transactions/{id}", retrieve_entry, "BalanceTransactionRetrieveParams", ""),
)
