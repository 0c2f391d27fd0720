"""What the routes of all resources share: copying parameters, and the answer to a deletion.

An empty string unsets a field, as at Stripe.
"""

from collections.abc import Iterable

from offline_stripe.documents import Document
from offline_stripe.presentation import TOMBSTONE
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, resource_missing

_UNKNOWN = {
    "subscription": "subscription",
    "schedule": "subscription schedule",
    "source": "source",
    "default_source": "source",
}


def apply_fields(doc: Document, params: Document, names: Iterable[str]) -> None:
    """Copy the named parameters that were sent; an empty string becomes null."""
    for name in names:
        if name in params:
            doc[name] = None if params[name] == "" else params[name]


def deleted(doc: Document) -> Document:
    """The stub that Stripe answers."""
    return {"id": doc["id"], "object": doc["object"], "deleted": True}


def require_known(tx: Transaction, params: Document, *kinds: str) -> None:
    """Refuse the ids of unknown objects in the filters of a list. A deleted customer still counts as known."""
    for kind in kinds:
        if params.get(kind) and not (kind == "customer" and tx.get(TOMBSTONE, params[kind])):
            tx.need(kind, params[kind], param=kind)


def refuse_unknown_references(params: Document) -> None:
    """Refuse references to kinds of objects that the sandbox does not have."""
    for name, kind in _UNKNOWN.items():
        if params.get(name):
            raise resource_missing(kind, params[name], param=name)


def require_return_url(intent: Document, params: Document, noun: str) -> None:
    """Refuse to confirm, by a secret key, what may lead the customer away without saying where to come back to.

    With `off_session` nobody is led away: Stripe's guide "Save payment details in a Checkout session" gives no address then.
    """
    automatic = intent["automatic_payment_methods"]
    asks = automatic and automatic["enabled"] and automatic["allow_redirects"] != "never"
    intent["_return_url"] = params.get("return_url") or intent.get("_return_url")
    told = intent["_return_url"] or params.get("off_session")
    if asks and not intent["allowed_payment_method_types"] and not told:
        raise invalid_request(
            f"This {noun} is configured to accept payment methods enabled in your Dashboard. Because some of these"
            " payment methods might redirect your customer off of your page, you must provide a `return_url`. If you"
            " don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true`"
            " and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment"
            " Intents."
        )
