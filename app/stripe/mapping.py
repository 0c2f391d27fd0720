"""Owns how Stripe's objects become our rows, and which of their fields count as content.

Pure: a decoded Stripe object in, a Snapshot out. Fields that Stripe changes at every look (the hosted pages'
addresses) or that say nothing of the object (the account's name) are kept but are not content.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from app.domain.invoice import DELETED_RANK, RANK, InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.snapshot import Version

INLINE_LINES = 10
"""How many of an invoice's lines Stripe shows with it; these count as its content, all of them are compared apart."""

REFERENCE = "reference"
"""The metadata key under which the caller's own id is kept at Stripe."""


class Kind(StrEnum):
    """The kinds of Stripe object that are mirrored, by Stripe's name for them."""

    PRODUCT = "product"
    PRICE = "price"
    CUSTOMER = "customer"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a snapshot's time comes from: the seconds it was true at, and how it reached us (see Version)."""

    since: datetime
    until: datetime
    first: bool = False
    over: int | None = None


@dataclass(slots=True)
class Snapshot:
    """One picture of a Stripe object.

    row: the columns it says something of. deleted: the object is gone; stub: and nothing else is said of it.
    items: an invoice's items as rows; items_complete: whether these are all (Stripe shows the first few inline).
    links: rows that say which PaymentIntent pays the invoice (only where `payments` was expanded).
    """

    kind: Kind
    id: str
    version: Version
    row: JsonObject
    deleted: bool = False
    stub: bool = False
    items: list[JsonObject] = field(default_factory=list)
    items_complete: bool = True
    links: list[JsonObject] = field(default_factory=list)

    def complete(self, lines: Iterable[JsonView]) -> None:
        """Make `lines`, Stripe's line items, all the items there are."""
        self.items = [item_row(line, self.id, position) for position, line in enumerate(lines)]
        self.items_complete = True

    @property
    def payment_intent(self) -> str | None:
        """The PaymentIntent that pays the invoice by default, where the snapshot says so."""
        return next((link["payment_intent"] for link in self.links if link["is_default"]), None)


def snapshot(kind: Kind, stripe_object: JsonView, stamp: Stamp, *, deleted: bool = False) -> Snapshot:
    """The snapshot of `kind` that `stripe_object` is; `deleted` where it is known to be gone."""
    object_id = stripe_object["id"]
    if stripe_object.get("deleted"):
        return Snapshot(kind, object_id, _deleted(stamp), {"id": object_id}, deleted=True, stub=True)
    content = CONTENT[kind](stripe_object)
    items = _items(stripe_object) if kind is Kind.INVOICE else []
    rank = RANK[InvoiceStatus(stripe_object["status"])] if kind is Kind.INVOICE else 0
    digest = _digest([content, _digest(items[:INLINE_LINES])])
    version = Version(rank, stamp.since, stamp.until, digest, first=stamp.first, over=stamp.over)
    if deleted:
        version = _deleted(stamp)
    row = {
        **content,
        "id": object_id,
        "livemode": stripe_object["livemode"],
        "created_at": _time(stripe_object["created"]),
    }
    if kind is not Kind.INVOICE:
        return Snapshot(kind, object_id, version, row, deleted=deleted)
    row |= {name: stripe_object[name] for name in ("account_name", "hosted_invoice_url", "invoice_pdf")}
    complete = not stripe_object["lines"]["has_more"]
    links = _links(stripe_object)
    return Snapshot(kind, object_id, version, row, deleted, items=items, items_complete=complete, links=links)


def _deleted(stamp: Stamp) -> Version:
    return Version(DELETED_RANK, stamp.since, stamp.until, "deleted", over=stamp.over)


def lines_digest(items: Sequence[JsonView]) -> str:
    """A hash of all of an invoice's items."""
    return _digest(items)


def item_row(line: JsonView, invoice_id: str, position: int) -> JsonObject:
    """The row of one of an invoice's line items; `id` is the invoice item's, by which callers know it."""
    parent = (line.get("parent") or {}).get("invoice_item_details") or {}
    pricing = line.get("pricing") or {}
    details = pricing.get("price_details") or {}
    return {
        "line_item": line["id"],
        "id": parent.get("invoice_item") or line["id"],
        "invoice": invoice_id,
        "position": position,
        "price": _id(details.get("price")),
        "product": _id(details.get("product")),
        "quantity": line.get("quantity"),
        "unit_amount_decimal": pricing.get("unit_amount_decimal"),
        "amount": line["amount"],
        "currency": line["currency"],
        "description": line.get("description"),
        "metadata": line.get("metadata") or {},
    }


def payment_link(payment: JsonView) -> JsonObject | None:
    """The row that links an InvoicePayment's PaymentIntent to its invoice; None for other kinds of payment.

    `paid`, which is no column: whether this payment went through.
    """
    intent = _id(payment["payment"].get("payment_intent"))
    if not intent:
        return None
    return {
        "payment_intent": intent,
        "id": payment["id"],
        "invoice": _id(payment["invoice"]),
        "is_default": bool(payment.get("is_default")),
        "paid": payment.get("status") == "paid",
    }


def _items(invoice: JsonView) -> list[JsonObject]:
    return [item_row(line, invoice["id"], index) for index, line in enumerate(invoice["lines"]["data"])]


def _links(invoice: JsonView) -> list[JsonObject]:
    payments = (invoice.get("payments") or {}).get("data") or []
    return [link for payment in payments if (link := payment_link(payment))]


def _id(value: object) -> str | None:
    """An expandable field's id, whether it was expanded or not."""
    if isinstance(value, dict):
        return str(value["id"])
    return str(value) if value else None


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]


def _metadata(stripe_object: JsonView) -> JsonObject:
    metadata = dict(stripe_object.get("metadata") or {})
    reference = metadata.pop(REFERENCE, None)
    return {"metadata": metadata, "reference": reference}


def _product(product: JsonView) -> JsonObject:
    return {key: product.get(key) for key in ("name", "description", "active")} | _metadata(product)


def _price(price: JsonView) -> JsonObject:
    plain = ("active", "type", "currency", "unit_amount", "unit_amount_decimal", "nickname", "lookup_key")
    return {key: price.get(key) for key in plain} | {"product": _id(price["product"])} | _metadata(price)


def _customer(customer: JsonView) -> JsonObject:
    settings = customer.get("invoice_settings") or {}
    plain = ("name", "email", "description", "phone", "address")
    return {
        **{key: customer.get(key) for key in plain},
        "default_payment_method": _id(settings.get("default_payment_method")),
        "custom_fields": settings.get("custom_fields") or [],
        "footer": settings.get("footer"),
        **_metadata(customer),
    }


def _invoice(invoice: JsonView) -> JsonObject:
    plain = (
        "number",
        "status",
        "collection_method",
        "currency",
        "subtotal",
        "total",
        "amount_due",
        "amount_paid",
        "description",
        "footer",
    )
    turned = invoice["status_transitions"]
    return {
        **{key: invoice.get(key) for key in plain},
        "auto_advance": bool(invoice.get("auto_advance")),
        "amount_remaining": max(invoice["amount_remaining"], 0),  # of an overpaid invoice nothing remains
        "customer": _id(invoice.get("customer")),
        "due_at": _time(invoice["due_date"]),
        "custom_fields": invoice.get("custom_fields") or [],
        "finalized_at": _time(turned["finalized_at"]),
        "paid_at": _time(turned["paid_at"]),
        "voided_at": _time(turned["voided_at"]),
        "marked_uncollectible_at": _time(turned["marked_uncollectible_at"]),
        "paid_out_of_band": _paid_out_of_band(invoice),
        **_metadata(invoice),
    }


def _paid_out_of_band(invoice: JsonView) -> bool:
    """Paid outside of Stripe: it says so, or the invoice is paid though nothing was ever attempted."""
    if invoice["status"] != InvoiceStatus.PAID:
        return False
    return bool(invoice.get("amount_paid_off_stripe")) or (invoice["amount_due"] > 0 and not invoice["attempted"])


CONTENT: dict[Kind, Callable[[JsonView], JsonObject]] = {
    Kind.PRODUCT: _product,
    Kind.PRICE: _price,
    Kind.CUSTOMER: _customer,
    Kind.INVOICE: _invoice,
}
"""The fields of each kind that count as content, as columns."""
