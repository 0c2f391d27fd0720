"""Owns who is in the worker at once: many side by side, or one alone, so that what brings the process down hits nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Out = Callable[[], None]


class Passage:
    """Everybody gets an `out` to be called when they are through; calling it twice does nothing more."""

    def __init__(self) -> None:
        self._inside = 0
        self._one = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def beside(self) -> Out:
        """Come in beside the others, once nobody has to be alone."""
        await self._open.wait()
        return self.along()

    def along(self) -> Out:
        """Take somebody along who is inside already."""
        self._inside += 1
        self._empty.clear()
        return _once(self._leave)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Out]:
        """Keep the others out and wait until all are through; the way is free again at `out`, or at the end."""
        async with self._one:
            self._open.clear()
            try:
                await self._empty.wait()
                yield self._open.set
            finally:
                self._open.set()

    def _leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            self._empty.set()


def _once(call: Callable[[], None]) -> Out:
    calls = [call]
    return lambda: calls.pop()() if calls else None
