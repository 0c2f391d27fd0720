"""A lock for events in the worker: many run side by side; one that may bring the process down runs alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Out = Callable[[], None]


class ReadersWriterLock:
    """The lock. Each holder gets an `out` to call when it is done; further calls do nothing."""

    def __init__(self) -> None:
        self._inside = 0
        self._one = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()
        self._empty.set()

    async def beside(self) -> Out:
        """Enter beside the others, once nobody is or waits to be alone."""
        await self._open.wait()
        return self.along()

    def along(self) -> Out:
        """Count one more holder on behalf of somebody who is inside already."""
        self._inside += 1
        self._empty.clear()
        return _once(self._leave)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Out]:
        """Keep others out and wait until all have left. The lock opens again at `out` or at the end of the block."""
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
