"""What comes together is done together; what fails in company is done alone."""

import asyncio
from collections.abc import Sequence

import pytest

from app.db.batcher import ALONE, LARGEST_SET, Alone, Gathering
from app.domain.errors import DatabaseUnavailable


class Sets:
    """Does sets when it is let, and keeps them; `bad` ones break their set, or are refused, or must be done alone."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []
        self.free = asyncio.Event()
        self.breaks: Exception | None = None
        self.refused: dict[int, Exception | Alone] = {}
        self.gathering: Gathering[int, int] = Gathering(self.carry_out)

    async def carry_out(self, asked: Sequence[int]) -> Sequence[int | Exception | Alone]:
        self.done.append(list(asked))
        await self.free.wait()
        if self.breaks is not None:
            raise self.breaks
        return [self.refused.get(one, one * 2) for one in asked]

    async def ask(self, *numbers: int) -> list[asyncio.Task[int | Alone]]:
        """Tasks that ask, in this order; all of them wait when this returns."""
        tasks = [asyncio.create_task(self.gathering.ask(number)) for number in numbers]
        for _ in range(3):
            await asyncio.sleep(0)
        return tasks


async def test_what_comes_while_a_set_is_under_way_shares_the_next_one() -> None:
    sets = Sets()
    first = await sets.ask(1)
    others = await sets.ask(2, 3, 4)
    assert sets.done == [[1]]
    sets.free.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8]
    assert sets.done == [[1], [2, 3, 4]]


async def test_what_comes_alone_waits_for_nobody() -> None:
    sets = Sets()
    sets.free.set()
    assert [await sets.gathering.ask(number) for number in (1, 2)] == [2, 4]
    assert sets.done == [[1], [2]]


async def test_a_set_has_its_largest_size() -> None:
    sets = Sets()
    tasks = await sets.ask(0, *range(1, LARGEST_SET + 2))
    sets.free.set()
    await asyncio.gather(*tasks)
    assert [len(done) for done in sets.done] == [LARGEST_SET, 2]
    assert [number for done in sets.done for number in done] == list(range(LARGEST_SET + 2))


async def test_each_hears_what_its_set_says_of_it() -> None:
    sets = Sets()
    sets.refused = {2: ValueError("two"), 3: ALONE}
    sets.free.set()
    outcomes = await asyncio.gather(*await sets.ask(1, 2, 3), return_exceptions=True)
    assert (outcomes[0], repr(outcomes[1]), outcomes[2]) == (2, "ValueError('two')", ALONE)


async def test_a_set_that_breaks_is_done_one_by_one_by_those_who_asked() -> None:
    sets = Sets()
    sets.breaks = ValueError("somebody's fault")
    sets.free.set()
    assert await asyncio.gather(*await sets.ask(1, 2)) == [ALONE, ALONE]


async def test_whoever_is_a_set_of_its_own_hears_why_it_broke() -> None:
    sets = Sets()
    sets.breaks = ValueError("its own fault")
    sets.free.set()
    with pytest.raises(ValueError, match="its own fault"):
        await sets.gathering.ask(1)


async def test_without_a_database_nothing_is_tried_again() -> None:
    sets = Sets()
    sets.breaks = DatabaseUnavailable("away")
    sets.free.set()
    outcomes = await asyncio.gather(*await sets.ask(1, 2), return_exceptions=True)
    assert outcomes == [sets.breaks, sets.breaks]


async def test_whoever_gives_up_before_its_set_begins_is_left_out_of_it() -> None:
    sets = Sets()
    first = await sets.ask(1)
    second, third = await sets.ask(2, 3)
    second.cancel()
    await asyncio.wait({second})
    sets.free.set()
    assert await asyncio.gather(*first, third) == [2, 6]
    assert sets.done == [[1], [3]]


async def test_whoever_gives_up_during_its_set_takes_nobody_along() -> None:
    sets = Sets()
    first, second = await sets.ask(1, 2)
    first.cancel()
    await asyncio.wait({first})
    sets.free.set()
    assert await second == 4
    assert sets.done == [[1, 2]]


async def test_closing_waits_for_what_is_under_way() -> None:
    sets = Sets()
    (task,) = await sets.ask(1)
    closing = asyncio.create_task(sets.gathering.close())
    await asyncio.sleep(0)
    assert not closing.done()
    sets.free.set()
    await closing
    assert await task == 2
    await sets.gathering.close()
