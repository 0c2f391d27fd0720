"""Lists the invoices about which a person must do something, oldest money first, through an index of these alone."""

import base64
import binascii
from datetime import UTC, datetime

import msgspec

from app.db import documents
from app.db.engine import Connection
from app.db.resources import INVOICE
from app.domain.errors import ValidationFailed
from app.invoices import stuck_statements
from app.invoices.queries import InvoicesQuery

LISTED = "stuck invoice"


class _Cursor(msgspec.Struct, array_like=True):
    """Where a page ended."""

    at: datetime
    id: str
    listed: str


async def page(connection: Connection, asked: InvoicesQuery, own_customer: str | None) -> bytes:
    """A page of the list. Raises ValidationFailed for a cursor of another one, and for filters beside `customer`."""
    others = asked.model_fields_set - {"stuck", "customer", "limit", "cursor"}
    if others:
        other = min(others)
        raise ValidationFailed(f"{other} cannot be combined with stuck: of all filters, customer can.", param=other)
    after = _read(asked.cursor) if asked.cursor else None
    found = await stuck_statements.page(
        connection, (after.at, after.id) if after else (None, ""), (asked.customer, own_customer), asked.limit + 1
    )
    shown = found[: asked.limit]
    by_id = await documents.read_all(connection, INVOICE, [row["id"] for row in shown], single=False)
    more = len(found) > len(shown)
    next_cursor = _written(_Cursor(shown[-1]["stuck_since"], shown[-1]["id"], LISTED)) if more else None
    data = [msgspec.Raw(by_id[row["id"]].encode()) for row in shown if row["id"] in by_id]
    return msgspec.json.encode({"data": data, "has_more": more, "next_cursor": next_cursor})


def _written(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _read(text: str) -> _Cursor:
    try:
        found = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
        found.at = found.at.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise ValidationFailed("cursor is not one that this list answered.", param="cursor") from None
    if found.listed != LISTED or "\0" in found.id:
        raise ValidationFailed("cursor is of another list: page each list by its own next_cursor.", param="cursor")
    return found
