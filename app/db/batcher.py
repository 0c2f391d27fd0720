"""Owns how work that comes together is done together: what arrives while a set is under way shares the next one.

A set closes when the one before it ends, never after a timer, so that what comes alone waits for nobody. Sets run in a
task of their own: whoever asked may give up without taking the others along. What a set is, its owner knows.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from enum import Enum
from typing import Final, Generic, TypeVar

import structlog

from app.domain.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

LARGEST_SET = 64

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class Alone(Enum):
    """What a set says of work that cannot be done in it: whoever asked does it alone."""

    ALONE = "alone"


ALONE: Final = Alone.ALONE

CarryOut = Callable[[Sequence[Asked]], Awaitable[Sequence[Given | Exception | Alone]]]
"""Does a set, and says of each in its order: what came of it, what it raises, or that it must be done alone."""


class Gathering(Generic[Asked, Given]):
    """Work that is done in sets, one set at a time."""

    def __init__(self, carry_out: CarryOut[Asked, Given]) -> None:
        self._carry_out = carry_out
        self._waiting: deque[tuple[Asked, asyncio.Future[Given | Alone]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Given | Alone:
        """What came of `asked`, or ALONE. Raises what its set says of it, and DatabaseUnavailable."""
        told: asyncio.Future[Given | Alone] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, told))
        if self._running is None:  # nothing of whoever comes first may cling to what is done for all
            self._running = asyncio.create_task(self._run(), context=Context())
        return await told

    async def close(self) -> None:
        """Wait for the end of what is under way."""
        if self._running is not None:
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_SET))]
                wanted = [(asked, told) for asked, told in taken if not told.done()]
                if wanted:
                    outcomes = await self._outcomes([asked for asked, _ in wanted])
                    for (_, told), outcome in zip(wanted, outcomes, strict=True):
                        _tell(told, outcome)
        finally:
            self._running = None

    async def _outcomes(self, asked: Sequence[Asked]) -> Sequence[Given | Exception | Alone]:
        """What came of a set; where it failed as a whole, through the fault of one or by chance, each is done alone."""
        try:
            return await self._carry_out(asked)
        except DatabaseUnavailable as error:
            return [error] * len(asked)
        except Exception as error:  # noqa: BLE001 -- whoever is at fault hears of it, when it is done alone at the latest
            if len(asked) == 1:
                return [error]
            log.info("set_done_one_by_one", size=len(asked), error=type(error).__name__)
            return [ALONE] * len(asked)


def _tell(told: "asyncio.Future[Given | Alone]", outcome: Given | Exception | Alone) -> None:
    if told.done():  # whoever asked has given up
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
