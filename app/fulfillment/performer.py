"""Runs fulfillment actions in the worker: claims due ones, performs them, records the outcomes.

Each action has its own loop, so a slow one does not delay others. A try is counted when it is claimed. An action whose
worker died runs alone, so that it cannot bring down others again.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import structlog
from opentelemetry.trace import SpanKind

from app.db.engine import Database
from app.domain.actions import MOST_ATTEMPTS, MOST_LOST, ActionStatus, NotNow, Overtaken, Permanent, Skipped
from app.domain.policy import DEFAULT, Policy
from app.domain.redaction import in_a_line
from app.fulfillment import action_statements, policy_statements
from app.fulfillment.actions import Action
from app.fulfillment.attempt import MARGIN_S, Attempt, LeaseLost
from app.jobs.loop import JobLoop, drain, side_by_side
from app.jobs.readers_writer_lock import ReadersWriterLock
from app.observability import logs, metrics, tracing

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""How many of one action a worker performs at once: mail servers limit connections."""
COMPARED_EVERY_S = 30.0
"""Seconds between checks whether another worker has announced other actions."""


class Performer:
    def __init__(
        self, database: Database, configured: Mapping[str, Action], *, poll_s: float, policy: Policy = DEFAULT
    ) -> None:
        self._database = database
        self._configured = configured
        self._policy = policy
        self._passage = ReadersWriterLock()
        self._differing: frozenset[str] = frozenset()
        self._announcing = JobLoop("announced actions", self._announce_once, poll_s=poll_s)
        self._loops = [
            JobLoop("returned actions", self._take_back, poll_s=poll_s),
            JobLoop("compared actions", self._compare, poll_s=COMPARED_EVERY_S),
            *(JobLoop(f"{name} actions", partial(self._take, name), poll_s=poll_s) for name in configured),
        ]

    def stop(self) -> None:
        """Make `run` return once the work under way is finished."""
        for loop in (self._announcing, *self._loops):
            loop.stop()

    async def run(self) -> None:
        """Announce the configured actions, then perform due ones until stopped."""
        await self._announcing.run()
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run())

    async def announce(self) -> None:
        """Have actions created for this worker's configuration only, and fulfillments made with its policy, from now on."""
        async with self._database.connection() as connection:
            await action_statements.announce(connection, self._configured.keys())
            await policy_statements.announce(connection, self._policy)
        for name in self._configured:
            metrics.action(name)
        log.info("actions_announced", actions=sorted(self._configured), policy=self._policy.written())

    async def compare(self) -> int:
        """Compare the announced actions with this worker's, and log a difference once. Returns how many differ.

        All workers must be configured alike. The worker that started last cannot notice a difference.
        """
        async with self._database.connection() as connection:
            announced = await action_statements.announced(connection)
        differing = frozenset(announced ^ self._configured.keys())
        metrics.ACTIONS_DIFFERING.set(len(differing))
        if differing and differing != self._differing:
            log.warning("actions_differ", own=sorted(self._configured), announced=sorted(announced))
        self._differing = differing
        return len(differing)

    async def run_once(self) -> int:
        """Perform a batch of due actions of all names. Returns how many."""
        return await self._take_back() + sum(await asyncio.gather(*(self._take(name) for name in self._configured)))

    async def drain(self) -> int:
        """Perform all due actions. Returns how many."""
        return await drain(self.run_once)

    async def _announce_once(self) -> int:
        await self.announce()
        self._announcing.stop()
        return 0

    async def _compare(self) -> int:
        await self.compare()
        return 0  # it always rests

    async def _take(self, name: str) -> int:
        lease_s = self._configured[name].most_s + MARGIN_S
        out = await self._passage.beside()
        try:
            async with self._database.connection() as connection:
                due = await action_statements.claim(connection, name, AT_ONCE, timedelta(seconds=lease_s))
            attempts = [Attempt(self._database, one, lease_s, self._passage.along()) for one in due]
        finally:
            out()
        return await side_by_side(f"{name} actions", {attempt.due.id: self._try(attempt) for attempt in attempts})

    async def _take_back(self) -> int:
        """Perform an action whose worker died, alone."""
        names = list(self._configured)
        lease_s = max((action.most_s for action in self._configured.values()), default=0) + MARGIN_S
        async with self._database.connection() as connection:
            if not await action_statements.any_came_back(connection, names):
                return 0
        async with self._passage.alone() as out:
            async with self._database.connection() as connection:
                due, given_up = await action_statements.claim_back(
                    connection, names, timedelta(seconds=lease_s), MOST_LOST
                )
            if given_up:
                metrics.ACTIONS("unknown", "dead").inc()
                log.error("action_dead", action_id=given_up, reason="its worker died or hung each time")
            if due:
                await side_by_side("returned actions", {due.id: self._try(Attempt(self._database, due, lease_s, out))})
        return 1

    async def _try(self, attempt: Attempt) -> None:
        due = attempt.due
        said = {"action.id": due.id, "action.moment": due.moment, "invoice.id": due.invoice}
        with logs.context(invoice=due.invoice):
            try:
                with tracing.span(f"action {due.action}", said, kind=SpanKind.CONSUMER):
                    await self._perform(self._configured[due.action], attempt)
            finally:
                attempt.out()

    async def _perform(self, action: Action, attempt: Attempt) -> None:
        due = attempt.due
        try:
            await action.perform(attempt)
            await attempt.done()
        except LeaseLost:
            log.warning("action_taken_over", action=due.action, action_id=due.id)
        except Overtaken as passed:
            await attempt.leave(in_a_line(passed, named=False))
        except Skipped as skipped:
            await attempt.end(ActionStatus.SKIPPED, in_a_line(skipped, named=False))
        except Permanent as permanent:
            await attempt.end(ActionStatus.DEAD, in_a_line(permanent, named=False))
        except Exception as error:  # noqa: BLE001 -- whatever it was, the action is tried again later
            reason = in_a_line(error, named=not isinstance(error, NotNow))
            if due.attempts >= MOST_ATTEMPTS:
                await attempt.end(ActionStatus.DEAD, reason)
            else:
                await attempt.fail(reason)
