"""How stored documents are shown: the public form of an object, and the events that carry it.

It computes what is not stored: an invoice's lines, the addresses of its pages, and the customer's details that a draft
still follows. It changes no document.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from offline_stripe.documents import Document, copied
from offline_stripe.hosted_links import hosted_links
from offline_stripe.store.listing import Filters, count, list_documents
from offline_stripe.store.transaction import Transaction

TOMBSTONE = "deleted_customer"
"""The kind of what is kept of a deleted customer, so that its id still answers."""
MIRRORED = ("address", "email", "name", "phone", "shipping", "tax_exempt")


def show(tx: Transaction, doc: Document) -> Document:
    """The document as Stripe would answer it, with nothing expanded."""
    shown = copied(doc)
    if doc.get("deleted") or doc.get("_shown"):
        return shown
    if doc["object"] == "invoice":
        _show_invoice(tx, doc, shown)
    elif doc["object"] == "balance_transaction":
        shown["status"] = "available" if doc["available_on"] <= tx.now else "pending"
    elif doc["object"] == "promotion_code":
        shown["active"] = code_is_active(tx, doc)
    elif doc["object"] == "coupon":
        shown["valid"] = still_valid(tx, doc)
    elif doc["object"] == TOMBSTONE:
        shown = {"id": doc["id"], "object": "customer", "deleted": True}
    elif doc["object"] == "credit_note":
        shown["lines"] = lines_of(tx, doc, "credit_note_line_item", f"/v1/credit_notes/{doc['id']}/lines")
    return shown


def _show_invoice(tx: Transaction, doc: Document, shown: Document) -> None:
    customer = tx.get("customer", doc["customer"]) if doc["customer"] else None
    if doc["status"] == "draft" and customer is not None:
        for name in MIRRORED:
            shown[f"customer_{name}"] = customer[name]
        shown["customer_tax_ids"] = tax_ids_of(tx, customer)
        balance = customer["balance"] - (original_of(tx, doc) or {}).get("_applied", 0)
        shown["starting_balance"] = balance
        shown["amount_due"] = max(0, doc["total"] + balance)
        shown["amount_remaining"] = shown["amount_due"]
    shown |= hosted_links(tx.store.base_url, doc, tx.now)
    shown["lines"] = lines_of(tx, doc, "line_item", f"/v1/invoices/{doc['id']}/lines")


def original_of(tx: Transaction, invoice: Document) -> Document | None:
    """The invoice that this revision will replace, or None. Finalizing takes over the balance applied to it."""
    found = tx.get("invoice", invoice["from_invoice"]["invoice"]) if invoice["from_invoice"] else None
    return found if found and found["status"] in {"open", "uncollectible"} else None


def tax_ids_of(tx: Transaction, customer: Document) -> list[Document]:
    """A customer's tax ids as invoices show them."""
    return [{"type": it["type"], "value": it["value"]} for it in tx.where("tax_id", customer=customer["id"])]


def still_valid(tx: Transaction, coupon: Document) -> bool:
    spent = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    late = coupon["redeem_by"] is not None and tx.now > coupon["redeem_by"]
    return not (spent or late)


def code_is_active(tx: Transaction, code: Document) -> bool:
    """Whether a promotion code can be redeemed: it, and its coupon, are neither off, late nor spent."""
    coupon = tx.get("coupon", code["promotion"]["coupon"])
    spent = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    late = code["expires_at"] is not None and tx.now >= code["expires_at"]
    return bool(code["active"] and coupon is not None and still_valid(tx, coupon) and not (spent or late))


def lines_of(tx: Transaction, doc: Document, kind: str, url: str) -> Document:
    """The first page of the lines of an invoice or a credit note."""
    owner = Filters().equal("invoice" if kind == "line_item" else "_link", doc["id"])
    limit = {"limit": tx.switches.lines_page_size}
    page = list_documents(tx, kind, limit, owner, url, oldest_first=not tx.switches.lines_newest_first)
    data = [copied(line) for line in page.items]
    return {
        "object": "list",
        "data": data,
        "has_more": page.has_more,
        "total_count": count(tx, kind, owner),
        "url": url,
    }


def announce(tx: Transaction, kind: str, doc: Document, *, caused: bool = True) -> None:
    """Record an event about a document in its present form."""
    tx.emit(kind, show(tx, doc), caused=caused)


@contextmanager
def updating(tx: Transaction, kind: str, doc: Document) -> Iterator[None]:
    """Save what the block changes and announce it as `kind`. Without a change there is no event."""
    before = show(tx, doc)
    yield
    tx.save(doc)
    after = show(tx, doc)
    if "updated" in doc and before != after:
        doc["updated"] = after["updated"] = tx.now
    tx.emit_update(kind, before, after)
