"""The feed keeps what happened for as long as it is told to; whoever stopped reading before that hears so."""

import asyncio
from datetime import timedelta
from typing import TypeAlias

import asyncpg
import pytest

from app.db.engine import Database as Connections
from app.domain.changes import Change
from app.domain.events import START, Cursor
from app.events import feed_statements
from app.outgoing import endpoint_statements
from app.projection import change_statements
from app.retention import forget_feed
from tests.fixtures.caller import Caller
from tests.fixtures.consumer import endpoint
from tests.fixtures.feed import settled
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RETENTION = timedelta(days=35)
OLD = "UPDATE changes SET at = now() - interval '36 days' WHERE invoice = ANY($1)"


async def happen(connection: Connection, *invoices: str) -> None:
    """Each in a transaction of its own."""
    for invoice in invoices:
        told = {"id": invoice, "status": "open", "customer": "cus_1"}
        await change_statements.add(connection, [Change("invoice", "draft", told, "evt_1").row(told)])


async def kept(connection: Connection) -> list[str]:
    return [row["invoice"] for row in await connection.fetch("SELECT invoice FROM changes ORDER BY position, id")]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_what_is_old_is_deleted_from_the_beginning_up_to_the_first_that_is_not(
    database: Database, limit: int
) -> None:
    connection = await database.connect()
    await happen(connection, "in_1", "in_2", "in_3", "in_4")
    await connection.execute(OLD, ["in_1", "in_2", "in_4"])  # a clock that was set back: in_4 waits for in_3
    assert await feed_statements.gone(connection) == Cursor(0, 0)
    while await feed_statements.forget(connection, RETENTION, limit):
        pass
    assert await kept(connection) == ["in_3", "in_4"]
    page = await settled(connection)
    assert [event.invoice for event in page.events] == ["in_3", "in_4"]
    assert START < page.gone < page.events[0].cursor
    assert page.gone == await feed_statements.gone(connection)
    await connection.close()


async def test_the_task_deletes_all_that_is_old(database: Database) -> None:
    connection = await database.connect()
    await happen(connection, "in_1", "in_2")
    await connection.execute(OLD, ["in_1"])
    connections = Connections(database.url, pool_size=1)
    await connections.open()
    task = forget_feed(connections, RETENTION)
    assert [await task.work(), await task.work()] == [1, 0]
    assert await kept(connection) == ["in_2"]
    await connections.close()
    await connection.close()


async def test_what_an_endpoint_has_still_to_be_sent_is_kept(database: Database) -> None:
    connection = await database.connect()
    await happen(connection, "in_1", "in_2", "in_3")
    await connection.execute(OLD, ["in_1", "in_2", "in_3"])
    first, second, _ = [event.cursor for event in (await settled(connection)).events]
    await connection.execute(
        "INSERT INTO webhook_endpoints (id, url, types, ordered, status, secrets, position, change) "
        "VALUES ('we_1', 'https://shop.example', '{}', false, 'enabled', '[]', $1, $2)",
        second.position,
        second.id,
    )
    await connection.execute(
        "INSERT INTO deliveries (id, endpoint, event, type, position, change, in_order) "
        "SELECT 'dlv_1', 'we_1', event, type, position, id, false FROM changes WHERE id = $1",
        second.id,
    )
    assert await feed_statements.forget(connection, RETENTION, 100) == 1
    assert await feed_statements.gone(connection) == first
    await connection.execute("UPDATE deliveries SET status = 'delivered', next_attempt_at = NULL, delivered_at = now()")
    assert await feed_statements.forget(connection, RETENTION, 100) == 1
    assert await kept(connection) == ["in_3"]  # not fanned out yet
    await connection.execute(
        "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = 'caller', disabled_at = now()"
    )
    assert await feed_statements.forget(connection, RETENTION, 100) == 1
    await connection.close()


async def missed(database: Database, api: Caller, status: str = "pending") -> tuple[Connection, str]:
    """An endpoint, disabled, that has still to be sent an old event; the path of the endpoint."""
    made = await endpoint(api.client, "https://shop.example/hooks")
    connection = await database.connect()
    await happen(connection, "in_1", "in_2")
    await connection.execute(OLD, ["in_1", "in_2"])
    last = (await settled(connection)).events[-1].cursor
    await connection.execute("UPDATE webhook_endpoints SET position = $1, change = $2", last.position, last.id)
    await connection.execute(
        "INSERT INTO deliveries (endpoint, event, type, position, change, in_order, status) "
        "SELECT $1, event, type, position, id, false, $2 FROM changes",
        made["id"],
        status,
    )
    path = f"/v1/webhook-endpoints/{made['id']}"
    await api.patch(path, {"status": "disabled"})
    return connection, path


@pytest.mark.parametrize("status", ["pending", "failed", "delivering"])
async def test_what_waits_for_a_disabled_endpoint_is_deleted_like_the_rest(
    api: Caller, database: Database, status: str
) -> None:
    connection, path = await missed(database, api, status)
    assert await feed_statements.forget(connection, RETENTION, 100) == 2
    refused = await api.refused("PATCH", path, 409, "invalid_state", {"status": "enabled"})
    assert "make a new endpoint" in refused["detail"]
    await connection.close()


async def test_what_waits_for_a_deleted_endpoint_is_deleted_like_the_rest(api: Caller, database: Database) -> None:
    connection, _ = await missed(database, api)
    await connection.execute(
        "UPDATE webhook_endpoints SET deleted_at = now(), status = 'enabled', disabled_reason = NULL, disabled_at = NULL"
    )
    assert await feed_statements.forget(connection, RETENTION, 100) == 2
    await connection.close()


async def waits(connection: Connection) -> None:
    """Return when somebody waits for a lock of this database."""

    async def found() -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await connection.fetchval(waiting))

    await until(found)


async def test_enabling_an_endpoint_waits_for_a_deletion_and_is_refused_by_it(api: Caller, database: Database) -> None:
    connection, path = await missed(database, api)
    deleting = connection.transaction()
    await deleting.start()
    assert await feed_statements.forget(connection, RETENTION, 100) == 2
    enabling = asyncio.create_task(api.client.patch(path, json={"status": "enabled"}))
    await waits(connection)
    await deleting.commit()
    assert (await enabling).status_code == 409
    await connection.close()


async def test_a_deletion_waits_for_whoever_enables_an_endpoint_and_keeps_what_it_missed(
    api: Caller, database: Database
) -> None:
    connection, path = await missed(database, api)
    other = await database.connect()
    async with connection.transaction():
        identifier = path.rpartition("/")[2]
        assert not await endpoint_statements.missed(connection, identifier, await feed_statements.hold_gone(connection))
        await endpoint_statements.enable(connection, identifier)
        deleting = asyncio.create_task(feed_statements.forget(other, RETENTION, 100))
        await waits(connection)
    assert await deleting == 0
    await connection.close()
    await other.close()


async def test_a_cursor_older_than_what_is_kept_is_refused_and_the_beginning_is_what_is_left(
    api: Caller, stage: Stage
) -> None:
    for event in [await stage.invoice() and await stage.event("invoice.finalized") for _ in range(3)]:
        await stage.tell(event)
    page = await api.get("/v1/events", limit=1)
    old = page["next_cursor"]
    second = (await api.get("/v1/events", limit=1, after=old))["next_cursor"]
    await stage.rows("UPDATE changes SET at = now() - interval '36 days' WHERE position <= $1", int(second[:16], 16))
    async with stage.container.database.connection() as connection:
        assert await feed_statements.forget(connection, RETENTION, 100) >= 2
    for path in ("/v1/events", "/v1/events/stream"):
        problem = (await api.client.get(path, params={"after": old})).json()
        assert (problem["code"], "older than what this feed keeps" in problem["detail"]) == ("validation_error", True)
    left = await api.get("/v1/events", after="start")
    assert left["data"]
    assert page["data"][0]["id"] not in [event["id"] for event in left["data"]]
    assert (await api.get("/v1/events", after=left["next_cursor"]))["data"] == []
