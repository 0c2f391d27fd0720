"""What every resource's routes have in common: copying parameters, and the answer to a deletion.

Owns Stripe's rule that an empty string unsets a field. Must not know any resource.
"""

from collections.abc import Iterable

from sandbox.documents import Document


def apply_fields(doc: Document, params: Document, names: Iterable[str]) -> None:
    """Copy the named parameters that were sent; an empty string becomes null."""
    for name in names:
        if name in params:
            doc[name] = None if params[name] == "" else params[name]


def deleted(doc: Document) -> Document:
    """The stub Stripe answers."""
    return {"id": doc["id"], "object": doc["object"], "deleted": True}
