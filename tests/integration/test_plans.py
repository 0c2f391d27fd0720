"""What is asked all the time is found by an index, however much is stored. How long it takes is for bench/ to say."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from app.access import rate_limit_statements
from app.db import documents, partitions
from app.db.engine import ONE_PLAN
from app.db.partitions import Partition
from app.db.resources import CUSTOMER, DELIVERY, EVENT, FULFILLMENT, INVOICE, Resource
from app.domain.balance import Heading
from app.domain.events import Cursor
from app.events import feed_statements
from app.idempotency import references
from app.inbox import drift, replay_statements
from app.inbox import statements as inbox_statements
from app.outgoing import endpoint_statements
from app.payments import statements as payment_statements
from app.reports import statements as report_statements
from bench import rows
from tests.fixtures.postgres import Database, MakeDatabase

MANY = 20_000
MORE = 100_000

_WAITING = """
INSERT INTO webhook_events (
    id, type, object_id, api_version, livemode, created_at, payload, source, status, next_attempt_at
)
SELECT 'evt_waits' || n, 'invoice.paid', 'in_' || n, 'x', false, now(), repeat('x', 1500), 'delivery', 'received', now()
FROM generate_series(1, $1::bigint) n
"""

_DELIVERIES = """
WITH endpoint AS (
    INSERT INTO webhook_endpoints (id, url, types, ordered, secrets, position, change)
    VALUES ('whe_1', 'https://shop.example', '{}', false, '[]', 0, 0) RETURNING id
)
INSERT INTO deliveries (id, endpoint, event, type, in_order, status, next_attempt_at, created_at)
SELECT 'dlv_' || n, endpoint.id, 'iev_' || n, 'invoice.paid', false, CASE WHEN n % 1000 = 0 THEN 'dead' ELSE 'delivered' END,
    NULL, now() - make_interval(secs => n)
FROM endpoint, generate_series(1, $1::bigint) n
"""

FOUND = """
UPDATE invoices SET collection_method = CASE WHEN n % 50 = 0 THEN 'send_invoice' ELSE collection_method END,
    amount_due = n % 5000, metadata = jsonb_build_object('order', n::text, 'team', 'blue'),
    due_at = CASE WHEN n % 3 = 0 THEN NULL ELSE due_at END, search = ('jenny' || n || ' consulting')::tsvector
FROM (SELECT id AS found, substr(id, 7)::bigint AS n FROM invoices) numbered WHERE found = id
"""

LISTS: list[tuple[Resource, dict[str, object]]] = [
    (INVOICE, {}),
    (INVOICE, {"customer": "cus_row000007"}),
    (INVOICE, {"status": "open"}),
    (INVOICE, {"reference": "order-7"}),
    (FULFILLMENT, {}),
    (FULFILLMENT, {"status": "fulfilled"}),
    (FULFILLMENT, {"customer": "cus_row000007"}),
    (EVENT, {}),
    (CUSTOMER, {"email": "customer7@example.com"}),
    (DELIVERY, {}),
    (DELIVERY, {"status": "dead"}),
    (DELIVERY, {"endpoint": "whe_1"}),
]


@pytest.fixture(scope="module")
async def filled(lasting_database: Database) -> Database:
    """It has `MANY` invoices, and is copied."""
    connection = await lasting_database.connect()
    await rows.invoices(connection, MANY)
    await connection.close()
    return lasting_database


@pytest.fixture
async def of_many(make_database: MakeDatabase, filled: Database) -> Database:
    return await make_database(like=filled)


async def scanned(connection: "asyncpg.Connection[asyncpg.Record]", plan: str) -> set[str]:
    """Which tables that hold anything are read from end to end."""
    found = set(re.findall(r"Seq Scan on (\w+)", plan))
    return {name for name in found if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})")}  # noqa: S608


class Explained:
    """A connection that keeps the plan of what it is asked, so that the service's own statements are looked at."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self.plan = ""

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        lines = await self._connection.fetch(f"EXPLAIN {statement}", *arguments)
        self.plan = "\n".join(line[0] for line in lines)
        return await self._connection.fetch(statement, *arguments)

    async def execute(self, statement: str, *arguments: object) -> str:
        await self.fetch(statement, *arguments)
        return "DONE 0"

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        return next(iter(await self.fetch(statement, *arguments)), None)

    async def fetchval(self, statement: str, *arguments: object) -> object:
        return (await self.fetch(statement, *arguments))[0][0]


async def test_lists_and_single_reads_touch_no_row_they_do_not_show(of_many: Database) -> None:
    connection = await of_many.connect()
    await rows.history(connection, MANY)
    await rows.customers(connection)
    await connection.execute(_DELIVERIES, MANY)
    await connection.execute("ANALYZE deliveries")
    asked = Explained(connection)
    for resource, wanted in LISTS:
        await documents.page(asked, resource, wanted, limit=20, cursor=None)  # type: ignore[arg-type]
        assert not await scanned(connection, asked.plan), (resource.name, wanted, asked.plan)
    await documents.read(asked, INVOICE, rows.invoice_id(7))  # type: ignore[arg-type]
    assert "Seq Scan" not in asked.plan
    await connection.close()


@pytest.mark.parametrize("analyzed", [False, True])
async def test_only_the_rows_of_one_second_are_sorted(of_many: Database, *, analyzed: bool) -> None:
    connection = await of_many.connect()
    await connection.execute("UPDATE invoices SET created_at = date_bin('1000 s', created_at, 'epoch')")  # 200 each
    if analyzed:
        await connection.execute("ANALYZE invoices")
    asked = Explained(connection)
    seen: list[str] = []
    cursor = None
    for _ in range(12):  # after five, PostgreSQL may keep a plan that fits any argument
        page = msgspec.json.decode(
            await documents.page(asked, INVOICE, {}, limit=20, cursor=cursor)  # type: ignore[arg-type]
        )
        assert not await scanned(connection, asked.plan), asked.plan
        assert "Incremental Sort" in asked.plan, asked.plan
        seen += [invoice["id"] for invoice in page["data"]]
        cursor = page["next_cursor"]
    assert seen == [rows.invoice_id(number) for number in range(MANY - 1, MANY - 241, -1)]
    await connection.close()


async def test_the_few_invoices_that_are_overdue_are_not_looked_for_among_all(of_many: Database) -> None:
    connection = await of_many.connect()
    await connection.execute("UPDATE invoices SET due_at = now() + interval '1 day' WHERE id <> $1", rows.invoice_id(7))
    await connection.execute("ANALYZE invoices")
    asked = Explained(connection)
    await documents.page(asked, INVOICE, {"overdue": True}, limit=20, cursor=None)  # type: ignore[arg-type]
    assert "ix_invoices_owed" in asked.plan, asked.plan
    await connection.close()


async def test_what_was_compared_already_is_left_out_without_comparing_each_with_each(of_many: Database) -> None:
    connection = await asyncpg.connect(of_many.url, server_settings=ONE_PLAN)  # as the worker asks
    seen = [rows.invoice_id(number) for number in range(MANY)]
    asked, now = Explained(connection), timedelta(0)
    assert await drift.unfinished(asked, seen[:-8], now)  # type: ignore[arg-type]
    plans = [asked.plan]
    await drift.unfinished_returns(asked, seen, now)  # type: ignore[arg-type]
    plans.append(asked.plan)
    await drift.other_methods(asked, datetime.now(UTC), seen, now)  # type: ignore[arg-type]
    for plan in (*plans, asked.plan):
        assert "hashed SubPlan" in plan, plan
    await connection.close()


async def test_taking_recent_events_looks_into_recent_partitions_only(database: Database) -> None:
    connection = await asyncpg.connect(database.url, server_settings=ONE_PLAN)
    now = datetime.now(UTC)
    old = []
    for days in range(140, 100, -1):
        since = (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        old.append(f"webhook_events_{since:%Y%m%d}")
        async with connection.transaction():
            await partitions.create(connection, Partition(old[-1], since, since + timedelta(days=1)))
    await connection.execute(_WAITING, 100)
    asked = Explained(connection)
    due = await inbox_statements.claim(asked, 1, timedelta(seconds=30), 12, now - timedelta(days=3))  # type: ignore[arg-type]
    assert now.strftime("webhook_events_%Y%m01") in asked.plan
    assert not [name for name in old if name in asked.plan], asked.plan
    await inbox_statements.hold(asked, due)  # type: ignore[arg-type]
    assert now.strftime("webhook_events_%Y%m01") in asked.plan
    assert not [name for name in old if name in asked.plan], asked.plan
    await inbox_statements.claim(asked, 1, timedelta(seconds=30), 12)  # type: ignore[arg-type]
    assert [name for name in old if name in asked.plan] == old
    await connection.close()


async def test_the_replay_of_one_event_is_planned_over_all_partitions_once(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    await rows.daily_history(connection, MANY, 60)
    for number in range(8):  # after five, PostgreSQL keeps a plan that fits any argument, where that is no dearer
        event = rows.event_id(number * 1999 % MANY)
        document = await replay_statements.requeue_one(connection, event, ["invoice.paid"], livemode=False)
        assert document
        assert (msgspec.json.decode(document)["id"], msgspec.json.decode(document)["status"]) == (event, "received")
    plans = await connection.fetch("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")
    looking = [plan for plan in plans if "created_at =" not in plan["statement"] and "$2" not in plan["statement"]]
    assert [(plan["generic_plans"], plan["custom_plans"]) for plan in looking if plan["custom_plans"] >= 5] == [(3, 5)]
    asked = Explained(connection)
    await replay_statements.requeue_one(asked, rows.event_id(7), ["invoice.paid"], livemode=False)  # type: ignore[arg-type]
    assert len(set(re.findall(r"webhook_events_(?:\d{8}|default)\b", asked.plan))) == 1, asked.plan
    await connection.close()


@pytest.mark.parametrize("analyzed", [False, True])
async def test_a_batch_is_claimed_by_index_however_many_wait(database: Database, *, analyzed: bool) -> None:
    connection = await asyncpg.connect(database.url, server_settings=ONE_PLAN)
    await connection.execute(_WAITING, MANY)
    if analyzed:
        await connection.execute("ANALYZE webhook_events")
    asked = Explained(connection)
    for _ in range(7):  # after five, PostgreSQL may keep a plan that fits any argument
        due = await inbox_statements.claim(asked, 64, timedelta(seconds=30), 12)  # type: ignore[arg-type]
        assert len(due) == 64
        assert "Seq Scan" not in asked.plan, asked.plan
    await connection.close()


FEW_OF_MANY = """
INSERT INTO reference_claims (resource, reference, operation, object_id)
SELECT 'invoice', 'order-' || n, gen_random_uuid(), 'in_' || n FROM generate_series(1, $1::bigint) n
"""
LINKS = "INSERT INTO payment_links (id, invoice, expires_at) SELECT 'pay_' || id, id, now() FROM invoices"
SETTLED = "UPDATE invoices SET status = 'paid' WHERE status IN ('void', 'uncollectible') AND id NOT LIKE '%77'"
PAYMENTS = """
INSERT INTO invoice_payments (payment_intent, id, invoice, is_default, status, amount_paid, created_at, paid_at)
SELECT payment_intent, 'inpay_' || id, id, true, 'paid', 25990, created_at, paid_at FROM invoices WHERE status = 'paid'
"""
BUCKETS = "INSERT INTO rate_buckets SELECT 'address:' || n, 1, 1, now() FROM generate_series(1, $1::bigint) n"
PLACE, DAY = Cursor(1, 1), datetime(2024, 1, 1, tzinfo=UTC)


async def test_what_waits_or_is_under_way_is_not_looked_for_among_all_that_is_done(of_many: Database) -> None:
    connection = await of_many.connect()
    await connection.execute(_DELIVERIES, MANY)
    await connection.execute(FEW_OF_MANY, MANY)
    for statement in (LINKS, SETTLED, PAYMENTS):
        await connection.execute(statement)
    await connection.execute(BUCKETS, MANY)
    await connection.execute("ANALYZE")
    asked: Any = Explained(connection)
    for ask in (
        lambda: feed_statements._FORGET.value(asked, retention=timedelta(days=35), limit=1000),
        lambda: endpoint_statements.missed(asked, "whe_1", PLACE),
        lambda: endpoint_statements._RETRY.execute(asked, endpoint="whe_1"),
        lambda: endpoint_statements._CANCEL.execute(asked, endpoint="whe_1"),
        lambda: references.free(asked, uuid4()),
        lambda: payment_statements.parts_waiting(asked, rows.invoice_id(7)),
        lambda: report_statements.movements(asked, Heading.PAID, ["pi_row7"], DAY, DAY + timedelta(minutes=1)),
        lambda: rate_limit_statements.drop_idle(asked),
        lambda: drift.lagging(asked, timedelta(0), timedelta(days=60)),
    ):
        await ask()
        assert not await scanned(connection, asked.plan) - {"webhook_endpoints", "feed"}, asked.plan
        assert "ix_deliveries_newest" not in asked.plan, asked.plan
    await connection.close()


SORTS = [(f"{sign}{name}", name) for name in ("created_at", "due_at", "amount_due") for sign in ("", "-")]
FEW: list[dict[str, object]] = [{"metadata": {"order": "7"}}, {"number": "ROW-7"}, {"q": "jenny77777"}]
AMONG: dict[str, object] = {"status": ["open", "void"], "collection_method": "send_invoice"}


async def test_invoices_are_found_and_sorted_by_an_index(database: Database) -> None:
    """Whether a plan is good shows on enough rows, here without items and documents."""
    connection = await database.connect()
    async with rows.quickly(connection, "invoices"):
        await connection.execute(rows._INVOICES, 0, MORE - 1)
        await connection.execute(FOUND)
    await connection.execute("VACUUM ANALYZE invoices")
    asked = Explained(connection)
    for sort, name in SORTS:
        for wanted in ({"collection_method": "send_invoice"}, {"status": ["open", "void"]}, AMONG):
            cursor = None
            for _ in range(2):
                page = await documents.page(asked, INVOICE, {**wanted, "sort": sort}, limit=20, cursor=cursor)  # type: ignore[arg-type]
                cursor = msgspec.json.decode(page)["next_cursor"]
                assert not await scanned(connection, asked.plan), asked.plan
                assert f"ix_invoices_by_{name}" in asked.plan, asked.plan
                assert "Bitmap" not in asked.plan, asked.plan
    for few in FEW:
        mine: dict[str, object] = {"own_customer": "cus_row000007"}
        for wanted in ({}, AMONG, mine):
            for sort, _ in SORTS:
                await documents.page(asked, INVOICE, {**few, **wanted, "sort": sort}, limit=20, cursor=None)  # type: ignore[arg-type]
                assert not await scanned(connection, asked.plan), asked.plan
                assert "ix_invoices_by_" not in asked.plan, asked.plan
    await connection.close()
