"""Up to when something is complete, by name: Stripe's events in the inbox, the sweeps and searches of what is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Connection, Database, translated_errors
from app.db.schema import coverage
from app.db.statement import Statement, parameters

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""A time before everything that is stored here or at Stripe."""
EVENTS = "events"
"""The name of the comparison of Stripe's events with the inbox."""

LOCK = 0x636F7665726167
"""The advisory lock of the process that compares them."""

LOST_FROM, LOST_UNTIL = "lost_from", "lost_until"
"""The names under which the days stand whose events Stripe no longer had."""

_C = coverage.c
_COUNTS = ("compared", "missed", "repaired")
_NAMED = _C.name == bindparam("name")
_READ = Statement(select(_C.complete_until, *(_C[count] for count in _COUNTS)).where(_NAMED))
_NEW = insert(coverage).values(parameters("name", "complete_until", *_COUNTS))
_EXTEND = Statement(
    _NEW.on_conflict_do_update(
        index_elements=[_C.name],
        set_={count: _C[count] + _NEW.excluded[count] for count in _COUNTS}
        | {"complete_until": func.greatest(_C.complete_until, _NEW.excluded.complete_until), "updated_at": func.now()},
    )
)
_COUNT_REPAIRS = Statement(
    update(coverage).values(repaired=_C.repaired + bindparam("more"), updated_at=func.now()).where(_NAMED)
)


@dataclass(frozen=True, slots=True)
class Covered:
    """All before `complete_until` is covered, but for what `lost` answers. The counts are totals."""

    complete_until: datetime
    compared: int
    missed: int
    repaired: int


@asynccontextmanager
async def alone(database: Database) -> AsyncIterator[bool]:
    """Take the lock for the block, on a connection of its own. Yields whether it was free."""
    async with database.session() as connection:
        async with translated_errors():
            held = bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))
        yield held


async def now(connection: Connection) -> datetime:
    """The time by the database's clock, which dates what is received: by another, some could be skipped or deleted early."""
    return cast("datetime", await connection.fetchval("SELECT now()"))


async def read(connection: Connection, name: str = EVENTS) -> Covered | None:
    """The coverage; None before the first pass."""
    return await _READ.row(connection, Covered, name=name)


async def lost(connection: Connection) -> tuple[datetime, datetime] | None:
    """From when until when Stripe's events were lost, if ever: Stripe did not keep them until they were compared."""
    since, until = await read(connection, LOST_FROM), await read(connection, LOST_UNTIL)
    return (since.complete_until, until.complete_until) if since and until else None


async def extend(
    connection: Connection, name: str, until: datetime, *, compared: int = 0, missed: int = 0, repaired: int = 0
) -> None:
    """Record that all before `until` is covered, and count what was found. The time never moves back."""
    await _EXTEND.execute(
        connection, name=name, complete_until=until, compared=compared, missed=missed, repaired=repaired
    )


async def count_repairs(connection: Connection, repaired: int) -> None:
    """Add to the number of invoices that had drifted from Stripe's."""
    await _COUNT_REPAIRS.execute(connection, name=EVENTS, more=repaired)
