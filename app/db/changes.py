"""Owns the statements about changes: what became of invoices and fulfillments, in order; rows are only ever added."""

from collections.abc import Sequence

import msgspec

from app.db.engine import Connection
from app.domain.json import JsonObject


async def add(connection: Connection, changes: Sequence[JsonObject]) -> None:
    """Add `changes` in the transaction that makes them."""
    if changes:
        await connection.execute(
            """
            INSERT INTO changes (invoice, subject, was, became, cause, data)
            SELECT invoice, subject, was, became, cause, data
            FROM jsonb_to_recordset($1::jsonb)
                AS change (invoice text, subject text, was text, became text, cause text, data jsonb)
            """,
            msgspec.json.encode(changes).decode(),
        )
