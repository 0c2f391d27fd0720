"""A schedule: lives interleaved, their events delivered late, twice, shuffled or not at all, workers side by side."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from random import Random

from tests.fixtures.stage import Dashboard, Stage
from tests.lab.life import PATHS, Life
from tests.lab.money import must_balance
from tests.lab.truth import Truth, must_hold

TABLES = (
    "products, prices, customers, invoices, invoice_items, invoice_payments, fulfillments, webhook_events, operations, "
    "reference_claims, tombstones, changes, coverage, refunds, credit_notes, disputes, payment_methods, setup_intents, fulfillment_actions,"
    " balance_days"
)


@dataclass
class Counted:
    """What the lab did, for its report."""

    schedules: int = 0
    events: int = 0
    delivered: int = 0
    dropped: int = 0
    by_path: dict[str, int] = field(default_factory=dict)


COUNTED = Counted()


@dataclass(frozen=True)
class Schedule:
    """Which lives, and how badly they are told of.

    burst: the probability that the clock stands still between two steps; talk: that something is delivered between
    two steps; drop: that an event is never delivered; copies: how often an event is delivered at most.
    """

    paths: tuple[str, ...]
    burst: float = 0.7
    talk: float = 0.3
    drop: float = 0.1
    copies: int = 3


class Lab:
    """Runs schedules on a stage."""

    def __init__(self, stage: Stage, dice: Random) -> None:
        self._stage = stage
        self._dice = dice
        self._dashboard = Dashboard(stage.sandbox)
        self._workers = [stage.container.worker(), stage.container.worker()]
        for worker in self._workers:
            worker._batch = dice.choice([1, 3, 64])
        self._told: set[str] = set()

    async def run(self, schedule: Schedule) -> None:
        """Live through `schedule` and check what must hold afterwards."""
        await self._stage.sandbox.reset()
        await self._stage.sandbox.mode(drop=1.0)
        await self._stage.rows(f"TRUNCATE {TABLES} CASCADE")
        await self._stage.rows("INSERT INTO configured_actions (action) VALUES ('count') ON CONFLICT DO NOTHING")
        await self._live(schedule)
        await self._tell(schedule, last=True)
        await self._work()
        await self._heal()
        truth = await Truth.of(self._stage.sandbox)
        async with self._stage.container.database.connection() as connection:
            await must_hold(truth, connection)  # type: ignore[arg-type]
        await must_balance(self._stage.container.balance)
        self._count(schedule, truth)

    async def _live(self, schedule: Schedule) -> None:
        lives = [(Life(self._dashboard), list(PATHS[path])) for path in schedule.paths]
        while any(steps for _, steps in lives):
            life, steps = self._dice.choice([entry for entry in lives if entry[1]])
            await steps.pop(0)(life)
            if self._dice.random() > schedule.burst:
                await self._stage.sandbox.advance(self._dice.choice([1, 2, 5]))
            if self._dice.random() < schedule.talk:
                await self._tell(schedule, last=False)
                await self._work()

    async def _tell(self, schedule: Schedule, *, last: bool) -> None:
        """Deliver some of what was not delivered yet, or the rest of it, in any order, some of it again."""
        told = []
        for event in await self._dashboard.events():
            fresh = event["id"] not in self._told
            if (fresh and (last or self._dice.random() < 0.5)) or (not fresh and self._dice.random() < 0.1):
                self._told.add(event["id"])
                if fresh and self._dice.random() < schedule.drop:
                    COUNTED.dropped += 1
                    continue
                told += [event] * self._dice.randint(1, schedule.copies)
        self._dice.shuffle(told)
        COUNTED.delivered += len(told)
        while told:
            together, told = told[:8], told[8:]
            await asyncio.gather(*(self._stage.deliver(event) for event in together))
            if self._dice.random() < 0.3:
                await self._work()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.drain())

    async def _heal(self) -> None:
        """What was dropped is found by the reconciler; what failed on the way is due again at once."""
        await self._stage.container.reconciler().reconcile()
        for _ in range(5):
            await self._stage.rows(
                "UPDATE webhook_events SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"
            )
            await self._work()

    def _count(self, schedule: Schedule, truth: Truth) -> None:
        COUNTED.schedules += 1
        COUNTED.events += len(truth.events)
        for path in schedule.paths:
            COUNTED.by_path[path] = COUNTED.by_path.get(path, 0) + 1


async def diverges(stage: Stage, seeds: range, schedule: Schedule) -> str | None:
    """Run `schedule` from each of `seeds` until what must hold does not; what was seen then, or None."""
    for seed in seeds:
        with contextlib.suppress(ExceptionGroup):
            try:
                await Lab(stage, Random(seed)).run(schedule)  # noqa: S311 -- reproducible dice
            except AssertionError as seen:
                return str(seen)
    return None
