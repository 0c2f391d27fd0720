"""Owns how whole rows are read, locked and written in sets, whatever the table.

A row travels as a JSON object with one key per column. Column lists come from the models, so that a new column is
added in one place. Which values a row gets is decided elsewhere.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import cast

import msgspec
from sqlalchemy import Table

from app.db.engine import Connection
from app.db.models import Model
from app.domain.json import JsonObject


@cache
def _table(model: type[Model]) -> Table:
    return cast("Table", model.__table__)


@cache
def _load_statement(model: type[Model], column: str) -> str:
    return f"SELECT to_jsonb(row) FROM {_table(model).name} row WHERE {column} = ANY($1::text[])"  # noqa: S608


@cache
def _upsert_statement(model: type[Model]) -> str:
    table = _table(model)
    columns = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    listed = ", ".join(columns)
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in keys)
    return (
        f"INSERT INTO {table.name} ({listed}) "  # noqa: S608 -- names come from the models
        f"SELECT {listed} FROM jsonb_populate_recordset(NULL::{table.name}, $1::jsonb) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {updates}"
    )


async def lock(connection: Connection, subjects: Iterable[str]) -> None:
    """Hold each of `subjects` (Stripe ids) until the transaction ends, so that no two processes change one at once.

    The locks are taken in one order by everybody: no deadlock. They also cover what has no row yet.
    """
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(key)
        FROM (SELECT DISTINCT hashtextextended(subject, 0) AS key FROM unnest($1::text[]) subject ORDER BY key) keys
        """,
        list(subjects),
    )


async def load(
    connection: Connection, model: type[Model], ids: Iterable[str], *, by: str = "id"
) -> dict[str, JsonObject]:
    """The rows of `model` whose column `by` is one of `ids`, keyed by that column; absent rows are absent."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await connection.fetch(_load_statement(model, by), wanted)
    decoded = (cast("JsonObject", msgspec.json.decode(row[0])) for row in rows)
    return {cast("str", row[by]): row for row in decoded}


async def store(connection: Connection, model: type[Model], rows: Sequence[JsonObject]) -> None:
    """Insert or replace `rows`; each must have every column of `model` (a missing one becomes null)."""
    if rows:
        await connection.execute(_upsert_statement(model), msgspec.json.encode(rows).decode())
