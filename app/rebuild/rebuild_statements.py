"""The SQL statements of a rebuild: an empty projection beside the live one, and how the two differ.

The projection consists of temporary tables of one connection. They have the live tables' names and come first in its
search path, so the same code writes them. They vanish with the connection.
"""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from app.db.engine import Connection
from app.db.tables import CUSTOMERS, FULFILLMENTS, INVOICE_ITEMS, INVOICES, PRICES, PRODUCTS, Table
from app.domain.json import JsonObject
from app.projection.item_statements import invoices_of

COMPARED = (PRODUCTS, PRICES, CUSTOMERS, INVOICES, INVOICE_ITEMS, FULFILLMENTS)
"""The compared tables, parents first."""

BESIDE = (
    "reference_claims",
    "invoice_payments",
    "tombstones",
    "changes",
    "configured_actions",  # empty: nothing that is rebuilt is done again
    "fulfillment_actions",
    "fulfillment_policy",
    "webhook_events",
    "operations",
    "audit_log",
)
"""Further tables that the code writes (an erasure touches many). They are temporary, too."""

OUR_OWN = (
    "updated_at",
    "deleted_at",
    "snapshot_since",
    "snapshot_until",
    "snapshot_digest",
    "lines_digest",
    "revision",
    "fulfilled_at",
    "attempt",
    "attempt_at",
    "failure_at",
    "action_required_at",
    "payment_attempts",
    "history",
    "policy",
    "document",
    "items_document",
    "document_version",
    "later_digests",
    "sequence",
)
"""Columns that say when and how something came here, not what it is."""

BATCH = 200
PATIENCE_S = 600.0
"""Seconds that the comparison of two whole tables may take."""


async def open_projection(connection: Connection) -> None:
    """Create the empty tables."""
    for name in (*(table.name for table in COMPARED), *BESIDE):
        await connection.execute(f"CREATE TEMP TABLE {name} (LIKE public.{name} INCLUDING ALL)")


async def events(connection: Connection) -> AsyncIterator[list[tuple[str, str]]]:
    """The applied events as (type, payload), in the order in which they were received."""
    last = (datetime.fromtimestamp(0).astimezone(), "")
    while True:
        rows = await connection.fetch(
            """
            SELECT type, payload, received_at, id FROM public.webhook_events
            WHERE processed_at IS NOT NULL AND (received_at, id) > ($1, $2) ORDER BY received_at, id LIMIT $3
            """,
            *last,
            BATCH,
        )
        if not rows:
            return
        yield [(row["type"], row["payload"]) for row in rows]
        last = (rows[-1]["received_at"], rows[-1]["id"])


async def invoice_of(connection: Connection, payment_intent: str) -> str | None:
    """The id of the invoice that a PaymentIntent pays, as far as the rebuilt projection knows."""
    return next(iter((await invoices_of(connection, [payment_intent])).values()), None)


async def differences(
    connection: Connection, table: Table, before: datetime
) -> list[tuple[str, JsonObject | None, JsonObject | None]]:
    """The rows that differ, as (key, live, rebuilt), without live rows that changed since `before`."""
    name, key = table.name, table.key
    own = [*OUR_OWN, "created_at"] if table is FULFILLMENTS else OUR_OWN
    fresh = "live.updated_at >= $2" if "updated_at" in table.columns else "false"
    rows = await connection.fetch(
        f"""
        SELECT coalesce(live.{key}, rebuilt.{key}) AS key,
            CASE WHEN live.{key} IS NOT NULL THEN {_compared(table, "live")} END AS live,
            CASE WHEN rebuilt.{key} IS NOT NULL THEN {_compared(table, "rebuilt")} END AS rebuilt
        FROM public.{name} live FULL JOIN pg_temp.{name} rebuilt ON live.{key} = rebuilt.{key}
        WHERE NOT coalesce({fresh}, false) AND $2::timestamptz IS NOT NULL
        """,  # noqa: S608 -- names come from tables.py
        own,
        before,
        timeout=PATIENCE_S,
    )
    decoded = ((row["key"], _decoded(row["live"]), _decoded(row["rebuilt"])) for row in rows)
    return [(found, live, rebuilt) for found, live, rebuilt in decoded if live != rebuilt]


def _compared(table: Table, side: str) -> str:
    """The SQL of what is compared of the row `side`: columns, whether it is deleted, and documents.

    A live row with no document, or an older one, is compared by its columns only.
    """
    compared = f"to_jsonb({side}) - $1::text[]"
    if "document" in table.columns:
        document, items = (_documents(side, column) for column in ("document", "items_document"))
        compared += f" || jsonb_build_object('deleted', {side}.deleted_at IS NOT NULL, "
        compared += f"'document', {document} - ARRAY['updated_at', 'payment_intent']"
        compared += f", 'items', {items})" if "items_document" in table.columns else ")"
    return compared


def _documents(side: str, column: str) -> str:
    if side == "rebuilt":
        return f"rebuilt.{column}::jsonb"
    older = "live.document_version < rebuilt.document_version"
    return f"(CASE WHEN {older} THEN rebuilt.{column} ELSE live.{column} END)::jsonb"


def _decoded(text: str | None) -> JsonObject | None:
    return msgspec.json.decode(text) if text else None
