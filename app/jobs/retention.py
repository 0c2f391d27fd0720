"""Makes the inbox's partitions ahead of time, and deletes partitions and feed events whose retention is over."""

from datetime import UTC, datetime, timedelta

import structlog

from app.db import partitions
from app.db.engine import Database
from app.events import feed_statements
from app.jobs.housekeeper import BATCH, Task

log = structlog.get_logger(__name__)

EVERY_S = 3600.0


async def make_partitions(database: Database, retention: timedelta | None, now: datetime) -> list[str]:
    """Make the partitions that are missing for the time after `now`. Returns their names."""
    async with database.connection() as connection:
        found = await partitions.listed(connection)
    made = partitions.missing(found, now, partitions.width_for(retention))
    for one in made:
        async with database.unit_of_work() as connection:
            await partitions.create(connection, one)
    return [one.name for one in made]


async def drop_partitions(database: Database, retention: timedelta) -> list[str]:
    """Drop the partitions that ended longer than `retention` ago. Returns their names.

    A partition that holds an unprocessed event stays, and a warning is logged.
    """
    before = datetime.now(UTC) - retention
    async with database.connection() as connection:
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
        made = await make_partitions(database, retention, datetime.now(UTC))
        dropped = await drop_partitions(database, retention) if retention else []
        return {"made": made, "dropped": dropped}

    return Task("keep_partitions", EVERY_S, keep)


def forget_feed(database: Database, retention: timedelta) -> Task:
    """The task that deletes feed events older than `retention`, in batches."""

    async def forget() -> int:
        total = 0
        while True:
            async with database.connection() as connection:
                deleted = await feed_statements.forget(connection, retention, BATCH)
            total += deleted
            if deleted < BATCH:
                return total

    return Task("forget_feed", EVERY_S, forget)
