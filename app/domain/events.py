"""The events that others receive: their types, the cursor that orders them, and their document. Pure.

An event is a change of an invoice, its fulfillment, or what came back of it (see changes.py), rendered as a CloudEvent (1.0). Pages,
streams and deliveries carry the same document.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import msgspec

from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import CLOSED
from app.domain.errors import ValidationFailed
from app.domain.fulfillment import BEGUN, FulfillmentStatus
from app.domain.invoice import InvoiceStatus
from app.domain.payment_attempts import FRAUD_WARNING, SUCCEEDED, UNEXPECTED, Outcome
from app.domain.refund import RefundStatus

SCHEMA_VERSION: Final = 1
"""The version of `data`. It rises when a field is removed or changes meaning, not when one is added."""

INVOICE: Final = "invoice"
FULFILLMENT: Final = "fulfillment"
PAYMENT: Final = "payment"
REFUND: Final = "refund"
CREDIT_NOTE: Final = "credit_note"
DISPUTE: Final = "dispute"
SUBJECTS: Final = (INVOICE, FULFILLMENT, PAYMENT, REFUND, CREDIT_NOTE, DISPUTE)
"""What events tell of."""
PARTLY_FUNDED: Final = Outcome.PARTLY_FUNDED.value
CREATED: Final = "created"
UPDATED: Final = "updated"
DELETED: Final = "deleted"
REOPENED: Final = "reopened"
REINSTATED: Final = "reinstated"
FINALIZATION_FAILED: Final = "finalization_failed"
NOTICES: Final = ("will_be_due", "overdue", "reminded")
"""What is told of an invoice's due date, once each (see reminders.py)."""

CALLED: Final = {
    InvoiceStatus.DRAFT.value: "created",
    InvoiceStatus.OPEN.value: "finalized",
    InvoiceStatus.VOID.value: "voided",
    InvoiceStatus.UNCOLLECTIBLE.value: "marked_uncollectible",
}
"""The event's name for an invoice status, where it is not the status itself."""

ENDED: Final = frozenset({InvoiceStatus.PAID.value, InvoiceStatus.VOID.value, InvoiceStatus.UNCOLLECTIBLE.value})
"""Statuses after which an invoice that is open was opened again."""


ENDS: Final[dict[str, dict[str, str]]] = {
    REFUND: {RefundStatus.FAILED.value: "failed"},
    CREDIT_NOTE: {CreditNoteStatus.VOID.value: "voided"},
    DISPUTE: {status.value: "closed" for status in CLOSED},
}
"""The statuses of what came back that have an event of their own. Others are `created` or `updated`."""


def event_type(subject: str, was: str | None, became: str, *, named: str | None = None) -> str:
    """The type of the event for a change from `was` to `became`, or of what is `named` and keeps the status."""
    if named:
        return f"{subject}.{named}"
    if was == became:
        return f"{subject}.{UPDATED}"
    if subject in ENDS:
        return f"{subject}.{ENDS[subject].get(became, UPDATED if was else CREATED)}"
    if became == UNEXPECTED:
        return UNEXPECTED
    name = CALLED.get(became, became) if subject == INVOICE else became
    if subject == INVOICE and became == InvoiceStatus.OPEN and was in ENDED:
        name = REOPENED
    elif subject == FULFILLMENT and became == FulfillmentStatus.FULFILLED and was in BEGUN:
        name = REINSTATED
    return f"{subject}.{name}"


INVOICE_TYPES: Final = (
    *(event_type(INVOICE, None, one) for one in (*(it.value for it in InvoiceStatus), DELETED, REOPENED, UPDATED)),
    *(event_type(INVOICE, None, "", named=name) for name in (FINALIZATION_FAILED, *NOTICES)),
)
FULFILLMENT_TYPES: Final = tuple(
    event_type(FULFILLMENT, None, status) for status in (*(one.value for one in FulfillmentStatus), REINSTATED, UPDATED)
)
PAYMENT_TYPES: Final = (
    event_type(PAYMENT, None, "action_required"),
    event_type(PAYMENT, None, SUCCEEDED),
    event_type(PAYMENT, None, PARTLY_FUNDED),
    event_type(PAYMENT, None, FRAUD_WARNING),
    UNEXPECTED,
)
RETURN_TYPES: Final = {
    subject: tuple(dict.fromkeys(f"{subject}.{name}" for name in (CREATED, UPDATED, *ends.values())))
    for subject, ends in ENDS.items()
}
"""The event types of refunds, credit notes and disputes."""
TYPES: Final = (
    *INVOICE_TYPES,
    *FULFILLMENT_TYPES,
    *PAYMENT_TYPES,
    *(name for names in RETURN_TYPES.values() for name in names),
)
"""All event types."""
CUSTOMER_TYPES: Final = frozenset({*INVOICE_TYPES, *FULFILLMENT_TYPES, *PAYMENT_TYPES[:3]})
"""The event types that a customer is told. Others are the merchant's: refunds, disputes, warnings of fraud."""


def require_types(types: Iterable[str]) -> frozenset[str]:
    """`types` as a set. Raises ValidationFailed, which names an unknown type."""
    wanted = frozenset(types)
    if unknown := sorted(wanted - set(TYPES)):
        raise ValidationFailed(
            f"types: there is no event type {unknown[0]!r}. There are: {', '.join(TYPES)}.", param="types"
        )
    return wanted


# The cursor

_LAST_ID = 2**63 - 1
_CURSOR_LENGTH = 32


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed: after the event `id` of the transaction at `position`. Its text sorts in the same order."""

    position: int
    id: int

    def __str__(self) -> str:
        return f"{self.position:016x}{self.id:016x}"

    @classmethod
    def read(cls, text: str, param: str = "after") -> Self:
        """The cursor written as `text`. Raises ValidationFailed."""
        digits = text.lower()
        if len(digits) == _CURSOR_LENGTH and not set(digits) - set("0123456789abcdef"):
            found = cls(int(digits[:16], 16), int(digits[16:], 16))
            if max(found.position, found.id) <= _LAST_ID:
                return found
        raise ValidationFailed(f"{param} is not a cursor that this feed answered.", param=param)

    @classmethod
    def before(cls, position: int) -> Self:
        """The last cursor before `position`."""
        return cls(position - 1, _LAST_ID)


START: Final = Cursor.before(1)
"""The start of the feed. Changes at position 0 are older than the feed and lack what an event needs."""


def named_place(text: str | None, otherwise: Cursor | None, param: str = "after") -> Cursor | None:
    """The place that `text` names: a cursor, `start`, or `now`. `now` is None, as only the feed knows its end."""
    match text:
        case None:
            return otherwise
        case "start":
            return START
        case "now":
            return None
    return Cursor.read(text, param)


def require_reached(cursor: Cursor, end: Cursor, param: str = "after") -> None:
    """Raise ValidationFailed for a cursor beyond the feed's `end`, where no reader can have been."""
    if cursor > end:
        raise ValidationFailed(
            f"{param} is ahead of this feed: it is of another one, or this database was set back. Begin again at `start`.",
            param=param,
        )


def require_kept(cursor: Cursor, gone: Cursor, param: str = "after") -> None:
    """Raise ValidationFailed for a cursor before `gone`, as events after it were deleted."""
    if START < cursor < gone:
        raise ValidationFailed(
            f"{param} is older than what this feed keeps. Read what you follow anew, then go on from `start`, which is "
            "the oldest event there is, or from `now`.",
            param=param,
        )


# The document


def written(at: datetime) -> str:
    """A time as documents write it: RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event as stored; `data` is JSON text."""

    cursor: Cursor
    id: str
    type: str
    schema_version: int
    at: datetime
    invoice: str
    customer: str | None
    data: str

    @classmethod
    def of(cls, change: int, row: Any) -> Self:
        columns = {name: row[name] for name in ("type", "schema_version", "at", "invoice", "customer", "data")}
        return cls(Cursor(row["position"], change), row["event"], **columns)


def envelope(event: FeedEvent, source: str) -> bytes:
    """The event as a CloudEvent in JSON. `source` is the deployment's address."""
    subject = PAYMENT if event.type == UNEXPECTED else event.type.partition(".")[0]  # a newer release's, too
    schema = f"{subject.title().replace('_', '')}EventData"
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": source,
            "type": event.type,
            "subject": event.invoice,
            "time": written(event.at),
            "datacontenttype": "application/json",
            "dataschema": f"{source}/openapi.json#/components/schemas/{schema}",
            "schemaversion": event.schema_version,
            "sequence": str(event.cursor),
            "data": msgspec.Raw(event.data.encode()),
        }
    )
