"""The loop under every queue: take what is due, rest when there is nothing, survive whatever goes wrong.

A job is a row that is handed out for a lease. What a worker cannot bring to its end comes due again when the lease ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TypeVar

import structlog

from app.domain.backoff import Backoff
from app.domain.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

BACKOFF = Backoff(first_s=1.0, longest_s=5.0)
"""After failures of the loop itself: a database that is away is found again within seconds."""

T = TypeVar("T")


class JobLoop:
    """Takes jobs of `queue` again and again, until it is stopped.

    `take` does what is due, and answers how many jobs that were. After none the loop rests: for `poll_s` seconds, or
    until it is woken. After an exception it says so and rests longer each time.
    """

    def __init__(self, queue: str, take: Callable[[], Awaitable[int]], *, poll_s: float) -> None:
        self._queue = queue
        self._take = take
        self._poll_s = poll_s
        self._stopped = asyncio.Event()
        self._woken = asyncio.Event()

    def stop(self) -> None:
        """Finish what is under way, then return from run."""
        self._stopped.set()
        self._woken.set()

    def wake(self) -> None:
        """Take at once instead of resting."""
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
    """Take until nothing is due; how many jobs that were."""
    done = 0
    while count := await take():
        done += count
    return done


async def side_by_side(queue: str, jobs: Mapping[str, Coroutine[None, None, None]]) -> int:
    """Do jobs, by their ids, side by side; each comes to its end, whatever becomes of the others. How many they were.

    A job that raises is left to its lease.
    """
    outcomes = await asyncio.gather(*jobs.values(), return_exceptions=True)
    for job, error in zip(jobs, outcomes, strict=True):
        if error is not None:
            tell(error, "job_left_to_its_lease", queue=queue, job=job)
    return len(jobs)


async def persist(write: Callable[[], Awaitable[T]], until: float) -> T:
    """Write what became of a job, again and again while the database is away, `until` its lease ends by the loop's clock.

    What was done outside must not be done again for want of its mark. Raises DatabaseUnavailable at the end.
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
    """Wait for `event`, no longer than `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def tell(error: BaseException, event: str, **about: str) -> None:
    """Log what a job or a loop raised: with a trace, unless the database is only away."""
    if isinstance(error, DatabaseUnavailable):
        log.warning(event, error=type(error).__name__, **about)
    else:
        log.error(event, exc_info=error, **about)
