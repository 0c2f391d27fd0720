"""Makes snapshots of Stripe's objects. Pure.

The schemas of the answers say where each field of a row comes from; this module does what concerns several fields.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from app.catalog.schemas import PriceDocument, PriceRead, ProductRead
from app.customers.schemas import CustomerRead
from app.domain.invoice import DELETED_RANK, RANK, InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.snapshot import Version
from app.domain.sources import id_of
from app.invoices.schemas import InvoiceDocument, InvoiceListed, ItemRead
from app.stripe.fields import Fields

INLINE_LINES = 10
"""The number of lines that Stripe shows with an invoice. They count as its content; all lines have their own digest."""


class Kind(StrEnum):
    """The kinds of mirrored objects, by Stripe's names."""

    PRODUCT = "product"
    PRICE = "price"
    CUSTOMER = "customer"
    INVOICE = "invoice"


FIELDS: dict[Kind, Fields] = {
    Kind.PRODUCT: Fields(ProductRead),
    Kind.PRICE: Fields(PriceDocument, PriceRead),
    Kind.CUSTOMER: Fields(CustomerRead),
    Kind.INVOICE: Fields(InvoiceDocument, InvoiceListed),
}
PLACED = ("invoice", "position")
"""What a line item does not say of itself."""
ITEM = Fields(ItemRead, placed=PLACED)
VERSIONS = {kind: max(fields.version, ITEM.version if kind is Kind.INVOICE else 1) for kind, fields in FIELDS.items()}
"""The version of each kind's fields: the highest `since` in its schema."""


@dataclass(frozen=True, slots=True)
class ObservationWindow:
    """Where a snapshot's time comes from: the seconds it was true at, and how it reached us (see Version).

    asked: it is an answer of Stripe's; then its times say nothing of an object of a test clock, which has its own.
    """

    since: datetime
    until: datetime
    first: bool = False
    over: int | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """That a PaymentIntent pays an invoice: the row, and whether this payment went through, which is no column."""

    payment_intent: str
    id: str | None
    invoice: str
    is_default: bool
    paid: bool = False


@dataclass(slots=True)
class Snapshot:
    """One state of a Stripe object.

    row: its fields, whether they are columns or only in the document. deleted: the object is gone. stub: and nothing
    else is known of it. missing: Stripe, asked, did not know it. items: an invoice's items as rows. items_complete: whether these are all, as Stripe shows only
    the first few inline. payments: those of the invoice, if `payments` was expanded.
    """

    kind: Kind
    id: str
    version: Version
    row: JsonObject
    deleted: bool = False
    stub: bool = False
    missing: bool = False
    items: list[JsonObject] = field(default_factory=list)
    items_complete: bool = True
    payments: list[InvoicePayment] = field(default_factory=list)

    def complete(self, lines: Iterable[JsonView]) -> None:
        """Set `lines`, Stripe's line items, as all items."""
        self.items = [item_row(line, self.id, position) for position, line in enumerate(lines)]
        self.items_complete = True

    @property
    def payment_intent(self) -> str | None:
        """The PaymentIntent that pays the invoice by default, if the snapshot shows it."""
        return next((payment.payment_intent for payment in self.payments if payment.is_default), None)


def snapshot(kind: Kind, stripe_object: JsonView, window: ObservationWindow, *, deleted: bool = False) -> Snapshot:
    """The snapshot of `stripe_object`; `deleted` if it is known to be gone."""
    object_id = stripe_object["id"]
    if stripe_object.get("deleted"):
        return Snapshot(kind, object_id, _deleted(window), {"id": object_id}, deleted=True, stub=True)
    row = FIELDS[kind].read(stripe_object)
    timeless = window.asked and stripe_object.get("test_clock") is not None
    if timeless:
        made = datetime.fromtimestamp(stripe_object["created"], UTC)
        window = replace(window, since=made, until=made)
    if kind is not Kind.INVOICE:
        version = _deleted(window) if deleted else _version(kind, row, [], window, timeless=timeless)
        return Snapshot(kind, object_id, version, row, deleted=deleted)
    items = _items(stripe_object)
    version = _deleted(window) if deleted else _version(kind, row, items, window, timeless=timeless)
    complete = not stripe_object["lines"]["has_more"]
    payments = _payments(stripe_object)
    return Snapshot(kind, object_id, version, row, deleted, items=items, items_complete=complete, payments=payments)


def _version(
    kind: Kind, row: JsonView, items: Sequence[JsonView], window: ObservationWindow, *, timeless: bool = False
) -> Version:
    rank = RANK[InvoiceStatus(row["status"])] if kind is Kind.INVOICE else 0
    digest, *later = (_content_digest(kind, row, items, since) for since in range(1, VERSIONS[kind] + 1))
    return Version(
        rank, window.since, window.until, digest, tuple(later), first=window.first, over=window.over, asked=window.asked,
        timeless=timeless,
    )  # fmt: skip


def _content_digest(kind: Kind, row: JsonView, items: Sequence[JsonView], since: int) -> str:
    """A hash of the content of the fields that version `since` added.

    Each version has its own digest, so that two releases can compare the fields that both know.
    """
    listed = [ITEM.content(item, since) for item in items[:INLINE_LINES]]
    return _digest([FIELDS[kind].content(row, since), _digest(listed)])


def _deleted(window: ObservationWindow) -> Version:
    return Version(DELETED_RANK, window.since, window.until, "deleted", over=window.over)


def lines_digest(items: Sequence[JsonView]) -> str:
    """A hash of all items of an invoice, by the fields of the first version, which are columns."""
    return _digest([ITEM.content(item, 1) for item in items])


def item_row(line: JsonView, invoice_id: str, position: int) -> JsonObject:
    """The row of a line item."""
    return {"invoice": invoice_id, "position": position, **ITEM.read(line)}


def invoice_payment(payment: JsonView) -> InvoicePayment | None:
    """Stripe's InvoicePayment; None for kinds of payment without a PaymentIntent."""
    intent = id_of(payment["payment"].get("payment_intent"))
    if not intent:
        return None
    return InvoicePayment(
        intent,
        payment["id"],
        str(id_of(payment["invoice"])),
        is_default=bool(payment.get("is_default")),
        paid=payment.get("status") == "paid",
    )


def _items(invoice: JsonView) -> list[JsonObject]:
    return [item_row(line, invoice["id"], index) for index, line in enumerate(invoice["lines"]["data"])]


def _payments(invoice: JsonView) -> list[InvoicePayment]:
    payments = (invoice.get("payments") or {}).get("data") or []
    return [found for payment in payments if (found := invoice_payment(payment))]


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]
