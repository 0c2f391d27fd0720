"""Owns the statements about coverage: up to when Stripe's events were compared with the inbox, and by whom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from app.db.engine import Connection, Database, translated_errors

NAME = "events"
LOCK = 0x636F7665726167
"""The advisory lock of whoever reconciles."""


@dataclass(frozen=True, slots=True)
class Covered:
    """Every event that Stripe made before `complete_until` is in the inbox; counted since the beginning."""

    complete_until: datetime
    compared: int
    missed: int
    repaired: int


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[bool]:
    """Whether this is the only one that reconciles, for as long as the block runs; it ends with the connection."""
    connection = await database.dedicated()
    try:
        async with translated_errors():
            held = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))
        yield held
    finally:
        await connection.close(timeout=2)


async def read(connection: Connection) -> Covered | None:
    """How far it got; None before the first pass."""
    row = await connection.fetchrow(
        "SELECT complete_until, compared, missed, repaired FROM coverage WHERE name = $1", NAME
    )
    return Covered(**row) if row else None


async def extend(connection: Connection, until: datetime, *, compared: int, missed: int) -> None:
    """Put down that everything before `until` is recorded; it never moves back."""
    await connection.execute(
        """
        INSERT INTO coverage (name, complete_until, compared, missed) VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE SET
            complete_until = greatest(coverage.complete_until, EXCLUDED.complete_until),
            compared = coverage.compared + EXCLUDED.compared,
            missed = coverage.missed + EXCLUDED.missed,
            updated_at = now()
        """,
        NAME,
        until,
        compared,
        missed,
    )


async def count_repairs(connection: Connection, repaired: int) -> None:
    """Add to the number of invoices that had drifted from Stripe's."""
    await connection.execute(
        "UPDATE coverage SET repaired = repaired + $2, updated_at = now() WHERE name = $1", NAME, repaired
    )
