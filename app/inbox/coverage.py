"""Coverage: up to when Stripe's events were compared with the inbox, and the lock of the process that does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.db import schema
from app.db.engine import Connection, Database, translated_errors
from app.db.statement import Statement, parameters

NAME = "events"
LOCK = 0x636F7665726167
"""The advisory lock of the process that reconciles."""

_C = schema.coverage.c
_READ = Statement(select(_C.complete_until, _C.compared, _C.missed, _C.repaired).where(_C.name == NAME))
_NEW = insert(schema.coverage).values(name=NAME, **parameters("complete_until", "compared", "missed"))
_EXTEND = Statement(
    _NEW.on_conflict_do_update(
        index_elements=[_C.name],
        set_={
            "complete_until": func.greatest(_C.complete_until, _NEW.excluded.complete_until),
            "compared": _C.compared + _NEW.excluded.compared,
            "missed": _C.missed + _NEW.excluded.missed,
            "updated_at": func.now(),
        },
    )
)
_COUNT_REPAIRS = Statement(
    update(schema.coverage)
    .values(repaired=_C.repaired + bindparam("more"), updated_at=func.now())
    .where(_C.name == NAME)
)


@dataclass(frozen=True, slots=True)
class Covered:
    """All events that Stripe made before `complete_until` are in the inbox. The counts are totals."""

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


async def read(connection: Connection) -> Covered | None:
    """The coverage; None before the first pass."""
    return await _READ.row(connection, Covered)


async def extend(connection: Connection, until: datetime, *, compared: int, missed: int) -> None:
    """Record that all events before `until` are stored. The time never moves back."""
    await _EXTEND.execute(connection, complete_until=until, compared=compared, missed=missed)


async def count_repairs(connection: Connection, repaired: int) -> None:
    """Add to the number of invoices that had drifted from Stripe's."""
    await _COUNT_REPAIRS.execute(connection, more=repaired)
