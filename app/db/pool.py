"""Owns which connections are open and who has them.

One that rests is handed out, and taken back, without the event loop: asyncpg's own pool makes a task and three futures of
each return, which cost a read more than its statement. The one that was given back last is handed out first, so that
those nobody needs grow old and are closed.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RESTS_S = 300.0
"""How long a connection rests before it is closed; what lies between us and the server forgets idle ones in time."""
LIVES_S = 3600.0
"""How long one is handed out: the server's process keeps what it learns of tables and plans for as long as it lives."""
CLOSE_WITHIN_S = 10.0

UNCERTAIN = (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whoever was stopped by one of these, or canceled, left the connection in the middle of something."""


@dataclass(slots=True, eq=False)
class Held:
    """A connection of the pool: when it was opened, and since when it rests."""

    connection: Connection
    opened: float
    rests_since: float = 0.0


class Pool:
    """Up to `most` connections, opened when they are needed and handed to whoever has waited longest."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        most: int,
        *,
        rests_s: float = RESTS_S,
        lives_s: float = LIVES_S,
    ) -> None:
        self._connect = connect
        self._most = most
        self._rests_s = rests_s
        self._lives_s = lives_s
        self._held: set[Held] = set()
        self._opening = 0
        self._idle: deque[Held] = deque()
        self._waiting: deque[asyncio.Future[Held | None]] = deque()
        self._ending: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """Connections that are open or being opened."""
        return len(self._held) + self._opening

    @property
    def idle(self) -> int:
        """Connections that rest."""
        return len(self._idle)

    def resting(self) -> Held | None:
        """A connection, at once; None where none rests. Whoever gets one gives it back."""
        while self._idle:
            held = self._idle.pop()
            if not held.connection.is_closed():
                return held
            self._drop(held)
        return None

    async def acquire(self, within_s: float) -> Held:
        """A connection, as soon as there is one. Raises TimeoutError, and whatever opening one raises."""
        async with asyncio.timeout(within_s):
            while True:
                self._require_open()
                held = self.resting()
                if held is None:
                    held = await (self._open() if self.size < self._most else self._turn())
                    self._require_open()
                if held is None:
                    continue
                if not held.connection.is_closed():
                    return held
                self._drop(held)

    def give_back(self, held: Held, error: BaseException | None = None) -> None:
        """Take back a connection whose use ended, in `error` if it did."""
        if held.connection.is_closed():
            self._drop(held)
        elif self._is_done_with(held, error):
            self._end(held)
        elif not self._hand_on(held):
            held.rests_since = asyncio.get_running_loop().time()
            self._idle.append(held)
            if self._sweep is None:
                self._sweep_in(self._rests_s)

    async def close(self) -> None:
        """Hand out no more, and close each connection as it comes back."""
        self._closed = True
        while self._hand_on(None):
            pass
        if self._sweep is not None:
            self._sweep.cancel()
        while self._idle:
            self._end(self._idle.pop())
        while self.size:
            await self._turn()

    def terminate(self) -> None:
        """Cut every connection, whoever has it."""
        self._closed = True
        for held in list(self._held):
            self._drop(held)
        self._idle.clear()

    def _require_open(self) -> None:
        if self._closed:
            raise asyncpg.InterfaceError("the pool is closed")

    async def _open(self) -> Held:
        self._opening += 1
        try:
            connection = await self._connect()
        except BaseException:
            self._opening -= 1
            self._wake()
            raise
        self._opening -= 1
        held = Held(connection, asyncio.get_running_loop().time())
        self._held.add(held)
        if self._closed:
            self._end(held)
        return held

    async def _turn(self) -> Held | None:
        """Wait for one that is given back, or for None: something changed, look again."""
        turn: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came just as nobody waited any more
                held = turn.result()
                if held is None:
                    self._wake()
                else:
                    self.give_back(held)
            raise

    def _is_done_with(self, held: Held, error: BaseException | None) -> bool:
        """Whether a connection is not handed out again: it is old, or what it is in the middle of nobody can know."""
        stopped = error is not None and not isinstance(error, Exception)
        if self._closed or stopped or isinstance(error, UNCERTAIN) or held.connection.is_in_transaction():
            return True
        return asyncio.get_running_loop().time() - held.opened > self._lives_s

    def _hand_on(self, held: Held | None) -> bool:
        """Give `held` to whoever waits longest; False where nobody does."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(held)
                return True
        return False

    def _wake(self) -> None:
        self._hand_on(None)

    def _end(self, held: Held) -> None:
        """Close a connection, once what it is being told to stop has stopped; its place is taken until then."""
        ending = asyncio.get_running_loop().create_task(self._ended(held))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _ended(self, held: Held) -> None:
        with contextlib.suppress(Exception):  # it is cut then
            await held.connection.close(timeout=CLOSE_WITHIN_S)
        self._drop(held)

    def _drop(self, held: Held) -> None:
        """Let go of a connection, closed or not."""
        held.connection.terminate()  # which is how it is told to clean up after itself
        self._held.discard(held)
        self._wake()

    def _sweep_in(self, seconds: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(seconds, self._close_old)

    def _close_old(self) -> None:
        """Close what has rested long enough: the oldest are at the bottom."""
        now = asyncio.get_running_loop().time()
        while self._idle and now - self._idle[0].rests_since >= self._rests_s:
            self._end(self._idle.popleft())
        self._sweep = None
        if self._idle:
            self._sweep_in(self._idle[0].rests_since + self._rests_s - now)
