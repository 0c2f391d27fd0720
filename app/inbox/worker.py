"""The inbox's worker: claims due events and processes them. Several workers may run on one database."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from app.db.engine import Database
from app.inbox import statements as inbox_statements
from app.inbox.processor import MOST_ATTEMPTS, Processor
from app.jobs.loop import JobLoop, drain
from app.jobs.notifications import Notifications

RECENT = timedelta(days=3)
"""The greatest age of an event that Stripe still delivers by itself. Almost all due events are younger."""
EXTENDED = 3
"""How often within a lease it is extended for events that wait for Stripe's answers."""
LOOK_BACK_S = 1.0
"""Seconds between searches of all events by a busy worker. If no recent event is due, it searches at once."""


class Worker:
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
        extend = partial(processor.extend_leases, lease)
        self._leases = JobLoop("leases of the inbox", extend, poll_s=lease.total_seconds() / EXTENDED)
        self.stop = self._loop.stop

    async def run(self) -> None:
        """Process events until stopped. Without notifications, polling finds new events."""
        async with asyncio.TaskGroup() as group:
            extending = group.create_task(self._leases.run())
            try:
                with self._notifications.subscribed(inbox_statements.CHANNEL, self._loop.wake):
                    await self._loop.run()
            finally:
                await self._processor.settled(fetched=False)
                extending.cancel()

    async def run_once(self) -> int:
        """Process one batch to its end, including Stripe's answers. Returns how many events."""
        processed = await self.take()
        await self._processor.settled()
        return processed

    async def drain(self) -> int:
        """Process until nothing is due. Returns how many events."""
        return await drain(self.run_once)

    async def take(self) -> int:
        """Process one batch; events that need Stripe's answer are finished in the background.

        It claims recent events; every LOOK_BACK_S, or if there are none, among all. Returns how many events.
        """
        now, due = asyncio.get_running_loop().time(), []
        async with self._database.connection() as connection:
            claim = partial(inbox_statements.claim, connection, self._batch, self._lease, MOST_ATTEMPTS)
            if now < self._look_back_at:
                due = await claim(datetime.now(UTC) - RECENT)
            if not due:
                self._look_back_at = now + LOOK_BACK_S
                due = await claim()
        if due:
            await self._processor.process(due)
        return len(due)
