"""Owns the recording of deliveries: each event once, answered only after it is durable.

Deliveries that arrive while a commit is under way share the next statement and the next commit. A batch closes when
its connection is free, never after a timer, so that a lone delivery waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import asyncpg
import structlog

from app.db.engine import ONE_PLAN, Database, translated_errors
from app.domain.errors import DatabaseUnavailable, MalformedRequest
from app.inbox.statements import NewEvent, record
from app.observability import metrics

log = structlog.get_logger(__name__)

LARGEST_BATCH = 64
LONGEST_QUEUE = 2000
"""Deliveries that may wait in this process; beyond that Stripe is told to come again."""

Waiting = tuple[NewEvent, "asyncio.Future[bool]"]


class Inbox:
    """Records events through one connection that it keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Waiting] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def waiting(self) -> int:
        """How many deliveries wait for a commit."""
        return len(self._waiting)

    async def record(self, event: NewEvent) -> bool:
        """Store and queue `event`; whether it was new. Returns after the commit.

        Raises DatabaseUnavailable where it could not be stored, so that Stripe delivers it again.
        """
        if len(self._waiting) >= LONGEST_QUEUE:
            raise DatabaseUnavailable("Too many deliveries are waiting to be recorded.", retry_after=1)
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await stored

    async def close(self) -> None:
        """Wait until everything that waits is recorded or refused, then close the connection."""
        if self._writer is not None:
            await self._writer
        if self._connection is not None:
            await self._connection.close(timeout=2)
            self._connection = None

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
                await self._settle(batch)
        finally:
            self._writer = None

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        """Record a batch and tell each sender; where one row is bad, its neighbours are recorded without it."""
        try:
            new = await self._record([event for event, _ in batch])
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            if len(batch) == 1:
                log.warning("event_not_storable", event=batch[0][0].id, error=type(error).__name__)
                _tell(batch, MalformedRequest("The event cannot be stored as it is."))
                return
            for one in batch:
                await self._settle([one])
        except Exception as error:  # noqa: BLE001 -- whatever it was, each sender is told, and none is told 200
            log.warning("events_not_recorded", events=len(batch), error=type(error).__name__)
            _tell(batch, error)
        else:
            metrics.INTAKE_BATCH.observe(len(batch))
            for event, stored in batch:
                if not stored.done():
                    stored.set_result(event.id in new)

    async def _record(self, events: Sequence[NewEvent]) -> set[str]:
        async with translated_errors():
            if self._connection is None or self._connection.is_closed():
                # One plan fits every batch; making one for each took a fifth of a lone delivery's statement.
                self._connection = await self._database.dedicated(**ONE_PLAN)
            return await record(self._connection, events)


def _tell(batch: Sequence[Waiting], error: Exception) -> None:
    for _, stored in batch:
        if not stored.done():
            stored.set_exception(error)
