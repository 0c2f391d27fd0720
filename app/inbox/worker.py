"""Owns the worker's life: take what is due, process it, wait to be woken, stop cleanly when told.

Several workers may run on one database; each event is handed to one of them at a time.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from app.db.engine import Connection, Database
from app.domain.errors import DatabaseUnavailable
from app.inbox import statements as inbox_statements
from app.inbox.processor import MOST_ATTEMPTS, Processor
from app.inbox.statements import DueEvent

log = structlog.get_logger(__name__)

REST_S = 1.0
"""Seconds between tries while the database is away."""
RECENT = timedelta(days=3)
"""How old an event is at most that Stripe still delivers by itself: almost all that is due is younger."""
LOOK_BACK_S = 1.0
"""How often a busy worker looks among all events; one that finds nothing recent does at once."""


class Worker:
    """Processes the inbox until `stop` is called."""

    def __init__(
        self, database: Database, processor: Processor, *, batch: int, lease: timedelta, poll_s: float
    ) -> None:
        self._database = database
        self._processor = processor
        self._batch = batch
        self._lease = lease
        self._poll_s = poll_s
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._look_back_at = 0.0
        self._listener: asyncpg.Connection[asyncpg.Record] | None = None

    def stop(self) -> None:
        """Finish the batch under way, then return from run."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """Process until stopped; a database that is away is waited for."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._listen()
                    if not await self.take():
                        await self._rest(self._poll_s)
                except DatabaseUnavailable:
                    log.warning("waiting_for_database")
                    await self._rest(REST_S)
                except Exception:  # the events come due again when their lease ends, each alone
                    log.exception("batch_failed")
                    await self._rest(REST_S)
        finally:
            await self._processor.settled()
            if self._listener is not None:
                await self._listener.close(timeout=2)

    async def run_once(self) -> int:
        """Process one batch of what is due to its end, Stripe's answers included; how many events that were."""
        processed = await self.take()
        await self._processor.settled()
        return processed

    async def drain(self) -> int:
        """Process until nothing is due; how many events that were."""
        processed = 0
        while count := await self.run_once():
            processed += count
        return processed

    async def take(self) -> int:
        """Process one batch of what is due; events that need Stripe's answer are finished in the background."""
        self._woken.clear()
        async with self._database.connection() as connection:
            due = await self._claim(connection)
        if due:
            await self._processor.process(due)
        return len(due)

    async def _claim(self, connection: Connection) -> list[DueEvent]:
        """Look where almost everything is, and every now and then, or where that is nothing, among all there is."""
        now = asyncio.get_running_loop().time()
        if now < self._look_back_at:
            since = datetime.now(UTC) - RECENT
            due = await inbox_statements.claim(connection, self._batch, self._lease, MOST_ATTEMPTS, since)
            if due:
                return due
        self._look_back_at = now + LOOK_BACK_S
        return await inbox_statements.claim(connection, self._batch, self._lease, MOST_ATTEMPTS)

    async def _listen(self) -> None:
        """Hear of new events; without the listener the poll still finds them."""
        if self._listener is None or self._listener.is_closed():
            self._listener = await self._database.dedicated()
            await self._listener.add_listener(inbox_statements.CHANNEL, lambda *_: self._woken.set())

    async def _rest(self, seconds: float) -> None:
        if not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
