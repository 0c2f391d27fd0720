"""Owns the statements about an invoice's items and about which PaymentIntent pays which invoice."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from app.db.engine import Connection
from app.db.rows import store
from app.db.tables import INVOICE_ITEMS
from app.domain.json import JsonObject


async def replace(connection: Connection, items: Mapping[str, Sequence[JsonObject]]) -> None:
    """Make `items` (rows by invoice id) all the items these invoices have."""
    if not items:
        return
    await connection.execute("DELETE FROM invoice_items WHERE invoice = ANY($1::text[])", list(items))
    await store(connection, INVOICE_ITEMS, [row for rows in items.values() for row in rows])


async def of(connection: Connection, invoices: Collection[str]) -> dict[str, list[JsonObject]]:
    """The items of `invoices`, as rows by invoice, in their order."""
    rows = await connection.fetch(
        "SELECT invoice, to_jsonb(item) FROM invoice_items item WHERE invoice = ANY($1::text[]) ORDER BY invoice, position",
        list(invoices),
    )
    found: dict[str, list[JsonObject]] = {}
    for invoice, item in rows:
        found.setdefault(invoice, []).append(msgspec.json.decode(item))
    return found


async def line_item(connection: Connection, invoice_id: str, item_id: str) -> str | None:
    """The line item (`il_…`) under which Stripe lists the invoice item `item_id`, or None."""
    found: str | None = await connection.fetchval(
        "SELECT line_item FROM invoice_items WHERE invoice = $1 AND (id = $2 OR line_item = $2)", invoice_id, item_id
    )
    return found


async def count(connection: Connection, invoice_id: str) -> int:
    """How many items the invoice has."""
    found: int = await connection.fetchval("SELECT count(*) FROM invoice_items WHERE invoice = $1", invoice_id)
    return found


async def invoices_of(connection: Connection, payment_intents: Iterable[str]) -> dict[str, str]:
    """The invoice each of `payment_intents` pays, as far as it is known here."""
    rows = await connection.fetch(
        "SELECT payment_intent, invoice FROM invoice_payments WHERE payment_intent = ANY($1::text[])",
        list(payment_intents),
    )
    return {row["payment_intent"]: row["invoice"] for row in rows}


async def links_of(connection: Connection, invoices: Collection[str]) -> list[JsonObject]:
    """The rows that say which PaymentIntents pay `invoices`."""
    if not invoices:
        return []
    rows = await connection.fetch(
        "SELECT payment_intent, id, invoice, is_default FROM invoice_payments WHERE invoice = ANY($1::text[])",
        list(invoices),
    )
    return [dict(row) for row in rows]


async def unknown_customers(connection: Connection, customers: Collection[str]) -> list[str]:
    """Which of `customers` are not known here."""
    rows = await connection.fetch(
        """
        SELECT id FROM unnest($1::text[]) AS named (id)
        WHERE NOT EXISTS (SELECT FROM customers WHERE customers.id = named.id)
          AND NOT EXISTS (SELECT FROM tombstones WHERE tombstones.id = named.id)
        """,
        list(customers),
    )
    return [row[0] for row in rows]
