"""Rate limits shared by all processes: token buckets in the database, drawn from in chunks.

A process draws a chunk and spends it from memory, so few requests cost a statement. All processes together never let
more through than burst + rate x time; an unspent chunk only lowers that. A process that finds a bucket empty refuses
without asking again until it can have refilled, so a flood costs the database nothing.
"""

import asyncio
import math
from dataclasses import dataclass

from app.access import rate_limit_statements
from app.db.engine import Database
from app.domain.errors import RateLimited
from app.observability import metrics

CHUNKS = 20
"""A full bucket is this many chunks."""
MOST_LEASES = 20_000
DROP_IDLE_S = 300.0
REFUSED = "Too many requests; wait a little."


@dataclass(frozen=True, slots=True)
class Limit:
    """A named limit of `per_s` requests a second, with bursts of `burst`. A rate of 0 means no limit."""

    name: str
    per_s: float
    burst: float


@dataclass(slots=True)
class _Lease:
    left: float = 0
    shut_until: float = 0
    draw: "asyncio.Task[None] | None" = None


class Limits:
    """Applies limits that all processes share."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._dropped_at = float("-inf")

    async def take(self, limit: Limit, who: str) -> None:
        """Let one request of `who` through, or raise RateLimited."""
        if not limit.per_s:
            return
        lease = self._lease(limit, who)
        while lease.left < 1:
            self._require_open(limit, lease)
            if lease.draw is None:
                lease.draw = asyncio.create_task(self._draw(limit, who, lease))
            await asyncio.shield(lease.draw)
        lease.left -= 1

    def require_open(self, limit: Limit, who: str) -> None:
        """Raise RateLimited if the bucket is known to be empty. Takes no token and sends no statement."""
        lease = self._leases.get((limit.name, who))
        if lease is not None and lease.left < 1:
            self._require_open(limit, lease)

    def _lease(self, limit: Limit, who: str) -> _Lease:
        found = self._leases.get((limit.name, who))
        if found is None:
            if len(self._leases) >= MOST_LEASES:
                self._leases.clear()
            found = self._leases[limit.name, who] = _Lease()
        return found

    @staticmethod
    def _require_open(limit: Limit, lease: _Lease) -> None:
        wait = lease.shut_until - _now()
        if wait > 0:
            metrics.RATE_LIMITED(limit.name).inc()
            raise RateLimited(REFUSED, retry_after=max(1, math.ceil(wait)))

    async def _draw(self, limit: Limit, who: str, lease: _Lease) -> None:
        """Draw a chunk. All requests that wait for it share one draw."""
        try:
            async with self._database.connection() as connection:
                wanted = max(1.0, limit.burst // CHUNKS)
                drawn = await rate_limit_statements.draw(
                    connection, f"{limit.name}:{who}", per_s=limit.per_s, burst=limit.burst, wanted=wanted
                )
                if _now() - self._dropped_at > DROP_IDLE_S:
                    self._dropped_at = _now()
                    await rate_limit_statements.drop_idle(connection)
        finally:
            lease.draw = None
        lease.left += drawn.granted
        if drawn.granted < 1:
            lease.shut_until = _now() + (1 - drawn.tokens) / limit.per_s


class LocalLimits:
    """Applies limits within one process, for requests that are cheaper than a database query."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, limit: Limit, who: str) -> None:
        """Let one request of `who` through, or raise RateLimited."""
        if not limit.per_s:
            return
        if len(self._buckets) >= MOST_LEASES:
            self._buckets.clear()
        now = _now()
        tokens, at = self._buckets.get((limit.name, who), (limit.burst, now))
        tokens = min(limit.burst, tokens + (now - at) * limit.per_s)
        if tokens < 1:
            metrics.RATE_LIMITED(limit.name).inc()
            raise RateLimited(REFUSED, retry_after=max(1, math.ceil((1 - tokens) / limit.per_s)))
        self._buckets[limit.name, who] = (tokens - 1, now)


def _now() -> float:
    return asyncio.get_running_loop().time()
