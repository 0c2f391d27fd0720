"""Recording deliveries: each event once, answered only after it is durable.

Deliveries that arrive while a commit is under way share the next statement and the next commit.
"""

from collections.abc import Sequence

import asyncpg
import structlog

from app.db.batcher import Batcher, Individually
from app.db.engine import ONE_PLAN, Database, translated_errors
from app.domain.errors import DatabaseUnavailable, MalformedRequest
from app.inbox.statements import NewEvent, record
from app.observability import metrics

log = structlog.get_logger(__name__)

LONGEST_QUEUE = 2000
"""Deliveries that may wait in this process; beyond that Stripe is told to come again."""

UNSTORABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""One row is bad."""


class Inbox:
    """Records events through one connection that it keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[NewEvent, bool] = Batcher(self._record)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def waiting(self) -> int:
        """How many deliveries wait for a commit."""
        return self._batcher.waiting

    async def record(self, event: NewEvent) -> bool:
        """Store and queue `event`; whether it was new. Returns after the commit.

        Raises DatabaseUnavailable where it could not be stored, so that Stripe delivers it again, and MalformedRequest
        where it never can be.
        """
        if self.waiting >= LONGEST_QUEUE:
            raise DatabaseUnavailable("Too many deliveries are waiting to be recorded.", retry_after=1)
        return await self._batcher.submit(event) is True

    async def close(self) -> None:
        """Wait until everything that waits is recorded or refused, then close the connection."""
        await self._batcher.close()
        if self._connection is not None:
            await self._connection.close(timeout=2)
            self._connection = None

    async def _record(self, events: Sequence[NewEvent]) -> Sequence[bool | Exception | Individually]:
        """Record a batch; where one row is bad, its neighbours are recorded without it."""
        try:
            new = await self._store(events)
        except UNSTORABLE as error:
            if len(events) > 1:
                return [outcome for event in events for outcome in await self._record([event])]
            log.warning("event_not_storable", event=events[0].id, error=type(error).__name__)
            return [MalformedRequest("The event cannot be stored as it is.")]
        except Exception as error:  # noqa: BLE001 -- whatever it was, each sender is told, and none is told 200
            log.warning("events_not_recorded", events=len(events), error=type(error).__name__)
            return [error] * len(events)
        metrics.INTAKE_BATCH.observe(len(events))
        return [event.id in new for event in events]

    async def _store(self, events: Sequence[NewEvent]) -> set[str]:
        async with translated_errors():
            if self._connection is None or self._connection.is_closed():
                # One plan fits every batch; making one for each took a fifth of a lone delivery's statement.
                self._connection = await self._database.dedicated(**ONE_PLAN)
            return await record(self._connection, events)
