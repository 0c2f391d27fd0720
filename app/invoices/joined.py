"""One look-up for all who ask the same at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Joined(Generic[Answer]):
    """Asks `look_up` once for each name at a time; whoever asks meanwhile gets the same answer, or the same error.

    The answer may be of a look-up that began before the question. So this is not for what must be newer than something
    that the caller knows already.
    """

    def __init__(self, look_up: Callable[[str], Awaitable[Answer]]) -> None:
        self._look_up = look_up
        self._running: dict[str, asyncio.Task[Answer]] = {}

    async def ask(self, name: str) -> Answer:
        """The answer to `name`. One who gives up does not take the others along. Raises what the look-up raises."""
        running = self._running.get(name)
        if running is None:
            running = self._running[name] = asyncio.create_task(self._run(name))
            running.add_done_callback(_heard)
        return await asyncio.shield(running)

    async def _run(self, name: str) -> Answer:
        try:
            return await self._look_up(name)
        finally:
            del self._running[name]


def _heard(ended: asyncio.Task[Answer]) -> None:
    """Take note of an error, also where nobody waits for it any more."""
    if not ended.cancelled():
        ended.exception()
