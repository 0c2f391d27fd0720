"""Owns the worker's part in fulfillment actions: hand out what is due, have it done, mark what became of it.

Each action has a loop of its own, so that a slow one keeps no other waiting. A try is counted when it is handed out: one
that takes its process with it is set aside in the end, and the others are done by whoever comes next.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from app.db import actions
from app.db.actions import DueAction
from app.db.engine import Connection, Database
from app.domain.actions import (
    MOST_ATTEMPTS,
    MOST_LOST,
    ActionStatus,
    NotNow,
    Overtaken,
    Permanent,
    Skipped,
    pause_s,
    require_due,
)
from app.domain.errors import DatabaseUnavailable
from app.domain.redaction import redacted
from app.services.acting import Action

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""How many of one action a worker does side by side: mail servers count connections."""
MARGIN_S = 30.0
"""How long a lease outlives what it is for: so long a mark may wait for a database that is away."""
REST_S = 1.0
LONGEST_REASON = 300


class LeaseLost(Exception):
    """The action is not ours any more: somebody else does it, or a person decided otherwise."""


class Attempt:
    """One try of one action; see services.acting.Turn."""

    def __init__(self, database: Database, due: DueAction, lease_s: float) -> None:
        self._database = database
        self._until = asyncio.get_running_loop().time() + lease_s
        self.due = due
        self.marked = False

    async def hold(self, seconds: float) -> None:
        """Hold the lease for `seconds` more. Raises LeaseLost, and Overtaken where the moment has passed."""
        lease_s = seconds + MARGIN_S
        async with self._database.connection() as connection:
            status = await actions.hold(connection, self.due, timedelta(seconds=lease_s))
        if status is None:
            raise LeaseLost
        require_due(self.due.moment, status)
        self._until = asyncio.get_running_loop().time() + lease_s

    async def done(self) -> None:
        """Put down that it is done."""
        if not self.marked:
            await self._mark(lambda connection: actions.done(connection, self.due))
            log.info("action_done", action=self.due.action, action_id=self.due.id, moment=self.due.moment)

    async def end(self, status: ActionStatus, reason: str) -> None:
        """Put down that it will not be done, and why."""
        if self.marked:
            return
        await self._mark(lambda connection: actions.end(connection, self.due, status, reason))
        tell = log.info if status is ActionStatus.SKIPPED else log.error
        tell(f"action_{status}", action=self.due.action, action_id=self.due.id, moment=self.due.moment, reason=reason)

    async def leave(self, reason: str) -> None:
        """Put down that its moment has passed."""
        await self._mark(lambda connection: actions.leave(connection, self.due, reason))
        log.info(
            "action_overtaken", action=self.due.action, action_id=self.due.id, moment=self.due.moment, reason=reason
        )

    async def fail(self, reason: str) -> None:
        """Put it back for another try."""
        if self.marked:
            return
        pause = timedelta(seconds=pause_s(self.due.attempts) * random.uniform(0.5, 1))  # noqa: S311 -- no secret
        await self._mark(lambda connection: actions.fail(connection, self.due, reason, pause))
        log.warning(
            "action_failed", action=self.due.action, action_id=self.due.id, attempts=self.due.attempts, reason=reason
        )

    async def _mark(self, mark: Callable[[Connection], Awaitable[None]]) -> None:
        """Write the mark, for as long as the lease holds: a mail that is sent must not be sent again for want of it."""
        while True:
            try:
                async with self._database.connection() as connection:
                    await mark(connection)
            except DatabaseUnavailable:
                if asyncio.get_running_loop().time() + REST_S > self._until:
                    raise
                await asyncio.sleep(REST_S)
            else:
                self.marked = True
                return


class Performer:
    """Does the configured actions until `stop` is called."""

    def __init__(self, database: Database, configured: Mapping[str, Action], *, poll_s: float) -> None:
        self._database = database
        self._configured = configured
        self._poll_s = poll_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish what is under way, then return from run."""
        self._stopping.set()

    async def run(self) -> None:
        """Say which actions there are, then do what is due until stopped; a database that is away is waited for."""
        while not self._stopping.is_set() and not await self._without_failing(self._announced()):
            await self._rest(REST_S)
        async with asyncio.TaskGroup() as group:
            for name in self._configured:
                group.create_task(self._repeat(name))

    async def announce(self) -> None:
        """Have actions made for what this worker does, from now on, and for nothing else."""
        async with self._database.connection() as connection:
            await actions.announce(connection, self._configured.keys())
        log.info("actions_announced", actions=sorted(self._configured))

    async def run_once(self) -> int:
        """Do a batch of what is due, of every action; how many that were."""
        return sum(await asyncio.gather(*(self._take(name) for name in self._configured)))

    async def drain(self) -> int:
        """Do whatever is due; how many that were."""
        done = 0
        while count := await self.run_once():
            done += count
        return done

    async def _announced(self) -> int:
        await self.announce()
        return 1

    async def _repeat(self, name: str) -> None:
        while not self._stopping.is_set():
            if not await self._without_failing(self._take(name)):
                await self._rest(self._poll_s)

    async def _without_failing(self, work: Awaitable[int]) -> int:
        try:
            return await work
        except DatabaseUnavailable:
            log.warning("waiting_for_database")
        except Exception:  # the actions come due again when their lease ends
            log.exception("actions_failed")
        return 0

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _take(self, name: str) -> int:
        action = self._configured[name]
        lease_s = action.most_s + MARGIN_S
        async with self._database.connection() as connection:
            due, given_up = await actions.claim(connection, name, AT_ONCE, timedelta(seconds=lease_s), MOST_LOST)
        for action_id in given_up:
            log.error("action_dead", action=name, action_id=action_id, reason="its worker died or hung each time")
        await asyncio.gather(*(self._try(action, Attempt(self._database, one, lease_s)) for one in due))
        return len(due) + len(given_up)

    async def _try(self, action: Action, attempt: Attempt) -> None:
        try:
            await self._perform(action, attempt)
        except DatabaseUnavailable:
            log.warning("action_left_to_its_lease", action=attempt.due.action, action_id=attempt.due.id)

    async def _perform(self, action: Action, attempt: Attempt) -> None:
        due = attempt.due
        try:
            await action.perform(attempt)
            await attempt.done()
        except LeaseLost:
            log.warning("action_taken_over", action=due.action, action_id=due.id)
        except Overtaken as passed:
            await attempt.leave(_told(passed))
        except Skipped as skipped:
            await attempt.end(ActionStatus.SKIPPED, _told(skipped))
        except Permanent as permanent:
            await attempt.end(ActionStatus.DEAD, _told(permanent))
        except Exception as error:  # noqa: BLE001 -- whatever it was, the action is tried again later
            reason = _told(error, named=not isinstance(error, NotNow))
            if due.attempts >= MOST_ATTEMPTS:
                await attempt.end(ActionStatus.DEAD, reason)
            else:
                await attempt.fail(reason)


def _told(error: BaseException, *, named: bool = False) -> str:
    """What is put down of an error: one line, without what must not be written down."""
    said = redacted(str(error)).split("\n", 1)[0]
    return (f"{type(error).__name__}: {said}" if named else said)[:LONGEST_REASON]
