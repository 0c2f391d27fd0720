"""Owns what others are told of: the types of our events, the cursor that orders them, and the document of one. Pure.

An event is a change of an invoice or of its fulfillment (see changes.py), told as a CloudEvent (1.0). One document serves
whoever pulls, streams, or is called.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

import msgspec

from app.domain.errors import ValidationFailed
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus

SCHEMA_VERSION: Final = 1
"""Of `data`: a higher one means that what was there is gone or means something else. Fields are added without."""

INVOICE: Final = "invoice"
FULFILLMENT: Final = "fulfillment"
UPDATED: Final = "updated"
DELETED: Final = "deleted"

CALLED: Final = {
    InvoiceStatus.DRAFT.value: "created",
    InvoiceStatus.OPEN.value: "finalized",
    InvoiceStatus.VOID.value: "voided",
    InvoiceStatus.UNCOLLECTIBLE.value: "marked_uncollectible",
}
"""What an invoice's arrival at a status is called, where that is not the status's own name."""


def event_type(subject: str, was: str | None, became: str) -> str:
    """The type of the event that `subject` became `became`; one that stayed what it was is `updated`."""
    if was == became:
        return f"{subject}.{UPDATED}"
    return f"{subject}.{CALLED.get(became, became) if subject == INVOICE else became}"


INVOICE_TYPES: Final = tuple(
    event_type(INVOICE, None, status) for status in (*(one.value for one in InvoiceStatus), DELETED, UPDATED)
)
FULFILLMENT_TYPES: Final = tuple(
    event_type(FULFILLMENT, None, status) for status in (*(one.value for one in FulfillmentStatus), UPDATED)
)
TYPES: Final = (*INVOICE_TYPES, *FULFILLMENT_TYPES)
"""Every type of event there is."""


def require_types(types: Iterable[str], param: str = "types") -> frozenset[str]:
    """`types` as a set. Raises ValidationFailed, naming what is unknown."""
    wanted = frozenset(types)
    if unknown := sorted(wanted - set(TYPES)):
        raise ValidationFailed(
            f"{param}: there is no event type {unknown[0]!r}. There are: {', '.join(TYPES)}.", param=param
        )
    return wanted


# The cursor

_LAST_ID = 2**63 - 1
_CURSOR_LENGTH = 32


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed: after the event `id` of the transaction at `position`. Text sorts as cursors do."""

    position: int
    id: int

    def __str__(self) -> str:
        return f"{self.position:016x}{self.id:016x}"

    @classmethod
    def read(cls, text: str, param: str = "after") -> Self:
        """The cursor that `text` writes. Raises ValidationFailed."""
        digits = text.lower()
        if len(digits) == _CURSOR_LENGTH and not set(digits) - set("0123456789abcdef"):
            found = cls(int(digits[:16], 16), int(digits[16:], 16))
            if max(found.position, found.id) <= _LAST_ID:
                return found
        raise ValidationFailed(f"{param} is not a cursor that this feed answered.", param=param)

    @classmethod
    def before(cls, position: int) -> Self:
        """The end of everything that comes before `position`."""
        return cls(position - 1, _LAST_ID)


START: Final = Cursor.before(1)
"""Where the feed begins: what has position 0 is older than the feed and does not say what an event must."""


def named_place(text: str | None, otherwise: Cursor | None, param: str = "after") -> Cursor | None:
    """The place that `text` names: a cursor, `start`, or `now`, which is None, for only the feed knows where it ends."""
    match text:
        case None:
            return otherwise
        case "start":
            return START
        case "now":
            return None
    return Cursor.read(text, param)


def require_reached(cursor: Cursor, end: Cursor, param: str = "after") -> None:
    """Raise ValidationFailed for a cursor beyond the feed's `end`: nobody can have been there."""
    if cursor > end:
        raise ValidationFailed(
            f"{param} is ahead of this feed: it is of another one, or this database was set back. Begin again at `start`.",
            param=param,
        )


def require_kept(cursor: Cursor, gone: Cursor, param: str = "after") -> None:
    """Raise ValidationFailed for a cursor before the end of what is `gone`: something after it can be told no more."""
    if START < cursor < gone:
        raise ValidationFailed(
            f"{param} is older than what this feed keeps. Read what you follow anew, then go on from `start`, which is "
            "the oldest event there is, or from `now`.",
            param=param,
        )


# The document


def written(at: datetime) -> str:
    """A time as the documents write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event as it is stored; `data` is JSON already."""

    cursor: Cursor
    id: str
    type: str
    schema_version: int
    at: datetime
    invoice: str
    customer: str | None
    data: str


def envelope(event: FeedEvent, source: str) -> bytes:
    """The event as a CloudEvent in JSON. `source` is this deployment's address; `sequence` resumes after the event."""
    schema = "FulfillmentEventData" if event.type.startswith(FULFILLMENT) else "InvoiceEventData"
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
