"""Makes snapshots of Stripe's objects. The schemas of the answers say where each field comes from. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from app.catalog.schemas import PriceDocument, PriceRead, ProductRead
from app.credit_notes.schemas import CreditNoteRead
from app.customers.schemas import CustomerRead
from app.discounts.schemas import CouponRead, PromotionCodeRead
from app.disputes.schemas import DisputeRead
from app.domain import credit_note, dispute, refund
from app.domain.invoice import DELETED_RANK, RANK, InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.snapshot import Version
from app.domain.sources import id_of
from app.invoices.read_schemas import InvoiceDocument, InvoiceListed, ItemRead
from app.payment_methods.schemas import PaymentMethodRead
from app.refunds.schemas import RefundRead
from app.stripe.fields import Fields
from app.taxes.schemas import TaxIdRead, TaxRateRead

INLINE_LINES = 10
"""The number of lines that Stripe shows with an invoice. They count as its content; all lines have their own digest."""


class Kind(StrEnum):
    """The kinds of mirrored objects, by Stripe's names."""

    PRODUCT = "product"
    PRICE = "price"
    CUSTOMER = "customer"
    INVOICE = "invoice"
    REFUND = "refund"
    CREDIT_NOTE = "credit_note"
    DISPUTE = "dispute"
    PAYMENT_METHOD = "payment_method"
    TAX_RATE = "tax_rate"
    TAX_ID = "tax_id"
    COUPON = "coupon"
    PROMOTION_CODE = "promotion_code"


RETURNS = (Kind.REFUND, Kind.CREDIT_NOTE, Kind.DISPUTE)
"""The kinds that say what came back of an invoice."""
VANISHING = frozenset({Kind.INVOICE, Kind.TAX_ID, Kind.COUPON})
"""The kinds of which Stripe keeps nothing once they are deleted."""
REUSED = frozenset({Kind.COUPON})
"""The kinds whose ids are the merchant's: one that was deleted may come again."""
RANKS: dict[Kind, Mapping[Any, int]] = {
    Kind.REFUND: refund.RANK,
    Kind.CREDIT_NOTE: credit_note.RANK,
    Kind.DISPUTE: dispute.RANK,
}
"""The order of statuses of what came back. Stripe may have new ones, which are then read as they stand."""


FIELDS: dict[Kind, Fields] = {
    Kind.PRODUCT: Fields(ProductRead),
    Kind.PRICE: Fields(PriceDocument, PriceRead),
    Kind.CUSTOMER: Fields(CustomerRead),
    Kind.INVOICE: Fields(InvoiceDocument, InvoiceListed),
    Kind.REFUND: Fields(RefundRead),
    Kind.CREDIT_NOTE: Fields(CreditNoteRead),
    Kind.DISPUTE: Fields(DisputeRead),
    Kind.PAYMENT_METHOD: Fields(PaymentMethodRead),
    Kind.TAX_RATE: Fields(TaxRateRead),
    Kind.TAX_ID: Fields(TaxIdRead),
    Kind.COUPON: Fields(CouponRead),
    Kind.PROMOTION_CODE: Fields(PromotionCodeRead),
}
PLACED = ("invoice", "position")
"""What a line item does not say of itself."""
ITEM = Fields(ItemRead, placed=PLACED)
VERSIONS = {kind: max(fields.version, ITEM.version if kind is Kind.INVOICE else 1) for kind, fields in FIELDS.items()}
"""The version of each kind's fields: the highest `since` in its schema."""


@dataclass(frozen=True, slots=True)
class ObservationWindow:
    """Where a snapshot's time comes from: the seconds it was true at, and how it reached us (see Version).

    asked: it is an answer of Stripe's, whose times do not count for an object of a test clock: that has its own times.
    """

    since: datetime
    until: datetime
    first: bool = False
    over: int | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """That a PaymentIntent pays an invoice, or a payment record: a payment that was made elsewhere.

    A payment record's id stands in `payment_intent`, too. All but the ids and `is_default` are null where an older release recorded it.
    """

    payment_intent: str
    id: str | None
    invoice: str
    is_default: bool
    status: str | None = None
    amount_requested: int | None = None
    amount_paid: int | None = None
    created_at: datetime | None = None
    paid_at: datetime | None = None
    payment_record: str | None = None

    @property
    def paid(self) -> bool:
        return self.status == "paid"


@dataclass(slots=True)
class Snapshot:
    """One state of a Stripe object.

    row: its fields, whether they are columns or only in the document. deleted: the object is gone. stub: and nothing
    else is known of it. missing: Stripe, asked, did not know it. items: an invoice's items as rows. items_complete: whether these are all, as Stripe shows only
    the first few inline. payments: those of the invoice, if `payments` was expanded. payments_complete: whether these
    are all.
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
    payments_complete: bool = False

    @property
    def invoice(self) -> str | None:
        """The invoice that the object belongs to, where it is one of RETURNS."""
        return self.row.get("invoice") if self.kind in RETURNS else None

    def belongs_to(self, invoice: str | None) -> "Snapshot":
        """Record the invoice of a refund or dispute, which does not say so itself. Returns this snapshot."""
        if invoice and self.kind in RETURNS:
            self.row.setdefault("invoice", invoice)
        return self

    def complete(self, lines: Iterable[JsonView]) -> None:
        """Set `lines`, Stripe's line items, as all items."""
        self.items = [item_row(line, self.id, position) for position, line in enumerate(lines)]
        self.items_complete = True

    @property
    def payment_intent(self) -> str | None:
        """The PaymentIntent that pays the invoice by default, if the snapshot shows it."""
        return next((payment.payment_intent for payment in self.payments if payment.is_default), None)


def snapshot(kind: Kind, stripe_object: JsonView, window: ObservationWindow, *, deleted: bool = False) -> Snapshot:
    """The snapshot of `stripe_object`; `deleted` if it is known to be gone. A payment method that is detached is gone."""
    object_id = stripe_object["id"]
    if stripe_object.get("deleted") or (kind is Kind.PAYMENT_METHOD and not stripe_object["customer"]):
        return Snapshot(kind, object_id, _deleted(kind, window), {"id": object_id}, deleted=True, stub=True)
    row = FIELDS[kind].read(stripe_object)
    timeless = window.asked and stripe_object.get("test_clock") is not None
    if timeless:
        made = datetime.fromtimestamp(stripe_object["created"], UTC)
        window = replace(window, since=made, until=made)
    items: list[JsonObject] = []
    payments: JsonView = {}
    complete = True
    if kind is Kind.INVOICE:
        items = [item_row(line, object_id, position) for position, line in enumerate(stripe_object["lines"]["data"])]
        complete, payments = not stripe_object["lines"]["has_more"], stripe_object.get("payments") or {}
    version = _deleted(kind, window) if deleted else _version(kind, row, items, window, timeless=timeless)
    return Snapshot(
        kind, object_id, version, row, deleted, items=items, items_complete=complete,
        payments=[found for payment in payments.get("data") or () if (found := invoice_payment(payment))],
        payments_complete=payments.get("has_more") is False,
    )  # fmt: skip


def deleted_rank(kind: Kind) -> int:
    """The rank of a deleted object: the last one, unless another object may have its id later."""
    return 0 if kind in REUSED else DELETED_RANK


def rank_of(kind: Kind, row: JsonView) -> int:
    """The rank of the row's status; 0 where its kind has none, or where it is new at Stripe.

    Raises ValueError for a status of an invoice that is not known.
    """
    if kind is Kind.INVOICE:
        return RANK[InvoiceStatus(row["status"])]
    return RANKS[kind].get(row["status"], 0) if kind in RANKS else 0


def _version(
    kind: Kind, row: JsonView, items: Sequence[JsonView], window: ObservationWindow, *, timeless: bool = False
) -> Version:
    rank = rank_of(kind, row)
    digest, *later = (_content_digest(kind, row, items, since) for since in range(1, VERSIONS[kind] + 1))
    return Version(
        rank, window.since, window.until, digest, tuple(later), first=window.first, over=window.over, asked=window.asked,
        timeless=timeless,
    )  # fmt: skip


def _content_digest(kind: Kind, row: JsonView, items: Sequence[JsonView], since: int) -> str:
    """A hash of the fields that version `since` added, so that two releases can compare the fields both know."""
    listed = [ITEM.content(item, since) for item in items[:INLINE_LINES]]
    return _digest([FIELDS[kind].content(row, since), _digest(listed)])


def _deleted(kind: Kind, window: ObservationWindow) -> Version:
    return Version(deleted_rank(kind), window.since, window.until, "deleted", over=window.over)


def lines_digest(items: Sequence[JsonView]) -> str:
    """A hash of all items of an invoice, by the fields of the first version, which are columns."""
    return _digest([ITEM.content(item, 1) for item in items])


def item_row(line: JsonView, invoice_id: str, position: int) -> JsonObject:
    return {"invoice": invoice_id, "position": position, **ITEM.read(line)}


def invoice_payment(payment: JsonView) -> InvoicePayment | None:
    """Stripe's InvoicePayment; None for other kinds of payment than by PaymentIntent or payment record."""
    intent, record = (id_of(payment["payment"].get(name)) for name in ("payment_intent", "payment_record"))
    if not intent and not record:
        return None
    return InvoicePayment(
        str(intent or record),
        payment["id"],
        str(id_of(payment["invoice"])),
        is_default=bool(payment.get("is_default")),
        status=payment.get("status"),
        amount_requested=payment.get("amount_requested"),
        amount_paid=payment.get("amount_paid"),
        created_at=_moment(payment.get("created")),
        paid_at=_moment((payment.get("status_transitions") or {}).get("paid_at")),
        payment_record=None if intent else record,
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:32]
