"""The inbox's worker: take what is due, process it, wait to be woken, stop cleanly when told.

Several workers may run on one database; each event is handed to one of them at a time.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from app.db.engine import Connection, Database
from app.inbox import statements as inbox_statements
from app.inbox.processor import MOST_ATTEMPTS, Processor
from app.inbox.statements import DueEvent
from app.jobs.loop import JobLoop, drain
from app.jobs.notifications import Notifications

RECENT = timedelta(days=3)
"""How old an event is at most that Stripe still delivers by itself: almost all that is due is younger."""
LOOK_BACK_S = 1.0
"""How often a busy worker looks among all events; one that finds nothing recent does at once."""


class Worker:
    """Processes the inbox until `stop` is called."""

    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        processor: Processor,
        *,
        batch: int,
        lease: timedelta,
        poll_s: float,
    ) -> None:
        self._database = database
        self._notifications = notifications
        self._processor = processor
        self._batch = batch
        self._lease = lease
        self._look_back_at = 0.0
        self._loop = JobLoop("inbox", self.take, poll_s=poll_s)
        self.stop = self._loop.stop

    async def run(self) -> None:
        """Process until stopped; without notifications the poll still finds new events."""
        try:
            with self._notifications.subscribed(inbox_statements.CHANNEL, self._loop.wake):
                await self._loop.run()
        finally:
            await self._processor.settled()

    async def run_once(self) -> int:
        """Process one batch of what is due to its end, Stripe's answers included; how many events that were."""
        processed = await self.take()
        await self._processor.settled()
        return processed

    async def drain(self) -> int:
        """Process until nothing is due; how many events that were."""
        return await drain(self.run_once)

    async def take(self) -> int:
        """Process one batch of what is due; events that need Stripe's answer are finished in the background."""
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
