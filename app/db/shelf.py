"""Owns the connections at hand: those of asyncpg's pool that are given from one use to the next without going back to it.

The pool makes a task and three futures of each return, which cost a read more than its statement does. What is at hand
goes back to the pool for every reason but the next use: somebody waits for it, its use ended in an error or in the
middle of a transaction, it was at hand for a while, the service stops. How many there are, how one is opened, put right,
closed when nobody needs it or replaced, stays with the pool.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

AT_HAND_S = 30.0
"""How long a connection stays out of the pool, at least once and at most twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A connection that was taken out of the pool, and in which of its rounds."""

    connection: "PoolConnectionProxy[asyncpg.Record]"
    round: int


class Shelf:
    """What is at hand of `pool`; the one that was put down last is taken first."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, at_hand_s: float = AT_HAND_S) -> None:
        self._pool = pool
        self._at_hand_s = at_hand_s
        self._resting: list[Held] = []
        self._wanted = 0
        self._round = 0
        self._timer: asyncio.TimerHandle | None = None
        self._returning: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """Connections that are open."""
        return self._pool.get_size()

    @property
    def idle(self) -> int:
        """Connections that nobody uses."""
        return self._pool.get_idle_size() + len(self._resting)

    def at_hand(self) -> Held | None:
        """A connection, at once; None where none is at hand. Whoever has one puts it back, or gives it back."""
        while self._resting:
            held = self._resting.pop()
            if _is_open(held):
                return held
            self._return(held)
        return None

    async def take(self, within_s: float) -> Held:
        """A connection out of the pool. Raises as `asyncpg.Pool.acquire` does."""
        self._wanted += 1
        asked_in = self._round  # what comes when the shelf was cleared meanwhile, because it closes, is not kept
        try:
            return Held(await self._pool.acquire(timeout=within_s), asked_in)
        finally:
            self._wanted -= 1

    def put(self, held: Held) -> bool:
        """Keep a connection at hand for the next use; False where it must go back to the pool."""
        if self._wanted or held.round != self._round or not _is_open(held) or held.connection.is_in_transaction():
            return False
        self._resting.append(held)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._at_hand_s, self._next_round)
        return True

    async def give_back(self, held: Held) -> None:
        """Give a connection back to the pool, which puts right whatever its use left."""
        await self._pool.release(held.connection)

    async def close(self) -> None:
        """Close every connection, each as soon as it is given back."""
        self._next_round()
        await self._pool.close()

    def terminate(self) -> None:
        """Cut every connection, whoever has it."""
        self._pool.terminate()

    def _next_round(self) -> None:
        """What is at hand goes back now, and what is in use does afterwards."""
        self._round += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._resting:
            self._return(self._resting.pop())

    def _return(self, held: Held) -> None:
        returning = asyncio.get_running_loop().create_task(self._returned(held))
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)

    async def _returned(self, held: Held) -> None:
        with contextlib.suppress(Exception):  # the pool has cut it then
            await self.give_back(held)


def _is_open(held: Held) -> bool:
    """Whether a connection is there; the pool takes one back by itself when the server ends it."""
    try:
        return not held.connection.is_closed()
    except asyncpg.InterfaceError:
        return False
