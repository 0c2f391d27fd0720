"""`/v1/account`: the sandbox's only account. Read only."""

from offline_stripe.documents import Document
from offline_stripe.wire.errors import StripeError
from offline_stripe.wire.routing import Call, Route


def retrieve_account(call: Call) -> Document:
    return call.tx.store.account


def retrieve_account_by_id(call: Call) -> Document:
    account = call.tx.store.account
    if call.path["id"] != account["id"]:
        raise StripeError(
            f"The provided key does not have access to account '{call.path['id']}' (or that account does not exist)."
            " Application access may have been revoked.",
            status=403,
            code="account_invalid",
        )
    return account


ROUTES = (
    Route("GET", "/v1/account", retrieve_account, "AccountRetrieveCurrentParams", takes=""),
    Route("GET", "/v1/accounts/{id}", retrieve_account_by_id, "AccountRetrieveParams", takes=""),
)
