"""The partitions of the inbox: lists them, makes those to come, drops those whose time is over.

An event lies where Stripe's `created_at` puts it; what fits nowhere lies in the default partition, and is moved when
its own is made. Nothing that is not processed is ever dropped.
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
"""What the partitions are called."""

AHEAD = timedelta(days=10)
"""How far ahead there are partitions at least: for so long may nobody keep house."""
BEHIND = timedelta(days=31)
"""How old an event may be that is new here: Stripe keeps them for thirty days."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
"""Whoever changes a partition has everybody who comes after wait behind: rather than that, it tries again later."""

_AS_OWNER = """
SELECT set_config('role', pg_get_userbyid(relowner), true) FROM pg_class WHERE oid = 'webhook_events'::regclass
"""
"""Until the transaction ends: what is made belongs to whom the inbox belongs to, and nobody else may drop it."""

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
    """One partition: it holds what was made from `since` on, before `until`; None is without a bound.

    The default partition has neither.
    """

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
    """Moves into a partition what lies in the default one."""
    moved = (
        delete(_DEFAULT)
        .where(_DEFAULT.c.created_at >= bindparam("since"), _DEFAULT.c.created_at < bindparam("until"))
        .returning(*_DEFAULT.c)
        .cte("moved")
    )
    columns = [column.name for column in webhook_events.columns]
    return Statement(insert(_partition(name)).from_select(columns, select(*moved.c)))


def _holds_unprocessed(name: str) -> Statement:
    """Asks whether something in a partition is not processed; each condition has an index of its own."""
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
    """How much time a partition holds, so that there are never more than some sixty of them: each costs a little."""
    if retention is None or retention > timedelta(days=420):
        return "month"
    return "week" if retention > timedelta(days=60) else "day"


def end_of(since: datetime, width: Width) -> datetime:
    """Where a partition ends that begins at `since`: at the next midnight, Monday or first of a month, UTC."""
    midnight = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if width == "day":
        return midnight + timedelta(days=1)
    if width == "week":
        return midnight + timedelta(days=7 - midnight.weekday())
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


async def listed(connection: Connection) -> list[Partition]:
    """Every partition, oldest first, the default one last."""
    return [Partition(**row) for row in await connection.fetch(_LISTED)]


def missing(found: list[Partition], now: datetime, width: Width) -> list[Partition]:
    """The partitions that are to be made, from where the last one ends."""
    ends = [one.until for one in found if one.until]
    since = max(ends, default=(now - BEHIND).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    made = []
    while since < now + AHEAD:
        until = end_of(since, width)
        made.append(Partition(f"{TABLE}_{since:%Y%m%d}", since, until))
        since = until
    return made


async def create(connection: Connection, wanted: Partition) -> None:
    """Make one partition in the transaction of `connection`, and move into it what lay in the default one.

    It is filled before it is attached, so that deliveries wait for neither.
    """
    since, until = (moment.isoformat() if moment else "" for moment in (wanted.since, wanted.until))
    names = identifiers(table=TABLE, partition=wanted.name)
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    await connection.execute("CREATE TABLE {partition} (LIKE {table} INCLUDING ALL)".format(**names))
    await _fill(wanted.name).execute(connection, since=wanted.since, until=wanted.until)
    await connection.execute(
        "ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{since}') TO ('{until}')".format(
            **names, since=since, until=until
        )
    )


async def drop(connection: Connection, old: Partition) -> bool:
    """Drop one partition in the transaction of `connection`; False where it holds what is not processed."""
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    names = identifiers(partition=old.name)
    await connection.execute("LOCK TABLE {partition} IN SHARE MODE".format(**names))
    if await _holds_unprocessed(old.name).value(connection):
        return False
    await connection.execute("DROP TABLE {partition}".format(**names))
    return True


async def empty_default(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` processed events from the default partition that were made `before`; how many it were.

    In the transaction of `connection`.
    """
    await connection.execute(_AS_OWNER)
    return await _EMPTY_DEFAULT.execute(connection, before=before, limit=limit)
