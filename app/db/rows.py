"""Locks, loads and stores whole rows of any table, in sets. A row is a JSON object with one key per column."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import cast

import msgspec
from sqlalchemy import JSON, Table, Text, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Connection, Database
from app.db.statement import Statement, any_of
from app.domain.errors import NotFound
from app.domain.json import JsonObject


@cache
def load_statement(table: Table, by: str) -> Statement:
    """Selects the rows of `table` whose column `by` is among `ids`."""
    return Statement(select(func.to_jsonb(table.table_valued())).where(table.c[by] == any_of("ids", Text)))


@cache
def store_statement(table: Table) -> Statement:
    """Inserts or replaces `rows`, a JSON array. PostgreSQL numbers them where the table has such a column."""
    columns = [one for one in table.c if one.identity is None]
    given = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(
        *(column(one.name, one.type) for one in columns)
    )
    stored = insert(table).from_select(
        [one.name for one in columns], select(given.render_derived(name="given", with_types=True))
    )
    replaced = {one.name: stored.excluded[one.name] for one in columns if not one.primary_key}
    return Statement(stored.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced))


async def lock(connection: Connection, subjects: Iterable[str]) -> None:
    """Lock `subjects` (Stripe ids), in an order that cannot deadlock, until the transaction ends. They need no rows."""
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
    return {cast("str", row[by]): row for row in await load_all(connection, table, ids, by=by)}


async def load_all(connection: Connection, table: Table, ids: Iterable[str], *, by: str) -> list[JsonObject]:
    """The rows of `table` whose column `by`, which need not be unique, is in `ids`."""
    wanted = list(ids)
    if not wanted:
        return []
    rows = await load_statement(table, by).column(connection, ids=wanted)
    return [cast("JsonObject", msgspec.json.decode(row)) for row in rows]


async def require_row(database: Database, table: Table, object_id: str, *, or_deleted: bool = False) -> JsonObject:
    """The row of an object. Raises NotFound if there is none, or if it is deleted, which `or_deleted` allows."""
    async with database.connection() as connection:
        row = (await load(connection, table, [object_id])).get(object_id)
    if row is None or (row["deleted_at"] and not or_deleted):
        name = table.name.removesuffix("s").replace("_", " ")
        raise NotFound(f"There is no {name} {object_id!r}.")
    return row


async def store(connection: Connection, table: Table, rows: Sequence[object]) -> None:
    """Insert or replace `rows`: JSON objects or dataclasses. A column that a row lacks becomes null."""
    if rows:
        await store_statement(table).execute(connection, rows=rows)
