"""Limits the connections of a process, in all and per address, and closes surplus ones.

A server has one `Connections`. It checks all connections once a second, so that they need no timers of their own and
each deadline is met within a second. `protocol.py` limits what a single connection may do.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from app.http.client_address import Network, counted_address, is_trusted

MOST = 2000
"""The connections of a process besides those of streams. Requests on further ones are answered with 503."""
LOOK_EVERY_S = 1.0
EVICT_EVERY_S = 0.1
IDLE_FOR_S = 0.5
"""Seconds a connection must have been idle to be closed for another. A new one's request may be on its way."""
RESERVED = 500
"""Further connections, which only serve deliveries and probes."""


class Connection(Protocol):
    """A connection, as `Connections` sees it."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has no request under way, by the loop's clock; None while it has one."""

    def look(self, now: float) -> None:
        """Close it if it has missed a deadline."""

    def drop(self, why: str) -> None:
        """Close it at once, and count it under `why`."""


class Connections:
    """The connections of a process: `most` in all, besides the reserved ones, and `per_address` from one address.

    A `per_address` of 0 means no limit. Trusted proxies have no limit, because each stands for many clients.
    """

    def __init__(self, most: int, per_address: int = 0, proxies: Sequence[Network] = ()) -> None:
        self._most = most
        self._per_address = per_address
        self._proxies = tuple(proxies)
        self._open: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._look_at = self._evict_at = float("-inf")

    def add(self, connection: Connection, address: str) -> None:
        """Add a connection from `address`, or drop it if there are too many. The longest idle ones are closed first."""
        counted = "" if not address or is_trusted(address, self._proxies) else counted_address(address)
        self._open[connection] = counted
        self._by_address[counted] += 1
        if counted and 0 < self._per_address < self._by_address[counted]:
            connection.drop("address")
        elif self.full:
            self._evict()
            if len(self._open) > self._most + RESERVED:
                connection.drop("full")
        self._go_on_looking()

    @property
    def full(self) -> bool:
        """Whether only the reserved connections are left, or fewer."""
        return len(self._open) >= self._most

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        counted = self._open.pop(connection, None)
        if counted is not None:
            self._by_address[counted] -= 1
            if not self._by_address[counted]:
                del self._by_address[counted]

    def _evict(self) -> None:
        """Close the connections that have been idle longest, a tenth of all; at most ten times a second."""
        now = asyncio.get_running_loop().time()
        if now < self._evict_at:
            return
        self._evict_at = now + EVICT_EVERY_S
        seen = [(connection.idle_since, connection) for connection in self._open]
        idle = [(since, connection) for since, connection in seen if since is not None and now - since >= IDLE_FOR_S]
        idle.sort(key=lambda one: one[0])
        for _, connection in idle[: max(self._most // 10, len(self._open) - self._most + 1)]:
            connection.drop("idle")

    def _go_on_looking(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() > self._look_at + LOOK_EVERY_S:  # nobody looks: there were none, or their loop is gone
            self._look_at = loop.time() + LOOK_EVERY_S
            loop.call_at(self._look_at, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            connection.look(now)
        if self._open:
            self._look_at = now + LOOK_EVERY_S
            asyncio.get_running_loop().call_at(self._look_at, self._look)
        else:
            self._look_at = float("-inf")
