"""Owns hearing that the feed may have grown: one connection that listens, per process, however many wait.

The bell only says "look again": what there is, a reader finds in the feed. So a ring that is lost, while the connection
is, costs time and nothing else; whoever waits looks again anyway after a while, and at every reconnection.
"""

import asyncio
from contextlib import suppress

import asyncpg
import structlog

from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from app.events.change_statements import CHANNEL

log = structlog.get_logger(__name__)

LISTEN_AGAIN_S = 0.5
"""Between tries to listen while the database is away."""


class Bell:
    """Rings when changes were committed. `rings` counts."""

    def __init__(self, database: Database) -> None:
        self.rings = 0
        self._database = database
        self._rung = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def wait(self, heard: int, within_s: float) -> int:
        """The count of rings, as soon as it is no longer `heard`, or after `within_s`.

        Take `rings` before you look, and wait with that: what comes while you look is then not missed.
        """
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        if self.rings == heard:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._rung.wait()
        return self.rings

    def ring(self) -> None:
        """Have everybody who waits look again."""
        self.rings += 1
        self._rung.set()
        self._rung = asyncio.Event()

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (DatabaseUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not_listening_for_changes", error=type(error).__name__)
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _listen_once(self) -> None:
        """Listen until the connection is lost."""
        connection = await self._database.dedicated()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self.ring())
            self.ring()  # for what came before
            await lost.wait()
        finally:
            await connection.close(timeout=2)
