"""Locks, loads and stores whole rows of any table, in sets.

A row is a JSON object with one key per column.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import cast

import msgspec

from app.db.engine import Connection
from app.db.tables import Table
from app.domain.json import JsonObject, storable


@cache
def _load_statement(table: Table, column: str) -> str:
    return f"SELECT to_jsonb(row) FROM {table.name} row WHERE {column} = ANY($1::text[])"  # noqa: S608


@cache
def _upsert_statement(table: Table) -> str:
    listed = ", ".join(table.columns)
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in table.columns if name != table.key)
    return (
        f"INSERT INTO {table.name} ({listed}) "  # noqa: S608 -- names come from tables.py
        f"SELECT {listed} FROM json_populate_recordset(NULL::{table.name}, $1::json) "
        f"ON CONFLICT ({table.key}) DO UPDATE SET {updates}"
    )


async def lock(connection: Connection, subjects: Iterable[str]) -> None:
    """Lock `subjects` (Stripe ids) until the transaction ends.

    Everybody takes the locks in the same order, so they cannot deadlock. A subject needs no row.
    """
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(key)
        FROM (SELECT DISTINCT hashtextextended(subject, 0) AS key FROM unnest($1::text[]) subject ORDER BY key) keys
        """,
        list(subjects),
    )


async def lock_free(connection: Connection, subjects: Iterable[str]) -> set[str]:
    """Lock those of `subjects` that nobody else holds, without waiting, and return them."""
    rows = await connection.fetch(
        "SELECT subject FROM unnest($1::text[]) subject WHERE pg_try_advisory_xact_lock(hashtextextended(subject, 0))",
        list(subjects),
    )
    return {row[0] for row in rows}


async def load(connection: Connection, table: Table, ids: Iterable[str], *, by: str = "id") -> dict[str, JsonObject]:
    """The rows of `table` whose column `by` is in `ids`, keyed by that column. Absent rows are missing."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await connection.fetch(_load_statement(table, by), wanted)
    decoded = (cast("JsonObject", msgspec.json.decode(row[0])) for row in rows)
    return {cast("str", row[by]): row for row in decoded}


async def store(connection: Connection, table: Table, rows: Sequence[JsonObject]) -> None:
    """Insert or replace `rows`. A column that a row lacks becomes null."""
    if rows:
        await connection.execute(_upsert_statement(table), storable(rows))
