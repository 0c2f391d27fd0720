"""One connection listens for the whole process, and does so again whatever became of it."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.db import engine
from app.db.engine import Database as Connections
from app.domain.errors import DatabaseUnavailable
from app.jobs import notifications
from app.jobs.notifications import Notifications
from tests.fixtures.network import Network
from tests.fixtures.postgres import Database
from tests.fixtures.waiting import until


class Heard:
    """Counts what is heard."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    async def until(self, count: int) -> None:
        async def heard() -> bool:
            return self.count >= count

        await until(heard)


class Faulty(Connections):
    """Gives connections on which LISTEN fails, as long as there are any."""

    broken = 0
    error: Exception | None = None

    async def dedicated(self, **settings: str) -> "asyncpg.Connection[asyncpg.Record]":
        connection = await super().dedicated(**settings)
        if self.broken:
            self.broken -= 1
            if self.error:
                raise self.error
            await connection.close()
        return connection


@pytest.fixture
async def connections(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(notifications, "LISTEN_AGAIN_S", 0.01)
    made = Faulty(database.url, pool_size=1)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def sender(database: Database) -> Any:
    connection = await database.connect()
    yield connection
    await connection.close()


async def listeners(sender: Any) -> int:
    return int(
        await sender.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
    )


async def test_two_channels_share_a_connection_and_each_hears_its_own(connections: Faulty, sender: Any) -> None:
    listening, first, second = Notifications(connections), Heard(), Heard()
    with listening.subscribed("first", first), listening.subscribed("second", second):
        await first.until(1)  # for what came before
        await second.until(1)
        await sender.execute("NOTIFY second")
        await second.until(2)
        assert (first.count, await listeners(sender)) == (1, 1)
    await sender.execute("NOTIFY second")
    with listening.subscribed("second", first):
        await sender.execute("NOTIFY second")
        await first.until(2)
    assert second.count == 2
    await listening.close()


@pytest.mark.parametrize("error", [None, DatabaseUnavailable("away"), LookupError("a fault")])
async def test_a_listener_whose_listen_failed_listens_again(
    connections: Faulty, sender: Any, error: Exception | None
) -> None:
    connections.broken, connections.error = 2, error
    listening, heard = Notifications(connections), Heard()
    with listening.subscribed("first", heard):
        await heard.until(1)
        await sender.execute("NOTIFY first")
        await heard.until(2)
        assert connections.broken == 0
    await listening.close()


async def test_a_listener_that_lost_its_connection_listens_again_and_says_look(
    connections: Faulty, sender: Any
) -> None:
    listening, heard = Notifications(connections), Heard()
    with listening.subscribed("first", heard):
        await heard.until(1)
        await sender.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        await heard.until(2)
        await sender.execute("NOTIFY first")
        await heard.until(3)
    await listening.close()
    await listening.close()


async def test_a_listener_whose_connection_was_lost_without_a_word_listens_again(
    network: Network, sender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "SILENT_S", 0.1)
    monkeypatch.setattr(engine, "CLOSE_WITHIN_S", 0.1)
    listening, heard = Notifications(Connections(network.url, command_timeout_s=0.5)), Heard()
    with listening.subscribed("first", heard):
        await heard.until(1)
        network.lose()
        await heard.until(2)
        await sender.execute("NOTIFY first")
        await heard.until(3)
    await listening.close()


async def test_what_listens_ends_although_the_server_does_not_answer(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CLOSE_WITHIN_S", 0.1)
    listening, heard = Notifications(Connections(network.url)), Heard()
    with listening.subscribed("first", heard):
        await heard.until(1)
        network.lose()
        ending = asyncio.create_task(listening.close())
        await asyncio.wait({ending}, timeout=5)
        assert ending.done()


async def test_an_argument_that_cannot_be_sent_is_no_database_that_is_away(connections: Faulty) -> None:
    with pytest.raises(asyncpg.DataError, match="invalid input for query argument"):
        async with connections.connection() as connection:
            await connection.fetchval("SELECT $1::integer", "no number")
    async with connections.connection() as connection:
        assert await connection.fetchval("SELECT $1::integer", 1) == 1
