"""What a rehearsal reads: stored events, and the rows they led to."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, select

from app.db.engine import Connection
from app.db.rows import load
from app.db.schema import invoice_items, webhook_events
from app.db.statement import Statement, any_of
from app.domain.json import JsonObject
from app.projection import mirrored_rows
from app.stripe.mapping import ITEM, Kind


@dataclass(frozen=True, slots=True)
class StoredEvent:
    id: str
    type: str
    object_id: str | None
    api_version: str | None
    payload: str


_C = webhook_events.c
_STORED = select(_C.id, _C.type, _C.object_id, _C.api_version, _C.payload)
_NEWEST = Statement(
    _STORED.where(
        _C.type == any_of("types", Text),
        _C.livemode == bindparam("livemode"),
        _C.account.is_(None),
        _C.status == "processed",
    )
    .order_by(_C.received_at.desc(), _C.id.desc())
    .limit(bindparam("limit", type_=BigInteger))
)
_AMONG = Statement(_STORED.where(_C.id == any_of("ids", Text)))
_LINES = Statement(select(invoice_items.c.line_item).where(invoice_items.c.invoice == bindparam("invoice")))


async def newest(connection: Connection, types: Collection[str], *, livemode: bool, limit: int) -> list[StoredEvent]:
    """The last applied events of `types`, newest first."""
    return await _NEWEST.rows(connection, StoredEvent, types=list(types), livemode=livemode, limit=limit)


async def stored(connection: Connection, ids: Collection[str]) -> dict[str, StoredEvent]:
    return {found.id: found for found in await _AMONG.rows(connection, StoredEvent, ids=list(ids))}


async def row_of(connection: Connection, kind: Kind, object_id: str) -> JsonObject | None:
    """The live row of an object; None if there is none or it is deleted."""
    row = (await mirrored_rows.read(connection, kind, [object_id])).get(object_id)
    return None if row is None or row["deleted_at"] else row


async def items_of(connection: Connection, invoice: JsonObject) -> dict[str, JsonObject]:
    """The items of an invoice's row, by line id, with the fields that only their document holds."""
    lines = await _LINES.column(connection, invoice=invoice["id"])
    items = await load(connection, invoice_items, lines, by="line_item")
    for document in msgspec.json.decode(invoice["items_document"]):
        items[document["line_item"]] |= {name: document[name] for name in ITEM.later if name in document}
    return items
