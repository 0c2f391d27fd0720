"""What the routes of all resources share: copying parameters, and the answer to a deletion.

An empty string unsets a field, as at Stripe.
"""

from collections.abc import Iterable

from sandbox.documents import Document
from sandbox.wire.errors import resource_missing


def apply_fields(doc: Document, params: Document, names: Iterable[str]) -> None:
    """Copy the named parameters that were sent; an empty string becomes null."""
    for name in names:
        if name in params:
            doc[name] = None if params[name] == "" else params[name]


def deleted(doc: Document) -> Document:
    """The stub that Stripe answers."""
    return {"id": doc["id"], "object": doc["object"], "deleted": True}


def refuse_unknown_references(params: Document) -> None:
    """Refuse references to kinds of objects that the sandbox does not have."""
    for name, kind in (("subscription", "subscription"), ("source", "source"), ("default_source", "source")):
        if params.get(name):
            raise resource_missing(kind, params[name], param=name)
