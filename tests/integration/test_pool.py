"""Connections: how many there are, who gets them, and what happens to one that was left in the middle of something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from app.db.engine import NOT_NOW
from app.db.pool import Connection, Held, Pool
from tests.fixtures.postgres import Database
from tests.fixtures.waiting import until

MOST = 2


@pytest.fixture
async def opened() -> list[Connection]:
    return []


@pytest.fixture
async def pool(empty_database: Database, opened: list[Connection]) -> AsyncIterator[Pool]:
    pool = Pool(lambda: connect(empty_database, opened), MOST)
    yield pool
    pool.terminate()


async def connect(database: Database, opened: list[Connection]) -> Connection:
    opened.append(await asyncpg.connect(database.url, command_timeout=10))
    return opened[-1]


async def taken(pool: Pool) -> Held:
    return pool.resting() or await pool.acquire(5)


def sure(found: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return found()

    return probe


async def works(held: Held) -> bool:
    return bool(await held.connection.fetchval("SELECT true"))


async def test_one_that_was_given_back_is_handed_out_again(pool: Pool, opened: list[Connection]) -> None:
    for _ in range(3):
        held = await taken(pool)
        assert await works(held)
        pool.give_back(held)
    assert len(opened) == 1
    assert (pool.size, pool.idle) == (1, 1)


async def test_whoever_waits_longest_is_next_and_there_are_never_more_than_allowed(
    pool: Pool, opened: list[Connection]
) -> None:
    held = [await taken(pool) for _ in range(MOST)]
    order: list[int] = []

    async def wanting(number: int) -> None:
        one = await pool.acquire(5)
        order.append(number)
        await works(one)
        pool.give_back(one)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(wanting(number))
            await asyncio.sleep(0)
        for one in held:
            pool.give_back(one)
    assert order == list(range(6))
    assert len(opened) == MOST


async def test_who_waits_too_long_is_told_so_and_takes_nothing_along(pool: Pool) -> None:
    held = [await taken(pool) for _ in range(MOST)]
    with pytest.raises(TimeoutError):
        await pool.acquire(0.01)
    for one in held:
        pool.give_back(one)
    assert pool.idle == MOST


async def test_what_reaches_somebody_who_just_gave_up_goes_to_the_next(pool: Pool) -> None:
    held = [await taken(pool) for _ in range(MOST)]
    first, second = asyncio.create_task(pool.acquire(5)), asyncio.create_task(pool.acquire(5))
    await asyncio.sleep(0)
    pool.give_back(held[0])
    first.cancel()
    assert await second is held[0]
    assert first.cancelled()


async def test_a_connection_that_could_not_be_opened_leaves_its_place_to_others(empty_database: Database) -> None:
    broken = [True]

    async def once_broken() -> Connection:
        if broken.pop() if broken else False:
            raise ConnectionError
        return await connect(empty_database, [])

    pool = Pool(once_broken, 1)
    with pytest.raises(ConnectionError):
        await pool.acquire(5)
    assert await works(await pool.acquire(5))
    pool.terminate()


async def test_one_that_died_while_it_rested_is_not_handed_out(pool: Pool, opened: list[Connection]) -> None:
    first, second = await taken(pool), await taken(pool)
    pool.give_back(first)
    await second.connection.execute("SELECT pg_terminate_backend($1)", first.connection.get_server_pid())
    await until(sure(first.connection.is_closed))
    fresh = await taken(pool)
    assert fresh is not first
    assert await works(fresh)
    assert pool.size == MOST


async def test_one_that_died_in_use_is_not_kept(pool: Pool) -> None:
    first, second = await taken(pool), await taken(pool)
    await second.connection.execute("SELECT pg_terminate_backend($1)", first.connection.get_server_pid())
    with pytest.raises(NOT_NOW) as error:  # which, is a matter of how much of the end has arrived
        await works(first)
    pool.give_back(first, error.value)
    await until(sure(lambda: (pool.size, pool.idle) == (1, 0)))


async def test_a_statement_that_is_stopped_ends_at_the_server_before_its_place_is_free(
    pool: Pool, opened: list[Connection]
) -> None:
    watching = await taken(pool)

    async def sleeping() -> None:
        held = await pool.acquire(5)
        try:
            await held.connection.execute("SELECT pg_sleep(60)")
        except BaseException as error:
            pool.give_back(held, error)
            raise

    async def sleepers() -> int:
        found: int = await watching.connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
        )
        return found

    task = asyncio.create_task(sleeping())
    while not await sleepers():  # noqa: ASYNC110 -- at the server, which tells nobody
        await asyncio.sleep(0.01)
    task.cancel()
    fresh = await pool.acquire(5)
    assert task.cancelled()
    assert await sleepers() == 0
    assert await works(fresh)
    assert opened[1].is_closed()


async def test_an_open_transaction_is_handed_to_nobody(pool: Pool, opened: list[Connection]) -> None:
    held = await taken(pool)
    await held.connection.execute("BEGIN")
    pool.give_back(held)
    fresh = await taken(pool)
    assert not fresh.connection.is_in_transaction()
    await until(sure(opened[0].is_closed))


async def test_an_error_of_the_statement_costs_no_connection(pool: Pool, opened: list[Connection]) -> None:
    held = await taken(pool)
    with pytest.raises(asyncpg.UndefinedTableError) as error:
        await held.connection.execute("SELECT FROM nowhere")
    pool.give_back(held, error.value)
    assert await taken(pool) is held
    assert len(opened) == 1


async def test_what_nobody_needs_is_closed_after_a_while(empty_database: Database) -> None:
    opened: list[Connection] = []
    pool = Pool(lambda: connect(empty_database, opened), MOST, rests_s=0.05)
    for held in [await taken(pool) for _ in range(MOST)]:
        pool.give_back(held)
    await until(sure(lambda: pool.size == 0))
    assert all(connection.is_closed() for connection in opened)


async def test_what_has_lived_long_is_replaced(empty_database: Database) -> None:
    opened: list[Connection] = []
    pool = Pool(lambda: connect(empty_database, opened), 1, lives_s=0)
    for _ in range(2):
        held = await taken(pool)
        assert await works(held)
        pool.give_back(held)
    assert len(opened) == 2
    await until(sure(opened[0].is_closed))
    pool.terminate()


async def test_closing_waits_for_what_is_in_use_and_hands_out_nothing_more(
    pool: Pool, opened: list[Connection]
) -> None:
    held, resting = await taken(pool), await taken(pool)
    pool.give_back(resting)
    waiting = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(asyncpg.InterfaceError):
        await taken(pool)
    assert await works(held)
    pool.give_back(held)
    await waiting
    assert pool.size == 0
    assert all(connection.is_closed() for connection in opened)


async def test_who_waits_while_the_pool_is_closed_is_told_so(pool: Pool) -> None:
    held = [await taken(pool) for _ in range(MOST)]
    waiting = [asyncio.create_task(pool.acquire(5)) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(pool.close())
    for one in waiting:
        with pytest.raises(asyncpg.InterfaceError):
            await one
    for each in held:
        pool.give_back(each)
    await closing


async def test_one_that_is_being_opened_while_the_pool_is_closed_is_closed_too(
    pool: Pool, opened: list[Connection]
) -> None:
    opening = asyncio.create_task(pool.acquire(5))
    await asyncio.sleep(0)
    assert pool.size == 1
    await pool.close()
    with pytest.raises(asyncpg.InterfaceError):
        await opening
    assert opened[0].is_closed()
