"""What the routes of all resources share: copying parameters, and the answer to a deletion.

An empty string unsets a field, as at Stripe.
"""

from collections.abc import Iterable

from offline_stripe.documents import Document
from offline_stripe.presentation import TOMBSTONE
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import resource_missing

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
