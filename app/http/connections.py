"""Limits the connections of a process, in all and per address, and closes surplus, slow and idle ones.

A server has one `Connections`. It checks all connections once a second, so that they need no timers of their own and
each deadline is met within a second. `protocol.py` tells each what it is doing.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import Any

from app.http.client_address import Network, counted_address, is_trusted
from app.observability import metrics

MOST = 2000
"""The connections of a process besides those of streams. Requests on further ones are answered with 503."""
LOOK_EVERY_S = 1.0
EVICT_EVERY_S = 0.1
IDLE_FOR_S = 0.5
"""Seconds a connection must have been idle to be closed for another. A new one's request may be on its way."""
READ_WITHIN_S = 60.0
"""Seconds for which a client may read nothing of a waiting answer."""
REFUSED = b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
RESERVED = 500
"""Further connections, which only serve deliveries and probes."""
MOST_HELD = 64 * 1024 * 1024
"""The bytes that a process holds of bodies. Beyond it, those that have been coming for longest are refused, until half is left."""


Reading = Enum("Reading", ["FIRST", "HEAD", "BODY", "NOTHING"])
"""What is being read: FIRST before the first byte, NOTHING between two requests."""


class Connection(asyncio.Protocol):
    """What one connection does, and until when. The server's protocol, which inherits it, tells it by `turn_to`."""

    transport: asyncio.Transport
    answer: Any
    """The answer to the request whose body is read. `response_started` says whether it began; no `keep_alive`: it is the last."""
    deadline = unread_since = 0.0
    unanswered = 0
    """The requests whose head is complete and whose answer is not."""
    held = 0
    """Bytes of bodies whose requests are not answered."""
    unproductive = 0
    """Bytes since the last that completed a head or belonged to a body."""

    def turn_to(self, reading: Reading, within_s: float) -> None:
        """Note what is read from now on, and for how long at most."""
        self.reading, self.since = reading, asyncio.get_running_loop().time()
        self.deadline = self.since + within_s
        if reading is not Reading.HEAD:
            self.unproductive = 0

    @property
    def idle_since(self) -> float | None:
        """Since when no request is under way; None from a request's first byte until its answer is complete."""
        return self.since if self.reading in {Reading.FIRST, Reading.NOTHING} and not self.unanswered else None

    def resume_writing(self) -> None:
        self.unread_since = asyncio.get_running_loop().time()
        super().resume_writing()

    def look(self, now: float) -> None:
        """Close the connection if its client reads or sends too slowly, or is idle for too long."""
        if not self.transport.get_write_buffer_size():
            self.unread_since = now
        elif now - self.unread_since > READ_WITHIN_S:
            self.drop("unread")
        if now > self.deadline and self.reading is not Reading.NOTHING:
            self.refuse("slow", b"408 Request Timeout")
        elif now > self.deadline and not self.unanswered:
            self.transport.close()

    def drop(self, why: str) -> None:
        """Cut the connection, and count it under `why`."""
        self.transport.abort()
        metrics.CONNECTIONS_DROPPED(why).inc()

    def end_with_answer(self) -> None:
        """Make the answer under way the last, which says so; its list of uvicorn's headers may be that of the second before."""
        if self.unanswered:
            self.answer.keep_alive = False

    def refuse(self, why: str, status: bytes = b"") -> None:
        """Close and count the connection. The request being read gets `status`, unless an answer has begun or waits."""
        if not self.transport.is_closing():
            mine = self.reading is Reading.BODY
            if status and self.unanswered == mine and not (mine and self.answer.response_started):
                self.transport.write(REFUSED % status)
            self.transport.close()
            metrics.CONNECTIONS_DROPPED(why).inc()


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
        self._held = 0

    def add(self, connection: Connection, address: str) -> None:
        """Add a connection from `address`, or drop it if there are too many. The longest idle ones are closed first."""
        counted = "" if not address or is_trusted(address, self._proxies) else counted_address(address)
        self._open[connection] = counted
        connection.unread_since = asyncio.get_running_loop().time()
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

    def hold(self, connection: Connection, size: int) -> None:
        """Count `size` bytes of a body; a negative number, bytes that are let go."""
        connection.held += size
        self._held += size
        if self._held > MOST_HELD:
            sending = [one for one in self._open if one.held and one.reading is Reading.BODY]
            for one in sorted(sending, key=lambda one: one.since):
                one.refuse("bodies", b"503 Service Unavailable")
                self._held -= one.held
                one.held = 0
                if self._held <= MOST_HELD // 2:
                    break

    def remove(self, connection: Connection) -> None:
        self.hold(connection, -connection.held)
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
