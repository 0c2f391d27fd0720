"""Owns the partitions of the inbox: which there are, making those to come, dropping those whose time is over.

An event lies where Stripe's `created_at` puts it; what fits nowhere lies in the default partition, and is moved when
its own is made. Nothing that is not processed is ever dropped.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from app.db.engine import Connection

TABLE = "webhook_events"
PARTITION = re.compile(rf"{TABLE}_(default|before|\d{{8}})")
"""What the partitions are called."""

AHEAD = timedelta(days=10)
"""How far ahead there are partitions at least: for so long may nobody keep house."""
BEHIND = timedelta(days=31)
"""How old an event may be that is new here: Stripe keeps them for thirty days."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
"""Whoever changes a partition has everybody who comes after wait behind: rather than that, it tries again later."""

_AS_OWNER = f"SELECT set_config('role', pg_get_userbyid(relowner), true) FROM pg_class WHERE oid = '{TABLE}'::regclass"  # noqa: S608
"""Until the transaction ends: what is made belongs to whom the inbox belongs to, and nobody else may drop it."""

Width = Literal["day", "week", "month"]

_LISTED = f"""
SELECT child.relname AS name,
    (regexp_match(bound.text, 'FROM \\(''(.+?)''\\)'))[1]::timestamptz AS since,
    (regexp_match(bound.text, 'TO \\(''(.+?)''\\)'))[1]::timestamptz AS until
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS text) bound
WHERE inhparent = '{TABLE}'::regclass
ORDER BY until NULLS LAST
"""  # noqa: S608 -- only a constant of this module is interpolated


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: it holds what was made from `since` on, before `until`; None is without a bound.

    The default partition has neither.
    """

    name: str
    since: datetime | None
    until: datetime | None


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
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    await connection.execute(f"CREATE TABLE {wanted.name} (LIKE {TABLE} INCLUDING ALL)")
    await connection.execute(
        f"""
        WITH moved AS (
            DELETE FROM {TABLE}_default WHERE created_at >= $1 AND created_at < $2 RETURNING *
        )
        INSERT INTO {wanted.name} SELECT * FROM moved
        """,  # noqa: S608 -- only names of this module are interpolated
        wanted.since,
        wanted.until,
    )
    await connection.execute(
        f"ALTER TABLE {TABLE} ATTACH PARTITION {wanted.name} FOR VALUES FROM ('{since}') TO ('{until}')"
    )


async def drop(connection: Connection, old: Partition) -> bool:
    """Drop one partition in the transaction of `connection`; False where it holds what is not processed."""
    await connection.execute(LOCK_TIMEOUT)
    await connection.execute(_AS_OWNER)
    await connection.execute(f"LOCK TABLE {old.name} IN SHARE MODE")
    if await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM {old.name} WHERE status IN ('received', 'failed')) "  # noqa: S608
        f"OR EXISTS (SELECT FROM {old.name} WHERE status = 'processing') "
        f"OR EXISTS (SELECT FROM {old.name} WHERE status = 'dead')"
    ):
        return False
    await connection.execute(f"DROP TABLE {old.name}")
    return True


async def empty_default(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` processed events from the default partition that were made `before`; how many it were.

    In the transaction of `connection`.
    """
    await connection.execute(_AS_OWNER)
    done = await connection.execute(
        f"""
        DELETE FROM {TABLE}_default WHERE (id, created_at) IN (
            SELECT id, created_at FROM {TABLE}_default
            WHERE created_at < $1 AND status IN ('processed', 'ignored') LIMIT $2
        )
        """,  # noqa: S608 -- only names of this module are interpolated
        before,
        limit,
    )
    return int(done.rpartition(" ")[2])
