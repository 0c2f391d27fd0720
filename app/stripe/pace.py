"""Limits the calls to Stripe: calls per second, in all and per endpoint, and calls at once.

A call waits first for its endpoint's pace, then for the common pace, and last for a slot, so that calls to a crowded
endpoint block nothing that others need. Reads may use only a share of the common pace and of the slots, which leaves
room for writes. A call that would wait too long is refused at once, which bounds the queues. After a 429 the pace
halves; it recovers within a minute.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil

import structlog

from app.domain.errors import StripeUnavailable
from app.observability import metrics

log = structlog.get_logger(__name__)

BURST_S = 0.2
"""How far calls may run ahead of an even pace: at most 1.2 times the rate in any second."""
SLOWEST = 1 / 32
"""The lowest share of its rate that a pace falls to."""
RECOVERY_S = 60.0
READS = 0.75
"""The share of the common pace and of the slots that reads may use."""
SLOW_DOWN_ONCE_S = 1.0
"""Several 429s within this time halve the pace only once."""


@dataclass(frozen=True, slots=True)
class StripeLimits:
    """The limits of one process. `queue_s` is how long a call may wait."""

    rate_per_s: float = 80.0
    endpoint_rate_per_s: float = 20.0
    concurrency: int = 100
    queue_s: float = 5.0


class Pace:
    """An even pace of at most `most` calls a second."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._rate = most
        self._changed_at = 0.0
        self._due = 0.0

    def rate(self, now: float) -> float:
        """The calls per second allowed at `now`."""
        return min(self._most, self._rate + (now - self._changed_at) * self._most / RECOVERY_S)

    def wait(self, now: float) -> float:
        """Seconds until a call may start."""
        return max(0.0, self._due - now - BURST_S)

    def take(self, now: float) -> None:
        self._due = max(self._due, now) + 1 / self.rate(now)

    def slow_down(self, now: float) -> None:
        """Halve the pace after a 429."""
        if now - self._changed_at >= SLOW_DOWN_ONCE_S or self._rate == self._most:
            self._rate = max(self.rate(now) / 2, self._most * SLOWEST)
            self._changed_at = now


class Limiter:
    def __init__(self, limits: StripeLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._read_slots = asyncio.Semaphore(max(1, int(limits.concurrency * READS)))
        self._all = Pace(limits.rate_per_s)
        self._reads = Pace(limits.rate_per_s * READS)
        self._endpoints: dict[str, Pace] = {}
        self.in_flight = 0
        self.waiting = 0
        self.shed = 0

    @property
    def rate_per_s(self) -> float:
        return self._all.rate(self._clock())

    @asynccontextmanager
    async def turn(self, endpoint: str) -> AsyncIterator[None]:
        """Hold a turn to call `endpoint`. Raises StripeUnavailable if that would take too long."""
        asked = self._clock()
        reads = endpoint.startswith("get ")
        slots = [self._read_slots, self._slots] if reads else [self._slots]
        paces = [self._pace(endpoint), *([self._reads] if reads else []), self._all]
        async with contextlib.AsyncExitStack() as held:
            self.waiting += 1
            try:
                for pace in paces:
                    await self._keep(pace, asked)
                for slot in slots:
                    await self._acquire(slot, asked)
                    held.callback(slot.release)
            finally:
                self.waiting -= 1
            metrics.STRIPE_WAIT.observe(self._clock() - asked)
            self.in_flight += 1
            try:
                yield
            finally:
                self.in_flight -= 1

    def slow_down(self, endpoint: str) -> None:
        now = self._clock()
        self._all.slow_down(now)
        self._reads.slow_down(now)
        self._pace(endpoint).slow_down(now)
        log.warning("stripe_pace_slowed", endpoint=endpoint, rate_per_s=round(self.rate_per_s, 1))

    async def _keep(self, pace: Pace, asked: float) -> None:
        """Wait until `pace` allows the next call, and count it."""
        now = self._clock()
        wait = pace.wait(now)
        if wait > self._limits.queue_s - (now - asked):
            raise self._refusal(ceil(wait))
        pace.take(now)
        if wait:
            await asyncio.sleep(wait)

    async def _acquire(self, slot: asyncio.Semaphore, asked: float) -> None:
        try:
            async with asyncio.timeout(self._limits.queue_s - (self._clock() - asked) if slot.locked() else None):
                await slot.acquire()
        except TimeoutError:
            raise self._refusal(1) from None

    def _pace(self, endpoint: str) -> Pace:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = Pace(self._limits.endpoint_rate_per_s)
        return self._endpoints[endpoint]

    def _refusal(self, retry_after: int) -> StripeUnavailable:
        self.shed += 1
        metrics.STRIPE_TURNED_AWAY("limiter").inc()
        return StripeUnavailable("Too many calls to Stripe are waiting for their turn.", retry_after=retry_after)
