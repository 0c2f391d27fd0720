"""Connections of the pool: what becomes of one whose use did not end well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.db.engine import Connection
from app.db.engine import Database as Engine
from app.domain.errors import DatabaseUnavailable
from dev.postgres import FOR_TESTS, PostgresServer
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database


@pytest.fixture
async def engine(empty_database: Database) -> AsyncIterator[Engine]:
    engine = Engine(empty_database.url, pool_size=2)
    await engine.open()
    yield engine
    await engine.close()


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


async def test_the_server_asks_after_a_client_that_is_silent(tmp_path: Path) -> None:
    """Else it keeps the locks of a machine that was lost until its system gives the connection up, after two hours."""
    port = find_free_port()
    server = PostgresServer(
        tmp_path / "postgres", options=FOR_TESTS | {"listen_addresses": "127.0.0.1", "port": str(port)}
    )
    server.start()
    try:
        async with Engine(f"postgresql://postgres@127.0.0.1:{port}/postgres").session() as connection:
            shown = [
                int(await connection.fetchval(f"SELECT current_setting('tcp_keepalives_{name}')"))
                for name in ("idle", "interval", "count")
            ]
    finally:
        server.stop()
        server.clean_up()
    idle, interval, count = shown
    assert 0 < idle + interval * count <= 60
