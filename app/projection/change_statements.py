"""Adds changes of invoices and fulfillments. Rows are only added.

The rows are the feed's events (see feed_statements.py). An event exists if and only if its change was committed.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
)

from app.db.engine import Connection
from app.db.schema import changes, feed
from app.db.schema.metadata import JSON
from app.db.statement import Statement
from app.domain.json import JsonObject

CHANNEL = "feed"

TIMELINE: ColumnElement[int] = literal_column(
    "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer", Integer
)
"""PostgreSQL's timeline: how often this server's history was forked by promoting a replica or recovering a backup."""

BASE = select(
    feed.c.base
    + case((func.pg_is_in_recovery(), 0), else_=func.greatest(0, TIMELINE - feed.c.timeline))
    * literal_column("4294967296", BigInteger)
).scalar_subquery()
"""The number added to a transaction's id to make a position. It is 2^32 higher for each timeline since it was stored.

A promoted replica may lack what readers have seen, but what it writes must come after that.
"""

_GIVEN = ("event", "type", "schema_version", "invoice", "customer", "subject", "was", "became", "cause", "data")
_CHANGE = (
    func.jsonb_to_recordset(bindparam("changes", type_=JSON))
    .table_valued(*(column(name, changes.c[name].type) for name in _GIVEN))
    .render_derived(name="change", with_types=True)
)
_POSITION = BASE + cast(cast(func.pg_current_xact_id(), Text), BigInteger)
_ADD = Statement(
    select(func.pg_notify(CHANNEL, "")).add_cte(
        insert(changes).from_select([*_GIVEN, "position"], select(*_CHANGE.c, _POSITION)).cte("added")
    )
)


async def add(connection: Connection, changes: Sequence[JsonObject]) -> None:
    """Add `changes` in the caller's transaction. The commit notifies listeners."""
    if changes:
        await _ADD.execute(connection, changes=changes)
