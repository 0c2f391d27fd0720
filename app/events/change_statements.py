"""Owns the statement that adds changes: what became of invoices and fulfillments; rows are only ever added.

The rows are the feed's events (see feed.py), so there is no second copy that could be missing: an event is there if and
only if what it tells of was committed.
"""

from collections.abc import Sequence

from app.db.engine import Connection
from app.domain.json import JsonObject, storable

CHANNEL = "feed"

TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"
"""PostgreSQL's timeline: how often a replica was promoted, or a backup recovered, in the history of this server."""

BASE = f"""(
    SELECT base + CASE WHEN pg_is_in_recovery() THEN 0 ELSE greatest(0, {TIMELINE} - timeline) END * 4294967296
    FROM feed
)"""  # noqa: S608 -- only a constant of this module is interpolated
"""What is added to a transaction's id to make a position: higher by 2^32 for each timeline since the base was stored.

A promoted replica may not have what readers have seen; what it writes must come after that all the same.
"""

_ADD = f"""
WITH added AS (
    INSERT INTO changes (
        event, type, schema_version, position, invoice, customer, subject, was, became, cause, data
    )
    SELECT event, type, schema_version, {BASE} + pg_current_xact_id()::text::bigint,
        invoice, customer, subject, was, became, cause, data
    FROM jsonb_to_recordset($1::jsonb) AS change (
        event text, type text, schema_version integer, invoice text, customer text, subject text, was text,
        became text, cause text, data jsonb
    )
)
SELECT pg_notify('{CHANNEL}', '')
"""  # noqa: S608 -- only a constant of this module is interpolated


async def add(connection: Connection, changes: Sequence[JsonObject]) -> None:
    """Add `changes` in the transaction that makes them; whoever listens hears of it when that commits."""
    if changes:
        await connection.execute(_ADD, storable(changes))
