"""Whoever locks several rows takes them in one order: while the first is held by another, nothing behind it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import TypeAlias

import asyncpg
import pytest

from app.db.engine import Database as Connections
from app.domain.actions import Occasion
from app.domain.errors import DatabaseContention
from app.domain.events import START, Cursor
from app.domain.outgoing import Attempt, DeliveryStatus, Failure
from app.fulfillment import action_statements
from app.inbox import replay_statements
from app.inbox import statements as inbox_statements
from app.outgoing import delivery_statements, endpoint_statements, fan_out_statements
from app.outgoing.delivery_statements import Outcome
from tests.fixtures.consumer import happens
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect = Callable[[], Awaitable[Connection]]
ENDPOINTS = ("whe_1", "whe_2", "whe_3")
GIVE_UP = timedelta(days=5)


@pytest.fixture
async def connect(database: Database) -> AsyncIterator[Connect]:
    opened: list[Connection] = []

    async def make() -> Connection:
        opened.append(await database.connect())
        return opened[-1]

    yield make
    for connection in opened:
        await connection.close()


@pytest.fixture
async def endpoints(database: Database, connect: Connect) -> None:
    """Three endpoints, each with two deliveries of two events."""
    connection = await connect()
    for endpoint in reversed(ENDPOINTS):
        await connection.execute(
            "INSERT INTO webhook_endpoints (id, url, types, ordered, secrets, position, change) "
            "VALUES ($1, 'https://shop.example', '{}', false, '[]', 0, 0)",
            endpoint,
        )
    await happens(database, 2)
    await connection.execute(
        "INSERT INTO deliveries (endpoint, event, type, position, change, in_order) SELECT endpoint.id, event, type, "
        "change.position, change.id, false FROM changes change, webhook_endpoints endpoint ORDER BY random()"
    )


async def outcomes(connection: Connection) -> list[Outcome]:
    """Every delivery, claimed and said to have failed."""
    due = await delivery_statements.claim(connection, 100, each=8, busy={}, lease=timedelta(minutes=1))
    attempt = Attempt("2026-11-22T00:00:00.000Z", 1, 500, Failure.STATUS)
    ended = [Outcome(one, attempt, DeliveryStatus.FAILED, timedelta(seconds=5)) for one in due]
    return sorted(ended, key=lambda one: one.due.endpoint, reverse=True)


async def waits(connection: Connection) -> None:
    """Return when somebody waits for a lock of this database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def found() -> bool:
        return bool(await connection.fetchval(waiting))

    await until(found)


async def free(connection: Connection, table: str, ids: tuple[str, ...]) -> None:
    """Fail where one of these rows is locked."""
    await connection.fetch(f"SELECT FROM {table} WHERE id = ANY($1) FOR UPDATE NOWAIT", list(ids))


async def finish(connection: Connection) -> None:
    await delivery_statements.finish(connection, await outcomes(connection), GIVE_UP)


async def fan_out(connection: Connection) -> None:
    await fan_out_statements.fan_out(connection, ENDPOINTS[::-1], START, Cursor(5, 5), [])


@pytest.mark.usefixtures("endpoints")
@pytest.mark.parametrize("change", [finish, fan_out])
async def test_endpoints_are_locked_first_and_in_the_order_of_their_ids(
    connect: Connect, change: Callable[[Connection], Coroutine[None, None, None]]
) -> None:
    holder, changer, observer = await connect(), await connect(), await connect()
    await observer.execute("UPDATE webhook_endpoints SET position = $1, change = $2", START.position, START.id)
    async with holder.transaction():
        await endpoint_statements.lock(holder, ENDPOINTS[0])
        changing = asyncio.create_task(change(changer))
        await waits(observer)
        await free(observer, "webhook_endpoints", ENDPOINTS[1:])
        await observer.fetch("SELECT FROM deliveries FOR UPDATE NOWAIT")
    await changing


@pytest.mark.usefixtures("endpoints")
async def test_deleting_an_endpoint_and_finishing_its_deliveries_do_not_deadlock(connect: Connect) -> None:
    deleter, finisher, observer = await connect(), await connect(), await connect()
    ended = await outcomes(observer)
    async with deleter.transaction():
        await endpoint_statements.lock(deleter, ENDPOINTS[1])
        finishing = asyncio.create_task(delivery_statements.finish(finisher, ended, GIVE_UP))
        await waits(observer)
        await endpoint_statements.delete(deleter, ENDPOINTS[1])
    await finishing
    rows = await observer.fetch("SELECT endpoint, status, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("whe_1", "failed", 2), ("whe_2", "canceled", 2), ("whe_3", "failed", 2)]


@pytest.mark.usefixtures("endpoints")
async def test_a_deleted_endpoint_gets_no_more_deliveries(connect: Connect) -> None:
    connection = await connect()
    after = Cursor(0, 0)
    (first, *_) = [one["id"] for one in await connection.fetch("SELECT id FROM changes ORDER BY id")]
    await endpoint_statements.delete(connection, ENDPOINTS[0])
    await connection.execute("DELETE FROM deliveries")
    made = await fan_out_statements.fan_out(
        connection, ENDPOINTS, after, Cursor(5, 5), [(endpoint, first) for endpoint in ENDPOINTS]
    )
    assert made == 2


@pytest.mark.usefixtures("endpoints")
async def test_forgetting_deliveries_waits_for_nobody(connect: Connect) -> None:
    holder, purger = await connect(), await connect()
    await holder.execute("UPDATE deliveries SET status = 'dead', next_attempt_at = NULL, created_at = '2026-01-01'")
    async with holder.transaction():
        await holder.execute("SELECT FROM deliveries WHERE endpoint = $1 FOR UPDATE", ENDPOINTS[0])
        assert await delivery_statements.purge(purger, timedelta(days=30), 100) == 4


async def test_events_of_a_batch_are_locked_in_the_order_of_their_ids(stage: Stage, connect: Connect) -> None:
    await stage.invoice()
    await stage.deliver(*await stage.events())
    holder, worker, observer = await connect(), await connect(), await connect()
    due = await inbox_statements.claim(observer, 100, timedelta(minutes=1), 12)
    first, *others = sorted(one.id for one in due)
    async with holder.transaction():
        await holder.execute("SELECT FROM webhook_events WHERE id = $1 FOR UPDATE", first)
        holding = asyncio.create_task(inbox_statements.hold(worker, due[::-1]))
        await waits(observer)
        await free(observer, "webhook_events", tuple(others))
    assert len(await holding) == len(due)


async def test_events_are_replayed_in_the_order_of_their_ids(stage: Stage, connect: Connect) -> None:
    await stage.invoice()
    for event in sorted(await stage.events(), key=lambda event: str(event["id"]), reverse=True):
        await stage.deliver(event)  # so that the first by id is the last in the table
    await stage.work()
    holder, replayer, observer = await connect(), await connect(), await connect()
    rows = await stage.rows("SELECT id, type FROM webhook_events WHERE status = 'processed' ORDER BY id")
    first, *others = [row["id"] for row in rows]
    assert others
    handled = [row["type"] for row in rows]
    async with holder.transaction():
        await holder.execute("SELECT FROM webhook_events WHERE id = $1 FOR UPDATE", first)
        replaying = asyncio.create_task(
            replay_statements.requeue(replayer, [*others[::-1], first], handled, livemode=False)
        )
        await waits(observer)
        await free(observer, "webhook_events", tuple(others))
    assert len(await replaying) == len(rows)


async def test_actions_are_made_in_the_order_of_their_ids(stage: Stage, connect: Connect) -> None:
    connection = await connect()
    await action_statements.announce(connection, ["a", "b"])
    invoices = [await stage.invoice() for _ in range(3)]
    for invoice in invoices:
        await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM fulfillment_actions ORDER BY id")]
    assert len(ids) == 6
    await connection.execute(
        "UPDATE fulfillment_actions SET status = 'skipped', next_attempt_at = NULL, finished_at = now()"
    )
    rows = await connection.fetch("SELECT fulfillment, invoice, moment FROM fulfillment_actions ORDER BY id DESC")
    reached = [(row["fulfillment"], row["invoice"], Occasion.read(row["moment"])) for row in rows]
    holder, worker, observer = await connect(), await connect(), await connect()
    async with holder.transaction():
        await holder.execute("SELECT FROM fulfillment_actions WHERE id = $1 FOR UPDATE", ids[0])
        making = asyncio.create_task(action_statements.enqueue(worker, reached))
        await waits(observer)
        await free(observer, "fulfillment_actions", tuple(ids[1:]))
    await making


async def test_a_deadlock_is_not_a_database_that_is_away_and_may_be_tried_again(database: Database) -> None:
    connections = Connections(database.url, pool_size=2)
    await connections.open()
    met = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        async with connections.unit_of_work() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", first)
            await met.wait()
            await connection.execute("SELECT pg_advisory_xact_lock($1)", second)

    ended = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert [type(one) for one in ended if one] == [DatabaseContention]
    for code in ("55P03", "53200"):  # the role's lock_timeout; no room in the table of locks
        with pytest.raises(DatabaseContention):
            async with connections.unit_of_work() as connection:
                await connection.execute(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")
    await connections.close()
