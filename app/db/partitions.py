"""The inbox's partitions: list them, make those to come, drop those whose retention is over.

Stripe's `created_at` decides an event's partition. The default partition takes what fits nowhere; when the right
partition is made, its events move there. A partition with unprocessed events is never dropped.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import BigInteger, Column, MetaData, Table, bindparam, delete, exists, insert, or_, select, tuple_

from app.db.engine import Connection
from app.db.schema import webhook_events
from app.db.statement import Statement, identifiers

TABLE = webhook_events.name
PARTITION = re.compile(rf"{TABLE}_(default|before|\d{{8}})")
"""The names of the partitions."""

AHEAD = timedelta(days=10)
"""How far ahead partitions are made: the service works for so long without a housekeeper."""
BEHIND = timedelta(days=31)
"""The greatest age of an event that is new here: Stripe keeps events for thirty days."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
"""Changing a partition blocks everybody who queues behind it, so it gives up soon and is tried again later."""

ALONE = "SELECT pg_advisory_xact_lock(7410003)"
"""Wait until nobody else makes or drops partitions or grants rights on them, and be alone until the transaction ends."""

_AS_OWNER = """
SELECT set_config('role', pg_get_userbyid(relowner), true) FROM pg_class WHERE oid = 'webhook_events'::regclass
"""
"""Act as the inbox's owner until the transaction ends: it owns new partitions, and only it may drop them."""

Width = Literal["day", "week", "month"]

_LISTED = """
SELECT child.relname AS name,
    (regexp_match(bound.text, 'FROM \\(''(.+?)''\\)'))[1]::timestamptz AS since,
    (regexp_match(bound.text, 'TO \\(''(.+?)''\\)'))[1]::timestamptz AS until
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) bound
WHERE inhparent = 'webhook_events'::regclass
ORDER BY until NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: it holds events created from `since` on and before `until`. None means no bound."""

    name: str
    since: datetime | None
    until: datetime | None


def _partition(name: str) -> Table:
    """A partition as a table: its columns are those of the inbox."""
    return Table(name, MetaData(), *(Column(column.name, column.type) for column in webhook_events.columns))


_DEFAULT = _partition(f"{TABLE}_default")
_OLDEST = (
    select(_DEFAULT.c.id, _DEFAULT.c.created_at)
    .where(_DEFAULT.c.created_at < bindparam("before"), _DEFAULT.c.status.in_(("processed", "ignored")))
    .limit(bindparam("limit", type_=BigInteger))
)
_EMPTY_DEFAULT = Statement(delete(_DEFAULT).where(tuple_(_DEFAULT.c.id, _DEFAULT.c.created_at).in_(_OLDEST)))


def _fill(name: str) -> Statement:
    """Move the default partition's matching events into a partition."""
    moved = (
        delete(_DEFAULT)
        .where(_DEFAULT.c.created_at >= bindparam("since"), _DEFAULT.c.created_at < bindparam("until"))
        .returning(*_DEFAULT.c)
        .cte("moved")
    )
    columns = [column.name for column in webhook_events.columns]
    return Statement(insert(_partition(name)).from_select(columns, select(*moved.c)))


def _holds_unprocessed(name: str) -> Statement:
    """Whether a partition has unprocessed events. An index serves each condition."""
    status = _partition(name).c.status
    return Statement(
        select(
            or_(
                exists(select(status).where(status.in_(("received", "failed")))),
                exists(select(status).where(status == "processing")),
                exists(select(status).where(status == "dead")),
            )
        )
    )


def width_for(retention: timedelta | None) -> Width:
    """The width of a partition, chosen so that there are about sixty at most: each costs a little."""
    if retention is None or retention > timedelta(days=420):
        return "month"
    return "week" if retention > timedelta(days=60) else "day"


def end_of(since: datetime, width: Width) -> datetime:
    """The end of a partition that begins at `since`: the next midnight, Monday or first of a month, in UTC."""
    midnight = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if width == "day":
        return midnight + timedelta(days=1)
    if width == "week":
        return midnight + timedelta(days=7 - midnight.weekday())
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


async def listed(connection: Connection) -> list[Partition]:
    """All partitions, oldest first, the default one last."""
    return [Partition(**row) for row in await connection.fetch(_LISTED)]


def missing(found: list[Partition], now: datetime, width: Width) -> list[Partition]:
    """The partitions to make, from the end of the last one on."""
    ends = [one.until for one in found if one.until]
    since = max(ends, default=(now - BEHIND).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    made = []
    while since < now + AHEAD:
        until = end_of(since, width)
        made.append(Partition(f"{TABLE}_{since:%Y%m%d}", since, until))
        since = until
    return made


async def create(connection: Connection, wanted: Partition) -> None:
    """Make a partition in the caller's transaction, and move the default partition's matching events into it.

    It is filled before it is attached, so that deliveries wait for neither.
    """
    since, until = (moment.isoformat() if moment else "" for moment in (wanted.since, wanted.until))
    names = identifiers(table=TABLE, partition=wanted.name, default=_DEFAULT.name)
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    await connection.execute("CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)".format(**names))
    fill = _fill(wanted.name)
    await fill.execute(connection, since=wanted.since, until=wanted.until)
    await connection.execute("LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE".format(**names))
    await fill.execute(connection, since=wanted.since, until=wanted.until)  # what came meanwhile
    await connection.execute(
        "ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{since}') TO ('{until}')".format(
            **names, since=since, until=until
        )
    )


async def drop(connection: Connection, old: Partition) -> bool:
    """Drop a partition in the caller's transaction. Returns False if it holds unprocessed events."""
    await connection.execute(ALONE)
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    names = identifiers(partition=old.name)
    await connection.execute("LOCK TABLE {partition} IN SHARE MODE".format(**names))
    if await _holds_unprocessed(old.name).value(connection):
        return False
    await connection.execute("DROP TABLE {partition}".format(**names))
    return True


async def empty_default(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` finished events created `before` from the default partition. Returns how many."""
    await connection.execute(_AS_OWNER)
    return await _EMPTY_DEFAULT.execute(connection, before=before, limit=limit)
