"""What comes together is done together; what fails in company is done individually."""

import asyncio
from collections.abc import Sequence

import pytest

from app.db.batcher import INDIVIDUALLY, LARGEST_BATCH, Batcher, Individually
from app.domain.errors import DatabaseContention, DatabaseUnavailable


class Batches:
    """Does batches when it is let, and keeps them; `bad` ones break their batch, or are refused, or must be done alone."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []
        self.free = asyncio.Event()
        self.breaks: Exception | None = None
        self.refused: dict[int, Exception | Individually] = {}
        self.batcher: Batcher[int, int] = Batcher(self.carry_out)

    async def carry_out(self, asked: Sequence[int]) -> Sequence[int | Exception | Individually]:
        self.done.append(list(asked))
        await self.free.wait()
        if self.breaks is not None:
            raise self.breaks
        return [self.refused.get(one, one * 2) for one in asked]

    async def ask(self, *numbers: int) -> list[asyncio.Task[int | Individually]]:
        """Tasks that ask, in this order; all of them wait when this returns."""
        tasks = [asyncio.create_task(self.batcher.submit(number)) for number in numbers]
        for _ in range(3):
            await asyncio.sleep(0)
        return tasks


async def test_what_comes_while_a_batch_is_under_way_shares_the_next_one() -> None:
    batches = Batches()
    first = await batches.ask(1)
    others = await batches.ask(2, 3, 4)
    assert batches.done == [[1]]
    batches.free.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8]
    assert batches.done == [[1], [2, 3, 4]]


async def test_what_comes_alone_waits_for_nobody() -> None:
    batches = Batches()
    batches.free.set()
    assert [await batches.batcher.submit(number) for number in (1, 2)] == [2, 4]
    assert batches.done == [[1], [2]]


async def test_a_batch_has_its_largest_size() -> None:
    batches = Batches()
    tasks = await batches.ask(0, *range(1, LARGEST_BATCH + 2))
    batches.free.set()
    await asyncio.gather(*tasks)
    assert [len(done) for done in batches.done] == [LARGEST_BATCH, 2]
    assert [number for done in batches.done for number in done] == list(range(LARGEST_BATCH + 2))


async def test_each_hears_what_its_batch_says_of_it() -> None:
    batches = Batches()
    batches.refused = {2: ValueError("two"), 3: INDIVIDUALLY}
    batches.free.set()
    outcomes = await asyncio.gather(*await batches.ask(1, 2, 3), return_exceptions=True)
    assert (outcomes[0], repr(outcomes[1]), outcomes[2]) == (2, "ValueError('two')", INDIVIDUALLY)


async def test_a_batch_that_breaks_is_done_one_by_one_by_those_who_asked() -> None:
    batches = Batches()
    batches.breaks = ValueError("somebody's fault")
    batches.free.set()
    assert await asyncio.gather(*await batches.ask(1, 2)) == [INDIVIDUALLY, INDIVIDUALLY]


async def test_whoever_is_a_batch_of_its_own_hears_why_it_broke() -> None:
    batches = Batches()
    batches.breaks = ValueError("its own fault")
    batches.free.set()
    with pytest.raises(ValueError, match="its own fault"):
        await batches.batcher.submit(1)


async def test_without_a_database_nothing_is_tried_again() -> None:
    batches = Batches()
    batches.breaks = DatabaseUnavailable("away")
    batches.free.set()
    outcomes = await asyncio.gather(*await batches.ask(1, 2), return_exceptions=True)
    assert outcomes == [batches.breaks, batches.breaks]


async def test_a_deadlock_is_tried_again_individually() -> None:
    batches = Batches()
    batches.breaks = DatabaseContention("deadlock")
    batches.free.set()
    assert await asyncio.gather(*await batches.ask(1, 2)) == [INDIVIDUALLY, INDIVIDUALLY]


async def test_whoever_gives_up_before_its_batch_begins_is_left_out_of_it() -> None:
    batches = Batches()
    first = await batches.ask(1)
    second, third = await batches.ask(2, 3)
    second.cancel()
    await asyncio.wait({second})
    batches.free.set()
    assert await asyncio.gather(*first, third) == [2, 6]
    assert batches.done == [[1], [3]]


async def test_whoever_gives_up_during_its_batch_takes_nobody_along() -> None:
    batches = Batches()
    first, second = await batches.ask(1, 2)
    first.cancel()
    await asyncio.wait({first})
    batches.free.set()
    assert await second == 4
    assert batches.done == [[1, 2]]


async def test_closing_waits_for_what_is_under_way() -> None:
    batches = Batches()
    (task,) = await batches.ask(1)
    closing = asyncio.create_task(batches.batcher.close())
    await asyncio.sleep(0)
    assert not closing.done()
    batches.free.set()
    await closing
    assert await task == 2
    await batches.batcher.close()
