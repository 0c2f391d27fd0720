"""Owns the statements of a rehearsal: which stored events it looks at, and the rows that stand for them. Only reads."""

from collections.abc import Collection
from dataclasses import dataclass

from app.db.engine import Connection
from app.db.rows import load
from app.db.tables import INVOICE_ITEMS
from app.domain.json import JsonObject
from app.projection import mirrored_rows
from app.stripe.mapping import Kind

_COLUMNS = "id, type, object_id, api_version, payload"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it came."""

    id: str
    type: str
    object_id: str | None
    api_version: str | None
    payload: str


async def newest(connection: Connection, types: Collection[str], *, livemode: bool, limit: int) -> list[StoredEvent]:
    """The last events of `types` that were applied, the newest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM webhook_events
        WHERE type = ANY($1::text[]) AND livemode = $2 AND account IS NULL AND status = 'processed'
        ORDER BY received_at DESC, id DESC LIMIT $3
        """,  # noqa: S608 -- only constants of this module are interpolated
        list(types),
        livemode,
        limit,
    )
    return [StoredEvent(**row) for row in rows]


async def stored(connection: Connection, ids: Collection[str]) -> dict[str, StoredEvent]:
    """Those of the events `ids` that were received, by id."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM webhook_events WHERE id = ANY($1::text[])",  # noqa: S608 -- as above
        list(ids),
    )
    return {row["id"]: StoredEvent(**row) for row in rows}


async def row_of(connection: Connection, kind: Kind, object_id: str) -> JsonObject | None:
    """The live row of an object; None where there is none, or it is deleted."""
    row = (await mirrored_rows.read(connection, kind, [object_id])).get(object_id)
    return None if row is None or row["deleted_at"] else row


async def items_of(connection: Connection, invoice: str) -> dict[str, JsonObject]:
    """An invoice's items, by the id of their line."""
    lines = await connection.fetch("SELECT line_item FROM invoice_items WHERE invoice = $1", invoice)
    return await load(connection, INVOICE_ITEMS, [line[0] for line in lines], by="line_item")
