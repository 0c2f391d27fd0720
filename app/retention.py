"""The periodic tasks that keep the tables small: partitions of the inbox, the feed, deliveries, and answered operations."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.db import coverage, partitions
from app.db.engine import Connection, Database
from app.domain.idempotency import RETENTION
from app.domain.reminders import KEPT
from app.events import feed_statements
from app.idempotency import statements as idempotency_statements
from app.jobs.housekeeper import Task
from app.outgoing import delivery_statements
from app.projection import reminder_statements

log = structlog.get_logger(__name__)

BATCH = 1000
EVERY_S = 3600.0


async def make_partitions(database: Database, retention: timedelta | None, now: datetime | None = None) -> list[str]:
    """Make the partitions that are missing for the time after `now`, or from now on. Returns their names."""
    made: list[str] = []
    while True:
        async with database.unit_of_work() as connection:
            await connection.execute(partitions.ALONE)
            now = now or await coverage.now(connection)
            wanted = partitions.missing(await partitions.listed(connection), now, partitions.width_for(retention))
            if not wanted:
                return made
            await partitions.create(connection, wanted[0])
        made.append(wanted[0].name)


async def drop_partitions(database: Database, retention: timedelta) -> list[str]:
    """Drop partitions that ended longer than `retention` ago, unless they hold unprocessed events. Returns names."""
    async with database.connection() as connection:
        before = await coverage.now(connection) - retention
        found = await partitions.listed(connection)
    dropped = []
    for one in found:
        if one.until is None or one.until > before:
            continue
        async with database.unit_of_work() as connection:
            if await partitions.drop(connection, one):
                dropped.append(one.name)
            else:
                log.warning("events_past_retention_not_processed", partition=one.name)
    while True:
        async with database.unit_of_work() as connection:
            if await partitions.empty_default(connection, before, BATCH) < BATCH:
                return dropped


def keep_partitions(database: Database, retention: timedelta | None) -> Task:
    """The task that makes and drops partitions."""

    async def keep() -> dict[str, list[str]]:
        made = await make_partitions(database, retention)
        dropped = await drop_partitions(database, retention) if retention else []
        return {"made": made, "dropped": dropped}

    return Task("keep_partitions", EVERY_S, keep)


def rebase_feed(database: Database) -> Task:
    """The task that moves the feed's next position past the stored ones after a restore into another cluster."""

    async def rebase() -> bool:
        async with database.connection() as connection:
            return await feed_statements.rebase(connection)

    return Task("rebase_feed", 60.0, rebase)


def _purging(
    name: str,
    delete: Callable[[Connection, timedelta, int], Awaitable[int]],
    database: Database,
    kept: timedelta,
    every_s: float = EVERY_S,
) -> Task:
    """A task that deletes what is older than `kept`, in batches. Its result is how many rows."""

    async def purge() -> int:
        total = 0
        while True:
            async with database.connection() as connection:
                deleted = await delete(connection, kept, BATCH)
            total += deleted
            if deleted < BATCH:
                return total

    return Task(name, every_s, purge)


forget_feed = partial(_purging, "forget_feed", feed_statements.forget)
purge_deliveries = partial(_purging, "purge_deliveries", delivery_statements.purge)
forget_reminders = partial(_purging, "forget_reminders", reminder_statements.forget, kept=KEPT)
purge_operations = partial(_purging, "purge_operations", idempotency_statements.purge, kept=RETENTION, every_s=600.0)
"""The tasks that delete old events of the feed, finished deliveries, what was told of due dates, and answered operations."""
