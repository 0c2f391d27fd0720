"""Connections at hand: who gets which, and when one goes back to the pool."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from app.db.engine import NOT_NOW
from app.db.engine import Database as Engine
from app.db.shelf import Connection, Held, Shelf
from app.domain.errors import DatabaseUnavailable
from tests.fixtures.postgres import Database
from tests.fixtures.waiting import until

MOST = 2


async def made(database: Database, *, at_hand_s: float = 60) -> Shelf:
    pool = await asyncpg.create_pool(database.url, min_size=0, max_size=MOST, command_timeout=10)
    return Shelf(pool, at_hand_s=at_hand_s)


@pytest.fixture
async def shelf(empty_database: Database) -> AsyncIterator[Shelf]:
    shelf = await made(empty_database)
    yield shelf
    shelf.terminate()


@pytest.fixture
async def engine(empty_database: Database) -> AsyncIterator[Engine]:
    engine = Engine(empty_database.url, pool_size=MOST)
    await engine.open()
    yield engine
    await engine.close()


async def taken(shelf: Shelf) -> Held:
    return shelf.at_hand() or await shelf.take(5)


async def done_with(shelf: Shelf, held: Held) -> None:
    if not shelf.put(held):
        await shelf.give_back(held)


def sure(found: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return found()

    return probe


def is_gone(held: Held) -> bool:
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has taken it back
        return held.connection.is_closed()
    return True


async def works(held: Held) -> bool:
    return bool(await held.connection.fetchval("SELECT true"))


async def test_one_that_was_put_down_is_taken_again(shelf: Shelf) -> None:
    first = await taken(shelf)
    for _ in range(3):
        assert await works(first)
        assert shelf.put(first)
        assert (shelf.size, shelf.idle) == (1, 1)
        assert await taken(shelf) is first
    assert shelf.idle == 0


async def test_whoever_waits_longest_is_next_and_there_are_never_more_than_allowed(shelf: Shelf) -> None:
    held = [await taken(shelf) for _ in range(MOST)]
    order: list[int] = []

    async def wanting(number: int) -> None:
        one = await taken(shelf)
        order.append(number)
        await works(one)
        await done_with(shelf, one)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(wanting(number))
            await asyncio.sleep(0)
        for one in held:
            assert not shelf.put(one)
            await shelf.give_back(one)
    assert order == list(range(6))
    assert shelf.size == MOST


async def test_who_waits_too_long_is_told_so_and_takes_nothing_along(shelf: Shelf) -> None:
    held = [await taken(shelf) for _ in range(MOST)]
    with pytest.raises(TimeoutError):
        await shelf.take(0.01)
    assert all(shelf.put(one) for one in held)
    assert shelf.idle == MOST


async def test_what_reaches_somebody_who_just_gave_up_goes_to_the_next(shelf: Shelf) -> None:
    held = [await taken(shelf) for _ in range(MOST)]
    first, second = asyncio.create_task(shelf.take(5)), asyncio.create_task(shelf.take(5))
    await asyncio.sleep(0)
    giving = asyncio.create_task(shelf.give_back(held[0]))
    first.cancel()
    assert await works(await second)
    await giving
    assert first.cancelled()


async def test_one_that_died_at_hand_is_not_handed_out(shelf: Shelf) -> None:
    first, second = await taken(shelf), await taken(shelf)
    assert shelf.put(first)
    await second.connection.execute("SELECT pg_terminate_backend($1)", first.connection.get_server_pid())
    await until(sure(lambda: is_gone(first)))
    fresh = await taken(shelf)
    assert fresh is not first
    assert await works(fresh)
    assert shelf.size == MOST


async def test_one_that_died_in_use_is_not_kept(shelf: Shelf) -> None:
    first, second = await taken(shelf), await taken(shelf)
    await second.connection.execute("SELECT pg_terminate_backend($1)", first.connection.get_server_pid())
    with pytest.raises(NOT_NOW):  # which, is a matter of how much of the end has arrived
        await works(first)
    await until(sure(lambda: is_gone(first)))
    assert not shelf.put(first)
    await shelf.give_back(first)
    assert (shelf.size, shelf.idle) == (1, 0)


async def test_an_open_transaction_is_not_kept(shelf: Shelf) -> None:
    held = await taken(shelf)
    await held.connection.execute("BEGIN")
    assert not shelf.put(held)
    await shelf.give_back(held)
    fresh = await taken(shelf)
    assert not fresh.connection.is_in_transaction()


async def test_what_is_at_hand_goes_back_after_a_while_and_so_does_what_was_in_use_then(
    empty_database: Database,
) -> None:
    shelf = await made(empty_database, at_hand_s=0.05)
    used, resting = await taken(shelf), await taken(shelf)
    assert shelf.put(resting)

    def refused() -> bool:
        return not shelf.put(used) or shelf.at_hand() is not used

    await until(sure(refused))
    await shelf.give_back(used)
    await until(sure(lambda: shelf.idle == MOST))
    shelf.terminate()


async def test_closing_waits_for_what_is_in_use_and_hands_out_nothing_more(shelf: Shelf) -> None:
    held, resting = await taken(shelf), await taken(shelf)
    assert shelf.put(resting)
    waiting = asyncio.create_task(shelf.close())
    await asyncio.sleep(0)
    with pytest.raises(asyncpg.InterfaceError):
        await taken(shelf)
    assert await works(held)
    assert not shelf.put(held)
    await shelf.give_back(held)
    await waiting
    assert shelf.size == 0


async def test_a_statement_that_is_stopped_ends_at_the_server_before_its_connection_is_used_again(
    engine: Engine,
) -> None:
    async def sleeping() -> None:
        async with engine.connection() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    async def sleepers() -> int:
        async with engine.connection() as connection:
            found: int = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
            )
            return found

    task = asyncio.create_task(sleeping())
    while not await sleepers():  # noqa: ASYNC110 -- at the server, which tells nobody
        await asyncio.sleep(0.01)
    task.cancel()
    async with engine.connection(), engine.connection() as last:
        assert await last.fetchval("SELECT 1") == 1
        await asyncio.wait({task})
    assert task.cancelled()
    assert await sleepers() == 0


async def test_an_error_of_a_statement_costs_no_connection(engine: Engine) -> None:
    async def process() -> int:
        async with engine.connection() as connection:
            found: int = await connection.fetchval("SELECT pg_backend_pid()")
            return found

    first = await process()
    with pytest.raises(asyncpg.UndefinedTableError):
        async with engine.connection() as connection:
            await connection.execute("SELECT FROM nowhere")
    assert await process() == first


async def test_a_block_that_ended_in_the_middle_of_a_transaction_leaves_none(engine: Engine) -> None:
    async def fail_within() -> None:
        async with engine.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail_within()
    async with engine.connection() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT 1") == 1


async def test_what_was_used_while_the_server_ended_it_is_unavailable_and_replaced(engine: Engine) -> None:
    async def be_ended_by(killer: Connection) -> None:
        async with engine.connection() as connection:
            await killer.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await connection.fetchval("SELECT pg_sleep(60)")

    async with engine.connection() as killer:
        with pytest.raises(DatabaseUnavailable):
            await be_ended_by(killer)
    async with engine.connection() as one, engine.connection() as other:
        assert await one.fetchval("SELECT 1") + await other.fetchval("SELECT 1") == 2
