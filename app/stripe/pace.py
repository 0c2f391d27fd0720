"""Owns how hard Stripe is asked: calls per second (all, and per endpoint) and calls at once.

A call that would have to wait too long for its turn is refused right away: a queue without end helps nobody.
Where Stripe says 429 all the same, the pace halves, and grows back within a minute.
"""

import asyncio
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
"""How far ahead of an even pace calls may run: in no second more than 1.2 times the rate."""
SLOWEST = 1 / 32
"""The least share of its rate that a pace falls to."""
RECOVERY_S = 60.0
SLOW_DOWN_ONCE_S = 1.0
"""A wave of 429s is one piece of news: within this time the pace halves once."""


@dataclass(frozen=True, slots=True)
class StripeLimits:
    """The bounds for one process. queue_s: how long a call may wait for its turn."""

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
        """Calls per second that are allowed at `now`."""
        return min(self._most, self._rate + (now - self._changed_at) * self._most / RECOVERY_S)

    def wait(self, now: float) -> float:
        """Seconds until a call may start."""
        return max(0.0, self._due - now - BURST_S)

    def take(self, now: float) -> None:
        """Count one call."""
        self._due = max(self._due, now) + 1 / self.rate(now)

    def slow_down(self, now: float) -> None:
        """Stripe found this pace too fast."""
        if now - self._changed_at >= SLOW_DOWN_ONCE_S or self._rate == self._most:
            self._rate = max(self.rate(now) / 2, self._most * SLOWEST)
            self._changed_at = now


class Limiter:
    """Hands out turns to call Stripe."""

    def __init__(self, limits: StripeLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._all = Pace(limits.rate_per_s)
        self._endpoints: dict[str, Pace] = {}
        self.in_flight = 0
        self.waiting = 0
        self.shed = 0

    @property
    def rate_per_s(self) -> float:
        """Calls per second that are allowed now."""
        return self._all.rate(self._clock())

    @asynccontextmanager
    async def turn(self, endpoint: str) -> AsyncIterator[None]:
        """Hold a turn to call `endpoint`. Raises StripeUnavailable where waiting for one would take too long."""
        self.waiting += 1
        asked = self._clock()
        try:
            await self._slot()
        finally:
            self.waiting -= 1
        try:
            pause = self._take(endpoint)
            if pause:
                await asyncio.sleep(pause)
            metrics.STRIPE_WAIT.observe(self._clock() - asked)
            self.in_flight += 1
            try:
                yield
            finally:
                self.in_flight -= 1
        finally:
            self._slots.release()

    def slow_down(self, endpoint: str) -> None:
        """Stripe answered 429."""
        now = self._clock()
        self._all.slow_down(now)
        self._pace(endpoint).slow_down(now)
        log.warning("stripe_pace_slowed", endpoint=endpoint, rate_per_s=round(self.rate_per_s, 1))

    async def _slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(self._limits.queue_s):
                await self._slots.acquire()
        except TimeoutError:
            raise self._refusal(1) from None

    def _take(self, endpoint: str) -> float:
        now = self._clock()
        paces = (self._all, self._pace(endpoint))
        wait = max(pace.wait(now) for pace in paces)
        if wait > self._limits.queue_s:
            raise self._refusal(ceil(wait))
        for pace in paces:
            pace.take(now)
        return wait

    def _pace(self, endpoint: str) -> Pace:
        if endpoint not in self._endpoints:
            self._endpoints[endpoint] = Pace(self._limits.endpoint_rate_per_s)
        return self._endpoints[endpoint]

    def _refusal(self, retry_after: int) -> StripeUnavailable:
        self.shed += 1
        metrics.STRIPE_TURNED_AWAY("limiter").inc()
        return StripeUnavailable("Too many calls to Stripe are waiting for their turn.", retry_after=retry_after)
