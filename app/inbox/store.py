"""Stores each delivery once, and acknowledges it after the commit, which deliveries of one time share."""

from collections.abc import Sequence

import asyncpg
import structlog

from app.db.batcher import Batcher, Individually
from app.db.engine import ONE_PLAN, Database, close, translated_errors
from app.domain.errors import DatabaseUnavailable, MalformedRequest
from app.inbox.statements import NewEvent, record
from app.observability import metrics

log = structlog.get_logger(__name__)

LONGEST_QUEUE = 2000
"""The most deliveries that may wait in this process; beyond, Stripe must deliver again."""

UNSTORABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""The errors of a bad row."""


class Inbox:
    """Stores events through one connection that it keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[NewEvent, bool] = Batcher(self._record)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def waiting(self) -> int:
        """The number of deliveries that wait for a commit."""
        return self._batcher.waiting

    async def record(self, event: NewEvent) -> bool:
        """Store and queue `event`. Returns after the commit whether it was new.

        Raises DatabaseUnavailable if it was not stored, so that Stripe delivers it again, and MalformedRequest if it
        never can be.
        """
        if self.waiting >= LONGEST_QUEUE:
            raise DatabaseUnavailable("Too many deliveries are waiting to be recorded.", retry_after=1)
        return await self._batcher.submit(event) is True

    async def close(self) -> None:
        """Wait until all waiting deliveries are stored or refused, then close the connection."""
        await self._batcher.close()
        if self._connection is not None:
            await close(self._connection)
            self._connection = None

    async def _record(self, events: Sequence[NewEvent]) -> Sequence[bool | Exception | Individually]:
        """Store a batch. If one row is bad, the others are stored without it."""
        try:
            async with translated_errors():
                if self._connection is None or self._connection.is_closed():
                    # One plan fits every batch; making one for each took a fifth of a lone delivery's statement.
                    self._connection = await self._database.dedicated(**ONE_PLAN)
                new = await record(self._connection, events)
        except UNSTORABLE as error:
            if len(events) > 1:
                return [outcome for event in events for outcome in await self._record([event])]
            log.warning("event_not_storable", event=events[0].id, error=type(error).__name__)
            return [MalformedRequest("The event cannot be stored as it is.")]
        except Exception as error:  # noqa: BLE001 -- whatever it was, each sender is told, and none is told 200
            if self._connection is not None:
                self._connection.terminate()  # the next batch connects anew: this server may be no primary any more
            log.warning("events_not_recorded", events=len(events), error=type(error).__name__)
            return [error] * len(events)
        metrics.INTAKE_BATCH.observe(len(events))
        return [event.id in new for event in events]
