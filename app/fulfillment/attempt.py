"""One try of a fulfillment action: its lease, and the record of its outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from app.db.engine import Connection, Database
from app.domain.actions import BACKOFF, ActionStatus, require_due
from app.fulfillment import action_statements
from app.fulfillment.action_statements import DueAction
from app.jobs.loop import persist
from app.observability import metrics

log = structlog.get_logger(__name__)

MARGIN_S = 30.0
"""Seconds that a lease outlives the work, for recording the outcome while the database is away."""


class LeaseLost(Exception):
    """The claim is lost: another worker has the action, or a person decided otherwise."""


class Attempt:
    """One try of an action. `out` is called when the rest can no longer bring the process down."""

    def __init__(
        self, database: Database, due: DueAction, lease_s: float, out: Callable[[], None] = lambda: None
    ) -> None:
        self.out = out
        self._database = database
        self._begun = asyncio.get_running_loop().time()
        self._until = self._begun + lease_s
        self.due = due
        self.marked = False

    async def hold(self, seconds: float) -> None:
        """Extend the lease to `seconds` and a margin. Raises LeaseLost, and Overtaken if the moment has passed."""
        lease_s = seconds + MARGIN_S
        async with self._database.connection() as connection:
            status = await action_statements.hold(connection, self.due, timedelta(seconds=lease_s))
        if status is None:
            raise LeaseLost
        require_due(self.due.moment, status)
        self._until = asyncio.get_running_loop().time() + lease_s
        self.out()

    async def done(self) -> None:
        if not self.marked:
            await self._mark(lambda connection: action_statements.done(connection, self.due))
            self._tell("action_done", "done")

    async def end(self, status: ActionStatus, reason: str) -> None:
        """Record that it will not be done, and why."""
        if self.marked:
            return
        await self._mark(lambda connection: action_statements.end(connection, self.due, status, reason))
        self._tell(f"action_{status}", status, reason)

    async def leave(self, reason: str) -> None:
        await self._mark(lambda connection: action_statements.leave(connection, self.due, reason))
        self._tell("action_overtaken", "overtaken", reason)

    async def fail(self, reason: str) -> None:
        if self.marked:
            return
        pause = BACKOFF.pause(self.due.attempts)
        await self._mark(lambda connection: action_statements.fail(connection, self.due, reason, pause))
        self._tell("action_failed", "failed", reason)

    def _tell(self, event: str, outcome: str, reason: str | None = None) -> None:
        metrics.ACTIONS(self.due.action, outcome).inc()
        tell = {"failed": log.warning, "dead": log.error}.get(outcome, log.info)
        tell(
            event,
            action=self.due.action,
            action_id=self.due.id,
            moment=self.due.moment,
            invoice=self.due.invoice,
            attempts=self.due.attempts,
            ms=round((asyncio.get_running_loop().time() - self._begun) * 1000, 1),
            **({"reason": reason} if reason else {}),
        )

    async def _mark(self, mark: Callable[[Connection], Awaitable[None]]) -> None:
        """Write the outcome, with retries until the lease ends, so that a sent mail is not sent again."""

        async def write() -> None:
            async with self._database.connection() as connection:
                await mark(connection)

        await persist(write, self._until)
        self.marked = True
