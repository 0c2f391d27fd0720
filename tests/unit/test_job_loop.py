"""The loop under the queues survives whatever goes wrong, and rests longer each time; no job takes another along."""

import asyncio
from collections.abc import Iterator

import pytest

from app.domain.backoff import Backoff
from app.domain.errors import DatabaseUnavailable
from app.jobs import loop
from app.jobs.loop import JobLoop, drain, persist, side_by_side


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "BACKOFF", Backoff(0.001, 0.002))


class Queue:
    """Raises what it is given, then takes nothing."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.taken = 0
        self.calm = asyncio.Event()
        self.loop = JobLoop("test", self.take, poll_s=600)

    async def take(self) -> int:
        self.taken += 1
        if self.errors:
            raise self.errors.pop(0)
        self.calm.set()
        return 0


async def test_a_loop_survives_every_exception() -> None:
    queue = Queue(DatabaseUnavailable("away"), LookupError("a fault"), ValueError("another"), OSError("gone"))
    running = asyncio.create_task(queue.loop.run())
    async with asyncio.timeout(15):
        await queue.calm.wait()
        queue.loop.stop()
        await running
    assert queue.taken == 5


async def test_a_loop_that_rests_is_woken_and_stopped_at_once() -> None:
    queue = Queue()
    running = asyncio.create_task(queue.loop.run())
    async with asyncio.timeout(15):
        await queue.calm.wait()
        queue.calm.clear()
        queue.loop.wake()
        await queue.calm.wait()
        queue.loop.stop()
        await running


async def test_a_loop_that_is_stopped_before_it_runs_takes_nothing() -> None:
    queue = Queue()
    queue.loop.stop()
    await queue.loop.run()
    assert queue.taken == 0


async def test_draining_takes_until_there_is_nothing() -> None:
    batches = iter([2, 3, 0])

    async def take() -> int:
        return next(batches)

    assert await drain(take) == 5


async def test_a_job_that_breaks_leaves_the_others_to_come_to_their_end() -> None:
    broken, ended = asyncio.Event(), asyncio.Event()

    async def breaks() -> None:
        broken.set()
        raise LookupError("a fault")

    async def goes_on() -> None:
        await broken.wait()
        await asyncio.sleep(0)
        ended.set()

    assert await side_by_side("test", {"a": breaks(), "b": goes_on()}) == 2
    assert ended.is_set()


@pytest.fixture
def failures() -> Iterator[Exception]:
    return iter([DatabaseUnavailable("away"), DatabaseUnavailable("away")])


async def test_what_was_done_is_written_as_soon_as_the_database_is_back(failures: Iterator[Exception]) -> None:
    async def write() -> str:
        for error in failures:
            raise error
        return "written"

    assert await persist(write, asyncio.get_running_loop().time() + 15) == "written"


async def test_what_cannot_be_written_within_the_lease_is_given_up(failures: Iterator[Exception]) -> None:
    async def write() -> None:
        raise next(failures)

    with pytest.raises(DatabaseUnavailable):
        await persist(write, asyncio.get_running_loop().time())


def test_pauses_grow_threefold_within_bounds_and_are_spread() -> None:
    backoff = Backoff(1.0, 20.0)
    assert [backoff.most_s(failures) for failures in (1, 2, 3, 4, 10_000)] == [1, 3, 9, 20, 20]
    assert [backoff.pause(2, dice).total_seconds() for dice in (0, 1)] == [1.5, 3]
    assert 1.5 <= backoff.pause(2).total_seconds() <= 3
