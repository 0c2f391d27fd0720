"""How many connections a process holds, from one address and in all, and which of them it closes.

A server has one `Connections`. It looks at all of them once a second, so that a connection costs no timer of its own,
and a deadline is met within a second. What a single connection may do is in `protocol.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from app.http.client_address import Network, counted_address, is_trusted

MOST = 2000
"""How many connections a process has beside those of streams; whoever comes beyond is told 503."""
LOOK_EVERY_S = 1.0
EVICT_EVERY_S = 0.1
IDLE_FOR_S = 0.5
"""For how long a connection must have been idle to be closed for another: the request of a new one is on its way."""
RESERVED = 500
"""How many connections there may be beyond `most`, on which only deliveries and probes are served."""


class Connection(Protocol):
    """One connection, as it is seen here."""

    @property
    def idle_since(self) -> float | None:
        """Since when, by the loop's clock, no request of it is under way; None where one is."""

    def look(self, now: float) -> None:
        """Close the connection where something that it waits for is overdue."""

    def drop(self, why: str) -> None:
        """Close the connection at once, whatever it still has to say; `why` is what that is counted as."""


class Connections:
    """The connections of a process: `most` in all, beside the reserved ones, and `per_address` from one address.

    A `per_address` of 0 is no limit. Trusted proxies have none: many clients stand behind each.
    """

    def __init__(self, most: int, per_address: int = 0, proxies: Sequence[Network] = ()) -> None:
        self._most = most
        self._per_address = per_address
        self._proxies = tuple(proxies)
        self._open: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._look_at = self._evict_at = float("-inf")

    def add(self, connection: Connection, address: str) -> None:
        """Take a new connection from `address`, or drop it where there are too many. Idle ones make room, oldest first."""
        counted = "" if not address or is_trusted(address, self._proxies) else counted_address(address)
        self._open[connection] = counted
        self._by_address[counted] += 1
        if counted and 0 < self._per_address < self._by_address[counted]:
            connection.drop("address")
        elif len(self._open) >= self._most:
            self._evict()
            if len(self._open) > self._most + RESERVED:
                connection.drop("full")
        self._go_on_looking()

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        counted = self._open.pop(connection, None)
        if counted is not None:
            self._by_address[counted] -= 1
            if not self._by_address[counted]:
                del self._by_address[counted]

    def _evict(self) -> None:
        """Close those that have been idle for longest, a tenth of all; at most ten times a second."""
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
