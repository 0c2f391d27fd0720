"""Group commit: work that arrives together is done together, and what arrives during a batch shares the next one.

A batch starts when the one before it ends, never after a timer, so work that comes alone does not wait. Batches run in
their own task: a submitter who is cancelled does not cancel the others.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from enum import Enum
from typing import Final, Generic, TypeVar

import structlog

from app.domain.errors import DatabaseContention, DatabaseUnavailable

log = structlog.get_logger(__name__)

LARGEST_BATCH = 64

Work = TypeVar("Work")
Result = TypeVar("Result")


class Individually(Enum):
    """The outcome of work that a batch cannot do: its submitter must do it individually."""

    INDIVIDUALLY = "individually"


INDIVIDUALLY: Final = Individually.INDIVIDUALLY

CarryOut = Callable[[Sequence[Work]], Awaitable[Sequence[Result | Exception | Individually]]]
"""Carries out a batch. Returns for each work, in order, its result, the exception to raise, or INDIVIDUALLY."""


class Batcher(Generic[Work, Result]):
    """Carries out work in batches, one batch at a time."""

    def __init__(self, carry_out: CarryOut[Work, Result]) -> None:
        self._carry_out = carry_out
        self._waiting: deque[tuple[Work, asyncio.Future[Result | Individually]]] = deque()
        self._running: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """The number of submitted works that no batch has taken yet."""
        return len(self._waiting)

    async def submit(self, work: Work) -> Result | Individually:
        """The result of `work`, or INDIVIDUALLY. Raises what the batch returns for it, and DatabaseUnavailable."""
        done: asyncio.Future[Result | Individually] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._running is None:  # nothing of whoever comes first may cling to what is done for all
            self._running = asyncio.create_task(self._run(), context=Context())
        return await done

    async def close(self) -> None:
        if self._running is not None:
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), LARGEST_BATCH))]
                wanted = [(work, done) for work, done in taken if not done.done()]
                if wanted:
                    outcomes = await self._outcomes([work for work, _ in wanted])
                    for (_, done), outcome in zip(wanted, outcomes, strict=True):
                        _settle(done, outcome)
        finally:
            self._running = None

    async def _outcomes(self, works: Sequence[Work]) -> Sequence[Result | Exception | Individually]:
        """Carry out a batch. If all of it fails, each work gets INDIVIDUALLY, or the error if the database is away."""
        try:
            return await self._carry_out(works)
        except Exception as error:  # noqa: BLE001 -- whoever is at fault hears of it, individually at the latest
            away = isinstance(error, DatabaseUnavailable) and not isinstance(error, DatabaseContention)
            if away or len(works) == 1:
                return [error] * len(works)
            log.info("batch_done_individually", size=len(works), error=type(error).__name__)
            return [INDIVIDUALLY] * len(works)


def _settle(done: "asyncio.Future[Result | Individually]", outcome: Result | Exception | Individually) -> None:
    if done.done():  # whoever submitted has given up
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
