"""Listens for PostgreSQL's notifications, on one connection per process for all subscribers.

A notification only means "look again". Losing one costs time but no data: subscribers also poll, and they are called
whenever the connection is made anew.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from app.db.engine import Database, close, require_answer
from app.jobs.loop import within

log = structlog.get_logger(__name__)

LISTEN_AGAIN_S = 0.5
"""Seconds between attempts to listen while the database is away."""
SILENT_S = 30.0
"""Seconds between two trials of the connection: a network may lose it without telling."""


class Notifications:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscribers: dict[str, list[Callable[[], None]]] = {}
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def subscribed(self, channel: str, call: Callable[[], None]) -> Iterator[None]:
        """While the block runs, call `call` at each notification of `channel` and whenever listening begins."""
        self._subscribers.setdefault(channel, []).append(call)
        self._changed.set()
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            self._subscribers[channel].remove(call)

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    def notify(self, channel: str) -> None:
        """Call the subscribers of `channel`."""
        for call in list(self._subscribers[channel]):
            call()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except Exception as error:  # noqa: BLE001 -- whatever it was, it is tried again
                log.warning("not_listening", error=type(error).__name__)
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _listen_once(self) -> None:
        """Listen until the connection is lost."""
        connection = await self._database.dedicated()
        try:
            connection.add_termination_listener(lambda *_: self._changed.set())
            heard: set[str] = set()
            while not connection.is_closed():
                self._changed.clear()
                for channel in self._subscribers.keys() - heard:
                    await connection.add_listener(channel, lambda _connection, _pid, name, _payload: self.notify(name))
                    heard.add(channel)
                    self.notify(channel)  # for what came before
                await within(self._changed, SILENT_S)
                if not self._changed.is_set():
                    await require_answer(connection)
        finally:
            await close(connection)
