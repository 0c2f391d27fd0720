"""Owns the statements behind the console's front page: how much waits, and what became of payments over time.

Every one of them looks at a bounded number of rows, however many there are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.engine import Connection

MOST_ROWS = 100_000
"""How many of the newest rows a chart is drawn from."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much waits. `lag_s`: how long the oldest event that is due has waited. Numbers stop at `MOST_ROWS`."""

    waiting: int
    processing: int
    failed: int
    dead: int
    lag_s: float
    in_flight: int
    open_invoices: int
    awaiting_payment: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a span of time holds: its beginning, and a number by name, where there is one."""

    at: datetime
    values: dict[str, float]


_STANDING = f"""
SELECT
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'received' LIMIT {MOST_ROWS}) _) AS waiting,
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'processing' LIMIT {MOST_ROWS}) _) AS processing,
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'failed' LIMIT {MOST_ROWS}) _) AS failed,
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'dead' LIMIT {MOST_ROWS}) _) AS dead,
    (SELECT count(*) FROM (SELECT FROM operations WHERE answered_at IS NULL LIMIT {MOST_ROWS}) _) AS in_flight,
    (SELECT count(*) FROM (SELECT FROM invoices WHERE status = 'open' LIMIT {MOST_ROWS}) _) AS open_invoices,
    (SELECT count(*) FROM (SELECT FROM fulfillments WHERE status = 'awaiting_payment' LIMIT {MOST_ROWS}) _)
        AS awaiting_payment
"""  # noqa: S608 -- only a constant of this module is interpolated

_PAYMENTS = f"""
WITH buckets AS (
    SELECT generate_series(date_bin($1::interval, now(), 'epoch') - $2::interval + $1::interval, date_bin($1::interval, now(), 'epoch'), $1::interval) AS at
), newest AS (
    SELECT date_bin($1::interval, created_at, 'epoch') AS at, status FROM fulfillments
    WHERE created_at >= date_bin($1::interval, now(), 'epoch') - $2::interval + $1::interval
    ORDER BY created_at DESC LIMIT {MOST_ROWS}
)
SELECT buckets.at,
    count(status) FILTER (WHERE status = 'fulfilled') AS paid,
    count(status) FILTER (WHERE status = 'payment_failed') AS failed,
    count(status) FILTER (WHERE status IN ('awaiting_payment', 'processing')) AS pending
FROM buckets LEFT JOIN newest USING (at) GROUP BY buckets.at ORDER BY buckets.at
"""  # noqa: S608 -- only a constant of this module is interpolated

_LAG = f"""
WITH buckets AS (
    SELECT generate_series(date_bin($1::interval, now(), 'epoch') - $2::interval + $1::interval, date_bin($1::interval, now(), 'epoch'), $1::interval) AS at
), newest AS (
    SELECT date_bin($1::interval, received_at, 'epoch') AS at,
        extract(epoch FROM coalesce(processed_at, now()) - received_at)::float8 AS took
    FROM webhook_events
    WHERE received_at >= date_bin($1::interval, now(), 'epoch') - $2::interval + $1::interval AND status <> 'ignored'
    ORDER BY received_at DESC LIMIT {MOST_ROWS}
)
SELECT buckets.at,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY took) AS half,
    max(took) AS slowest
FROM buckets LEFT JOIN newest USING (at) GROUP BY buckets.at ORDER BY buckets.at
"""  # noqa: S608 -- only a constant of this module is interpolated


async def standing(connection: Connection, lag_s: float) -> Standing:
    """How much waits now; the inbox's lag is asked of the inbox."""
    row = await connection.fetchrow(_STANDING)
    if row is None:
        raise AssertionError("a statement of counts answers a row")
    return Standing(lag_s=lag_s, **row)


async def payments(connection: Connection, step: timedelta, span: timedelta) -> list[Bucket]:
    """What became of the fulfillments begun in each `step` of the last `span`: paid, failed, pending."""
    return [_bucket(row) for row in await connection.fetch(_PAYMENTS, step, span)]


async def lag(connection: Connection, step: timedelta, span: timedelta) -> list[Bucket]:
    """How long events received in each `step` of the last `span` took until they were applied: half, slowest."""
    return [_bucket(row) for row in await connection.fetch(_LAG, step, span)]


def _bucket(row: object) -> Bucket:
    values = dict(row)  # type: ignore[call-overload]
    return Bucket(values.pop("at"), {name: float(value) for name, value in values.items() if value is not None})
