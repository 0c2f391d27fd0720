"""How stored documents are shown: the public face of an object, and the events that carry it.

Owns what is computed at the moment of showing: an invoice's lines, and the customer's details a
draft still mirrors. Must not change any document.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from sandbox.documents import Document, public
from sandbox.store.listing import Filters, list_documents
from sandbox.store.transaction import Transaction

MIRRORED = ("address", "email", "name", "phone", "shipping", "tax_exempt")


def show(tx: Transaction, doc: Document) -> Document:
    """The document as Stripe would answer it, nothing expanded."""
    shown = deepcopy(public(doc))
    if doc.get("deleted"):
        return shown
    if doc["object"] == "invoice":
        _show_invoice(tx, doc, shown)
    elif doc["object"] == "credit_note":
        shown["lines"] = lines_of(tx, doc, "credit_note_line_item", f"/v1/credit_notes/{doc['id']}/lines")
    return shown


def _show_invoice(tx: Transaction, doc: Document, shown: Document) -> None:
    customer = tx.get("customer", doc["customer"]) if doc["customer"] else None
    if doc["status"] == "draft" and customer is not None:
        for name in MIRRORED:
            shown[f"customer_{name}"] = deepcopy(customer[name])
        shown["starting_balance"] = customer["balance"]
        shown["amount_due"] = max(0, doc["total"] + customer["balance"])
        shown["amount_remaining"] = shown["amount_due"]
    shown["lines"] = lines_of(tx, doc, "line_item", f"/v1/invoices/{doc['id']}/lines")


def lines_of(tx: Transaction, doc: Document, kind: str, url: str) -> Document:
    """The first page of the lines of an invoice or a credit note."""
    owner = Filters().equal("invoice" if kind == "line_item" else "_link", doc["id"])
    limit = {"limit": tx.switches.lines_page_size}
    page = list_documents(tx, kind, limit, owner, url, oldest_first=True)
    count = tx.store.database.count(
        f"SELECT count(*) FROM objects WHERE kind = ? AND {owner.conditions[0]}",  # noqa: S608
        (kind, *owner.values),
    )
    data = [deepcopy(public(line)) for line in page.items]
    return {"object": "list", "data": data, "has_more": page.has_more, "total_count": count, "url": url}


def announce(tx: Transaction, kind: str, doc: Document) -> None:
    """Record an event about a document as it is now."""
    tx.emit(kind, show(tx, doc))


@contextmanager
def updating(tx: Transaction, kind: str, doc: Document) -> Iterator[None]:
    """Save what the block changes and announce it as `kind`; nothing changed, nothing said."""
    before = show(tx, doc)
    yield
    tx.save(doc)
    after = show(tx, doc)
    if "updated" in doc and before != after:
        doc["updated"] = after["updated"] = tx.now
    tx.emit_update(kind, before, after)
