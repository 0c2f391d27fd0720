"""The inbox lies in partitions by Stripe's time: each event once, wherever it lies; old ones go, unfinished ones stay."""

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from alembic import command

from app.db import migrations, partitions
from app.db.partitions import Partition
from app.domain.errors import DatabaseContention
from app.inbox import statements as inbox_statements
from app.inbox.replay_statements import Query
from app.inbox.statements import NewEvent
from app.retention import drop_partitions, keep_partitions, make_partitions
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

Json = dict[str, Any]
RETENTION = timedelta(days=35)
UNPARTITIONED = "8d2e4b7f9a31"
NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)


def moved(event: Json, days: float, **changes: Any) -> Json:
    """The same event, made so many days later, or earlier."""
    return copy.deepcopy(event) | {"created": event["created"] + int(days * 86400)} | changes


async def where(stage: Stage, event_id: str) -> list[str]:
    rows = await stage.rows("SELECT tableoid::regclass::text AS name FROM webhook_events WHERE id = $1", event_id)
    return [row["name"] for row in rows]


async def names(stage: Stage) -> list[str]:
    async with stage.container.database.connection() as connection:
        return [one.name for one in await partitions.listed(connection)]


async def end(stage: Stage) -> datetime:
    """When the last partition ends."""
    async with stage.container.database.connection() as connection:
        return max(one.until for one in await partitions.listed(connection) if one.until)


async def old_partition(stage: Stage, event: Json) -> str:
    """Make the partition of the day of an old event and of the next one, which lie before all there are."""
    made = datetime.fromtimestamp(event["created"], UTC)
    since = made.replace(hour=0, minute=0, second=0)
    wanted = Partition(f"webhook_events_{since:%Y%m%d}", since, since + timedelta(days=2))
    async with stage.container.database.unit_of_work() as connection:
        await partitions.create(connection, wanted)
    return wanted.name


async def test_an_event_lies_where_stripe_dated_it_and_is_there_once(stage: Stage) -> None:
    await stage.dashboard("products", name="A")
    event = await stage.event("product.created")
    await stage.tell(event, event)
    await stage.tell(event)
    made = datetime.fromtimestamp(event["created"], UTC)
    assert await where(stage, event["id"]) == [f"webhook_events_{made:%Y%m}01"]


async def test_an_event_that_fits_no_partition_is_taken_in_once_and_moves_when_its_own_is_made(stage: Stage) -> None:
    await stage.dashboard("products", name="A")
    event = moved(await stage.event("product.created"), -100)
    await stage.tell(event, event)
    assert await where(stage, event["id"]) == ["webhook_events_default"]
    name = await old_partition(stage, event)
    assert await where(stage, event["id"]) == [name]
    await stage.tell(event)
    assert await where(stage, event["id"]) == [name]
    row = await stage.row("webhook_events", event["id"])
    assert row
    assert (row["status"], row["attempts"]) == ("processed", 1)


async def test_old_events_that_are_replayed_are_processed_wherever_they_lie(stage: Stage) -> None:
    await stage.dashboard("products", name="A")
    event = await stage.event("product.created")
    olds = [moved(event, -days, id=f"evt_old{days}") for days in (10, 40, 100)]
    await stage.tell(event, *olds)
    await stage.container.replay.requeue([old["id"] for old in olds], Query(), actor="a test")
    assert await stage.work() == len(olds)
    assert not await stage.rows("SELECT FROM webhook_events WHERE status <> 'processed'")


async def test_the_housekeeper_makes_partitions_ahead_and_never_twice(stage: Stage) -> None:
    await stage.rows(f"DROP TABLE {', '.join((await names(stage))[:-1])}")  # all but the default one
    task = keep_partitions(stage.container.database, None)
    made = await task.work()
    found = await names(stage)
    assert made == {"made": found[:-1], "dropped": []}
    assert f"webhook_events_{datetime.now(UTC):%Y%m}01" in found
    assert await task.work() == {"made": [], "dropped": []}
    assert await names(stage) == found


async def test_with_a_short_retention_the_next_partitions_are_days(stage: Stage) -> None:
    months, soon = (await names(stage))[:-1], await end(stage)
    made = await make_partitions(stage.container.database, RETENTION, soon)
    assert len(made) == partitions.AHEAD.days
    assert await names(stage) == [*months, *made, "webhook_events_default"]
    assert await make_partitions(stage.container.database, RETENTION, soon) == []


async def test_two_that_make_partitions_at_once_make_each_once(stage: Stage) -> None:
    before, soon = await names(stage), await end(stage)
    made = await asyncio.gather(*(make_partitions(stage.container.database, RETENTION, soon) for _ in range(2)))
    assert sorted([*before, *made[0], *made[1]]) == sorted(await names(stage))


async def test_a_partition_past_its_retention_goes_with_its_events(stage: Stage) -> None:
    await stage.dashboard("products", name="A")
    event = await stage.event("product.created")
    gone, outlier, kept = (moved(event, -days, id=f"evt_{days}") for days in (70, 90, 20))
    name = await old_partition(stage, gone)
    await stage.tell(event, gone, outlier, kept)
    assert await where(stage, gone["id"]) == [name]
    assert await where(stage, outlier["id"]) == ["webhook_events_default"]
    with time_machine.travel(timedelta(days=400), tick=True):  # on a machine whose clock is wrong
        assert await drop_partitions(stage.container.database, RETENTION) == [name]
    left = await stage.rows("SELECT id FROM webhook_events ORDER BY id")
    assert {row["id"] for row in left} == {event["id"], kept["id"]}


@pytest.mark.parametrize("status", ["received", "processing", "failed", "dead"])
async def test_an_event_that_is_not_processed_keeps_its_partition(stage: Stage, status: str) -> None:
    await stage.dashboard("products", name="A")
    event = moved(await stage.event("product.created"), -70)
    name = await old_partition(stage, event)
    await stage.tell(event)
    await stage.rows(
        "UPDATE webhook_events SET status = $1, next_attempt_at = CASE WHEN $1 <> 'dead' THEN now() END", status
    )
    assert await drop_partitions(stage.container.database, RETENTION) == []
    assert await where(stage, event["id"]) == [name]
    await stage.rows("UPDATE webhook_events SET status = 'processed', next_attempt_at = NULL")
    assert await drop_partitions(stage.container.database, RETENTION) == [name]


async def test_an_event_that_comes_again_after_its_partition_is_gone_fulfils_nothing_twice(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band="true")
    past = [moved(event, -70) for event in await stage.events()]
    name = await old_partition(stage, past[0])
    await stage.tell(*past)
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment
    assert fulfillment["status"] == "fulfilled"
    changes = await stage.rows("SELECT event, became FROM changes ORDER BY id")
    assert name in await drop_partitions(stage.container.database, RETENTION)
    assert not await stage.rows("SELECT FROM webhook_events")
    await stage.tell(*past)
    assert not await stage.rows("SELECT FROM webhook_events WHERE status NOT IN ('processed', 'ignored')")
    assert await stage.fulfillment(invoice["id"]) == fulfillment
    assert await stage.rows("SELECT event, became FROM changes ORDER BY id") == changes


async def test_a_partition_is_not_made_against_a_long_transaction_and_deliveries_go_on_meanwhile(stage: Stage) -> None:
    await stage.dashboard("products", name="A")
    event = await stage.event("product.created")
    before = await names(stage)
    async with stage.container.database.unit_of_work() as connection:
        await connection.execute("SELECT FROM webhook_events FOR UPDATE")  # every partition is held
        old = moved(event, -200)
        refused, _ = await asyncio.gather(old_partition(stage, old), stage.deliver(event), return_exceptions=True)
    assert isinstance(refused, DatabaseContention)
    assert await names(stage) == before
    assert await stage.work() == 1
    assert await old_partition(stage, old) in await names(stage)


async def test_an_event_that_is_stored_while_its_partition_is_made_moves_with_the_others(stage: Stage) -> None:
    made = datetime.now(UTC) - timedelta(days=100)
    async with stage.container.database.unit_of_work() as connection:
        await inbox_statements.record(connection, [new_event(1, made)])
        making = asyncio.create_task(old_partition(stage, {"created": int(made.timestamp())}))
        waits = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'webhook_events_default'::regclass"
        await until(lambda: stage.rows(waits))
    name = await making
    assert await where(stage, "evt_1") == [name]


# The table that was there before


def new_event(number: int, at: datetime) -> NewEvent:
    return NewEvent(
        id=f"evt_{number}", type="product.created", object_id=f"prod_{number}", api_version="x", account=None,
        livemode=False, created_at=at, payload="{}", verified_by=None, source="delivery",
        request_id=None, handled=True,
    )  # fmt: skip


CLAIM_THEN = """
UPDATE webhook_events SET status = 'processing', attempts = attempts + 1, next_attempt_at = now() + interval '30 s'
WHERE id IN (SELECT id FROM webhook_events ORDER BY id LIMIT 10)
RETURNING id, created_at, type, payload, attempts
"""
"""A claim as the release of the schema before the partitions made it."""


async def test_a_table_that_holds_events_becomes_the_first_partition(empty_database: Database) -> None:
    await asyncio.to_thread(migrations.upgrade, empty_database.url, UNPARTITIONED)
    connection = await empty_database.connect()
    today = datetime.now(UTC).replace(microsecond=0)
    events = [new_event(number, today - timedelta(days=number)) for number in range(80)]
    assert len(await inbox_statements.record(connection, events)) == 80
    claimed = await connection.fetch(CLAIM_THEN)
    file = await connection.fetchval("SELECT pg_relation_filenode('webhook_events')")
    await asyncio.to_thread(migrations.upgrade, empty_database.url)

    rows = await connection.fetch("SELECT DISTINCT tableoid::regclass::text AS name FROM webhook_events")
    assert [row["name"] for row in rows] == ["webhook_events_before"]
    assert await connection.fetchval("SELECT pg_relation_filenode('webhook_events_before')") == file  # nothing copied
    assert await inbox_statements.record(connection, events) == set()
    held = [inbox_statements.DueEvent(**dict(row), lease=0, request_id=None, waited_s=0.0) for row in claimed]
    assert set(await inbox_statements.hold(connection, held)) == {row["id"] for row in claimed}
    assert len(await inbox_statements.claim(connection, 100, timedelta(seconds=30), 12)) == 70
    later = new_event(1000, today + timedelta(days=70))
    assert await inbox_statements.record(connection, [later, later]) == {later.id}
    assert await connection.fetchval("SELECT tableoid::regclass::text FROM webhook_events WHERE id = $1", later.id) != (
        "webhook_events_before"
    )
    found = await partitions.listed(connection)
    assert found[0].since is None
    assert all(one.until == other.since for one, other in pairwise(found[:-1]))

    await asyncio.to_thread(command.downgrade, migrations.config(empty_database.url), UNPARTITIONED)
    assert await connection.fetchval("SELECT count(*) FROM webhook_events") == 81
    assert await inbox_statements.record(connection, events) == set()
    await connection.close()


# Pure


@pytest.mark.parametrize(
    ("retention", "width"), [(None, "month"), (421, "month"), (420, "week"), (61, "week"), (60, "day"), (35, "day")]
)
def test_the_longer_events_are_kept_the_more_a_partition_holds(retention: int | None, width: str) -> None:
    assert partitions.width_for(timedelta(days=retention) if retention else None) == width


@pytest.mark.parametrize(
    ("width", "until"),
    [("day", datetime(2026, 11, 23, tzinfo=UTC)), ("week", datetime(2026, 11, 23, tzinfo=UTC)),
     ("month", datetime(2026, 12, 1, tzinfo=UTC))],
)  # fmt: skip
def test_a_partition_ends_with_its_day_week_or_month(width: partitions.Width, until: datetime) -> None:
    assert partitions.end_of(NOW, width) == until


@pytest.mark.parametrize("width", ["day", "week", "month"])
def test_the_missing_partitions_join_without_a_gap_from_what_is_old_to_what_is_to_come(width: partitions.Width) -> None:
    made = partitions.missing([], NOW, width)
    assert made[0].since
    assert made[0].since <= NOW - timedelta(days=31)
    assert made[-1].until
    assert made[-1].until >= NOW + timedelta(days=10)
    assert all(one.until == other.since for one, other in pairwise(made))
    assert partitions.missing(made, NOW, width) == []
    assert len({one.name for one in made}) == len(made)


async def test_of_a_batch_only_what_nobody_else_has_taken_since_is_held(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        """
        INSERT INTO webhook_events (id, type, livemode, created_at, payload, source, status, attempts, next_attempt_at)
        SELECT 'evt_' || tries, 'invoice.paid', false, now(), '{}', 'delivery', 'received', tries, now()
        FROM generate_series(0, 2) tries
        """
    )
    claimed = await inbox_statements.claim(connection, 3, timedelta(seconds=30), 12)
    assert sorted(event.attempts for event in claimed) == [1, 2, 3]
    await connection.execute("UPDATE webhook_events SET attempts = attempts + 1 WHERE id = 'evt_1'")  # 3, as evt_2 has
    assert set(await inbox_statements.hold(connection, claimed)) == {"evt_0", "evt_2"}
    await connection.close()
