"""Fills tables by SQL with as many rows as wanted, shaped as the service writes them."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg
import msgspec
from sqlalchemy import Text, bindparam, cast, func, select, update

from app.db import partitions
from app.db.mirrored_documents import ITEMS, made
from app.db.schema import invoices as invoice_table
from app.db.statement import Statement
from app.stripe.mapping import FIELDS, VERSIONS, Kind
from bench import events

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

PORTIONS = 20
"""In so many the invoices get their documents."""

_INVOICES = """
INSERT INTO invoices (
    id, livemode, created_at, updated_at, snapshot_since, snapshot_until, snapshot_digest, number, status, customer,
    reference, collection_method, auto_advance, currency, subtotal, total, amount_due, amount_paid, amount_remaining,
    due_at, custom_fields, metadata, paid_out_of_band, lines_digest, hosted_invoice_url, finalized_at, paid_at,
    payment_intent
)
SELECT
    'in_row' || lpad(n::text, 12, '0'), false, at, at, at, at, md5(n::text), 'ROW-' || n,
    (ARRAY['draft', 'open', 'paid', 'paid', 'paid', 'paid', 'void', 'uncollectible'])[1 + n % 8],
    'cus_row' || lpad((n % 97)::text, 6, '0'), 'order-' || n, 'charge_automatically', false, 'eur',
    25990, 25990, 25990, CASE WHEN n % 8 BETWEEN 2 AND 5 THEN 25990 ELSE 0 END, 0, at + interval '30 days', '[]', '{"team": "blue"}',
    false, md5(n::text), 'https://invoice.stripe.com/i/acct_bench/test_' || n, at, at, 'pi_row' || n
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 seconds' AS at FROM generate_series($1::bigint, $2::bigint) n)
"""
_CUSTOMERS = """
INSERT INTO customers (
    id, livemode, created_at, updated_at, snapshot_since, snapshot_until, snapshot_digest, name, email, custom_fields, metadata
)
SELECT
    'cus_bench' || lpad(n::text, 6, '0'), false, now(), now(), now(), now(), md5(n::text), 'Customer ' || n,
    'customer' || n || '@example.com', '[]', '{}'
FROM generate_series($1::bigint, $2::bigint) n
"""
_ITEMS = """
INSERT INTO invoice_items (
    line_item, id, invoice, position, price, product, quantity, unit_amount_decimal, amount, currency, description,
    metadata
)
SELECT
    'il_row' || lpad(n::text, 12, '0') || 'x' || k, 'ii_row' || n || 'x' || k, 'in_row' || lpad(n::text, 12, '0'), k, 'price_row', 'prod_row',
    1, '12995', 12995, 'eur', 'Consulting', '{}'
FROM generate_series($1::bigint, $2::bigint) n, generate_series(0, 1) k
"""
_FULFILLMENTS = """
INSERT INTO fulfillments (
    id, invoice, customer, status, amount_paid, currency, payment_intent, paid_out_of_band, attempts, fulfilled_at,
    created_at, updated_at
)
SELECT
    'ful_row' || lpad(n::text, 12, '0'), 'in_row' || lpad(n::text, 12, '0'), 'cus_row' || lpad((n % 97)::text, 6, '0'), 'fulfilled',
    25990, 'eur', 'pi_row' || n, false, 0, at, at, at
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 seconds' AS at FROM generate_series($1::bigint, $2::bigint) n)
WHERE n % 8 BETWEEN 2 AND 5
"""
_EVENTS = """
INSERT INTO webhook_events (
    id, type, object_id, api_version, livemode, created_at, payload, verified_by, source, received_at, status,
    attempts, next_attempt_at, processed_at
)
SELECT
    'evt_row' || lpad(n::text, 12, '0'), 'invoice.paid', 'in_row' || lpad(n::text, 12, '0'), '2026-10-28.endive', false,
    at, '{}', 'whsec:00000000', 'delivery', at, 'processed', 1, NULL, at
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 seconds' AS at FROM generate_series($1::bigint, $2::bigint) n)
"""
_OPERATIONS = """
INSERT INTO operations (
    id, caller, idempotency_key, fingerprint, name, params, subject, locked_until, created_at, answered_at,
    answer_status, answer_body
)
SELECT
    ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'bootstrap', 'key-' || lpad(n::text, 12, '0'), md5(n::text), 'create_customer', '{}', 'cus_row' || n, at, at, at, 201, '{}'
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 seconds' AS at FROM generate_series($1::bigint, $2::bigint) n)
"""
_CHANGES = """
INSERT INTO changes (at, event, type, schema_version, position, invoice, customer, subject, was, became, cause, data)
SELECT
    at, 'iev_row' || lpad(n::text, 12, '0'), 'invoice.paid', 1, n + 1, 'in_row' || lpad(n::text, 12, '0'),
    'cus_row' || lpad((n % 97)::text, 6, '0'), 'invoice', 'open', 'paid', 'evt_row' || lpad(n::text, 12, '0'),
    '{"invoice": {"status": "paid", "total": 25990}}'
FROM (SELECT n, timestamptz '2024-01-01' + n * interval '5 seconds' AS at FROM generate_series($1::bigint, $2::bigint) n)
"""
_NOT_UNIQUE = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = $1::regclass AND NOT indisunique
"""

_DAY = """
INSERT INTO {partition} (
    id, type, object_id, api_version, livemode, created_at, payload, verified_by, source, received_at, status,
    attempts, next_attempt_at, processed_at
)
SELECT
    'evt_row' || lpad(n::text, 12, '0'), 'invoice.paid', 'in_row' || lpad(n::text, 12, '0'), '2026-10-28.endive', false,
    at, '{{"id": "evt_row' || n || '", "padding": "' || repeat('x', 350) || '"}}', 'whsec:00000000', 'delivery', at,
    'processed', 1, NULL, at
FROM (
    SELECT n, $3::timestamptz + (n - $1) * (interval '1 day' / ($2 - $1)) AS at FROM generate_series($1::bigint, $2 - 1) n
)
"""


def midnight() -> datetime:
    """When today began."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def partition_of(since: datetime) -> str:
    """The name of the inbox's partition that begins then."""
    return f"{partitions.TABLE}_{since:%Y%m%d}"


def event_id(number: int) -> str:
    """The id of the event in row `number`."""
    return f"evt_row{number:012d}"


def cursor(at: datetime, row: str) -> str:
    """The cursor of a list that its row at `at` ends."""
    return base64.urlsafe_b64encode(msgspec.json.encode([at, row])).decode().rstrip("=")


async def daily_history(connection: Connection, count: int, days: int) -> None:
    """Events that were processed, spread evenly over so many days before today, a partition each.

    Their payloads are of 400 bytes, a fifteenth of a real one: what is looked at is how many there are.
    """
    for old in await partitions.listed(connection):
        if old.until is not None:
            await connection.execute(f"DROP TABLE {old.name}")
    for day in range(days + 10):
        since = midnight() + timedelta(days=day - days)
        name = partition_of(since)
        until = since + timedelta(days=1)
        await connection.execute(f"CREATE TABLE {name} (LIKE {partitions.TABLE} INCLUDING ALL EXCLUDING INDEXES)")
        if day < days:
            first, last = count * day // days, count * (day + 1) // days
            await connection.execute(_DAY.format(partition=name), first, last, since, timeout=600)
        await connection.execute(
            f"ALTER TABLE {partitions.TABLE} ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{since.isoformat()}') TO ('{until.isoformat()}')",
            timeout=600,
        )
    # They were looked through when they came: the hourly sweep for erased customers finds nothing left to do.
    await connection.execute("INSERT INTO coverage (name, complete_until) VALUES ('erasure', now())")
    await connection.execute("VACUUM (ANALYZE)", timeout=3600)
    await connection.execute("CHECKPOINT", timeout=600)


async def gigabytes(connection: Connection) -> float:
    """How large the database is."""
    found: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    return found / 1e9


def invoice_id(number: int) -> str:
    """The id of the invoice in row `number`."""
    return f"in_row{number:012d}"


def _documents() -> Statement:
    """Gives the invoices from `first` to `last` the document that the service would have stored."""
    shown = select(*made(invoice_table, FIELDS[Kind.INVOICE])).correlate(invoice_table).subquery("shown")
    document = select(cast(func.row_to_json(shown.table_valued()), Text)).scalar_subquery()
    filled = update(invoice_table).values(
        document_version=VERSIONS[Kind.INVOICE], document=document, items_document=cast(ITEMS, Text)
    )
    return Statement(filled.where(invoice_table.c.id.between(bindparam("first"), bindparam("last"))))


async def _fill(connection: Connection, table: str, statement: str, first: int, last: int) -> None:
    await connection.execute(statement, first, last, timeout=3600)
    await connection.execute(f"VACUUM (ANALYZE) {table}", timeout=3600)


async def invoices(connection: Connection, count: int, first: int = 0) -> None:
    """Invoices with two items each, and the fulfillments of some."""
    await _fill(connection, "invoices", _INVOICES, first, count - 1)
    await _fill(connection, "invoice_items", _ITEMS, first, count - 1)
    await _fill(connection, "fulfillments", _FULFILLMENTS, first, count - 1)
    await _fill_documents(connection, first, count)


async def _fill_documents(connection: Connection, first: int, count: int) -> None:
    """Portion by portion: the space that one gives up serves the next, so the disk need not hold everything twice."""
    step = max(count // PORTIONS, 1)
    for number in range(first, count, step):
        last = min(number + step, count) - 1
        await connection.execute(_documents().text, invoice_id(number), invoice_id(last), timeout=3600)
        await connection.execute("VACUUM (ANALYZE) invoices", timeout=3600)


async def customers(connection: Connection) -> None:
    """The customers of the deliveries' invoices, so that none of them is asked of Stripe."""
    await _fill(connection, "customers", _CUSTOMERS, 0, events.CUSTOMERS - 1)


async def history(connection: Connection, count: int, first: int = 0) -> None:
    """Events that were processed, and operations that were answered."""
    await _fill(connection, "webhook_events", _EVENTS, first, count - 1)
    await _fill(connection, "operations", _OPERATIONS, first, count - 1)


@asynccontextmanager
async def quickly(connection: Connection, *tables: str) -> AsyncIterator[None]:
    """Their indexes are made when the rows are there; foreign keys hold without being asked, and triggers rest."""
    await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
    indexes = [index for table in tables for index in await connection.fetch(_NOT_UNIQUE, table)]
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    for index in indexes:
        await connection.execute(index["definition"], timeout=3600)


async def lives(connection: Connection, count: int) -> None:
    """What the lives of so many invoices leave behind: items, fulfillments, changes in the feed, and an operation each."""
    tables = {"invoice_items": _ITEMS, "fulfillments": _FULFILLMENTS, "changes": _CHANGES, "operations": _OPERATIONS}
    async with quickly(connection, "invoices"):
        await _fill(connection, "invoices", _INVOICES, 0, count - 1)
        async with quickly(connection, *tables):
            for table, statement in tables.items():
                await _fill(connection, table, statement, 0, count - 1)
        await _fill_documents(connection, 0, count)  # with the index by which each invoice finds its items
    await connection.execute("UPDATE feed SET base = $1", count)  # so that what happens from now on comes after
    await connection.execute("CHECKPOINT", timeout=600)


_PENDING = """
INSERT INTO webhook_events (
    id, type, object_id, api_version, livemode, created_at, payload, verified_by, source, status, next_attempt_at
)
SELECT
    body::json->>'id', body::json->>'type', body::json->'data'->'object'->>'id', '2026-10-28.endive', false, now(),
    body, 'whsec:00000000', 'delivery', 'received', now()
FROM unnest($1::text[]) body
"""


async def pending(connection: Connection, bodies: Sequence[str]) -> None:
    """Events that wait to be processed, as intake records them; all at once, in portions that a statement can carry."""
    async with connection.transaction():
        for first in range(0, len(bodies), 10_000):
            await connection.execute(_PENDING, bodies[first : first + 10_000], timeout=600)
        await connection.execute("NOTIFY inbox")
