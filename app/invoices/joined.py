"""Concurrent look-ups of the same name share one call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from app.jobs.loop import heard

Answer = TypeVar("Answer")


class Joined(Generic[Answer]):
    """Calls `look_up` once at a time for each name. Whoever asks meanwhile gets the same answer or error.

    The call may have begun before the question, so the answer may be older than what the caller knows.
    """

    def __init__(self, look_up: Callable[[str], Awaitable[Answer]]) -> None:
        self._look_up = look_up
        self._running: dict[str, asyncio.Task[Answer]] = {}

    async def ask(self, name: str) -> Answer:
        """The answer for `name`. Raises what `look_up` raises. A cancelled caller does not cancel the others."""
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = asyncio.create_task(self._run(name))
            running.add_done_callback(heard)
        return await asyncio.shield(running)

    async def _run(self, name: str) -> Answer:
        try:
            return await self._look_up(name)
        finally:
            del self._running[name]
