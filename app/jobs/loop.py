"""The loop under every queue: take what is due, rest when nothing is, and continue after any error.

A job is a row that a worker leases. If the worker does not finish it, it comes due again when the lease ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from app.domain.backoff import Backoff
from app.domain.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

BACKOFF = Backoff(first_s=1.0, longest_s=5.0)
"""Pauses after errors of the loop itself, so that a database that returns is noticed within seconds."""

T = TypeVar("T")


class JobLoop:
    """Takes jobs of `queue` until it is stopped.

    `take` does the due jobs and returns how many there were. After 0 the loop rests for `poll_s` seconds or until it is
    woken. After an exception it logs the error and rests, longer each time.
    """

    def __init__(self, queue: str, take: Callable[[], Awaitable[int]], *, poll_s: float) -> None:
        self._queue = queue
        self._take = take
        self._poll_s = poll_s
        self._stopped = asyncio.Event()
        self._woken = asyncio.Event()

    def stop(self) -> None:
        """Make `run` return once the work under way is finished."""
        self._stopped.set()
        self._woken.set()

    def wake(self) -> None:
        """Look for jobs again at once instead of resting."""
        self._woken.set()

    async def run(self) -> None:
        """Take until stopped. Raises nothing."""
        failures = 0
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                taken = await self._take()
            except Exception as error:  # noqa: BLE001 -- the others in this process must not end with it
                failures += 1
                tell(error, "job_loop_failed", queue=self._queue)
                await within(self._stopped, BACKOFF.pause(failures).total_seconds())
            else:
                failures = 0
                if not taken:
                    await within(self._woken, self._poll_s)


async def drain(take: Callable[[], Awaitable[int]]) -> int:
    """Call `take` until nothing is due. Returns the number of jobs."""
    done = 0
    while count := await take():
        done += count
    return done


async def side_by_side(queue: str, jobs: Mapping[str, Coroutine[None, None, None]]) -> int:
    """Run jobs concurrently, each to its end, and return their number.

    `jobs` maps ids to coroutines. An error of one does not affect the others; that job comes due again when its lease
    ends.
    """
    outcomes = await asyncio.gather(*jobs.values(), return_exceptions=True)
    for job, error in zip(jobs, outcomes, strict=True):
        if error is not None:
            tell(error, "job_left_to_its_lease", queue=queue, job=job)
    return len(jobs)


async def persist(write: Callable[[], Awaitable[T]], until: float) -> T:
    """Write a job's result, with retries while the database is away, until the loop's clock reaches `until`.

    `until` is the end of the lease. The retries matter because a lost result means that the work outside is done again.
    Raises DatabaseUnavailable at the end.
    """
    failures = 0
    while True:
        try:
            return await write()
        except DatabaseUnavailable:
            failures += 1
            pause_s = BACKOFF.pause(failures).total_seconds()
            if asyncio.get_running_loop().time() + pause_s > until:
                raise
            await asyncio.sleep(pause_s)


async def within(event: asyncio.Event, seconds: float) -> None:
    """Wait for `event`, at most `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def tell(error: BaseException, event: str, **about: str) -> None:
    """Log the error of a job or a loop, with a traceback unless the database is merely away."""
    if isinstance(error, DatabaseUnavailable):
        log.warning(event, error=type(error).__name__, **about)
    else:
        log.error(event, exc_info=error, **about)


def heard(ended: asyncio.Future[Any]) -> None:
    """Read the exception of a task that nobody may be waiting for, so that Python does not warn about it."""
    if not ended.cancelled():
        ended.exception()
