"""Statements of the inbox: record an event once, hand out what is due, mark what became of it.

The row is the job: there is no moment in which an event is recorded and not queued. Handing out sets
next_attempt_at to the end of a lease, so that what a dead worker held comes due again by itself.

The table is partitioned by Stripe's `created_at`, which never changes for an event: with the id it is the key. Every
statement of the hot path says between which times its events lie, so that it touches the partitions of these alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from app.db.engine import Connection

CHANNEL = "inbox"
"""What workers listen to; _RECORD notifies it."""

UNKNOWN_TYPE = "This release does not know the type of this event."
"""Why a worker left an event alone that another release queued."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every event."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to record; `payload` is the body to the byte, `source` how it came, `handled` whether it does anything."""

    id: str
    type: str
    object_id: str | None
    api_version: str | None
    account: str | None
    livemode: bool
    created_at: datetime
    payload: str
    verified_by: str | None
    source: str
    request_id: str | None
    handled: bool


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event handed out to this worker. `attempts` counts this try; `lease` says whose the event is.

    `lease` only grows, also where a replay lets `attempts` begin anew. request_id: of its delivery; waited_s: since that was acknowledged.
    """

    id: str
    created_at: datetime
    type: str
    payload: str
    attempts: int
    lease: int
    request_id: str | None
    waited_s: float


_RECORD = """
WITH recorded AS (
    INSERT INTO webhook_events (
        id, type, object_id, api_version, account, livemode, created_at, payload,
        verified_by, source, request_id, status, next_attempt_at
    )
    SELECT DISTINCT ON (event.id)
        event.id, event.type, event.object_id, event.api_version, event.account, event.livemode, event.created_at,
        event.payload, event.verified_by, event.source, event.request_id,
        CASE WHEN event.handled THEN 'received' ELSE 'ignored' END,
        CASE WHEN event.handled THEN now() END
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::boolean[]
    ) AS event (
        id, type, object_id, api_version, account, livemode, created_at, payload,
        verified_by, source, request_id, handled
    )
    ORDER BY event.id
    ON CONFLICT DO NOTHING
    RETURNING id, status
), told AS (
    SELECT pg_notify('inbox', '') FROM recorded WHERE status = 'received' LIMIT 1
)
SELECT id FROM recorded WHERE (SELECT count(*) FROM told) >= 0
"""

_CLAIM = """
WITH returned AS (
    SELECT id, created_at, attempts FROM webhook_events
    WHERE status = 'processing' AND next_attempt_at <= now() AND created_at >= $4
    ORDER BY next_attempt_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
), waiting AS (
    SELECT id, created_at FROM webhook_events
    WHERE status IN ('received', 'failed') AND next_attempt_at <= now() AND created_at >= $4
      AND NOT EXISTS (SELECT FROM returned)
    ORDER BY next_attempt_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE webhook_events AS event
SET status = CASE WHEN given_up THEN 'dead' ELSE 'processing' END,
    attempts = event.attempts + CASE WHEN given_up THEN 0 ELSE 1 END,
    lease = event.lease + 1,
    last_error = CASE WHEN given_up THEN 'Its worker died or hung each time.' ELSE last_error END,
    next_attempt_at = CASE WHEN given_up THEN NULL ELSE now() + $2::interval END
FROM (
    SELECT id, created_at, false AS given_up FROM waiting
    UNION ALL
    SELECT id, created_at, attempts >= $3 FROM returned
) AS due
WHERE event.id = due.id AND event.created_at = due.created_at AND event.created_at >= $4
RETURNING event.id, event.created_at, event.type, event.payload, event.attempts, event.lease, event.request_id,
    extract(epoch FROM now() - event.received_at)::float8 AS waited_s, event.status
"""

_HOLD = """
SELECT id, attempts, lease, processed_at IS NOT NULL AS applied FROM webhook_events
WHERE id = ANY($1::text[]) AND created_at BETWEEN $2 AND $3 AND lease BETWEEN $4 AND $5 AND status = 'processing'
ORDER BY id
FOR UPDATE
"""

_FINISH = """
UPDATE webhook_events
SET status = CASE $4 WHEN 'unknown' THEN 'ignored' ELSE $4 END, next_attempt_at = NULL,
    last_error = CASE $4 WHEN 'unknown' THEN $5 END,
    processed_at = CASE WHEN $4 = 'processed' THEN coalesce(processed_at, now()) ELSE processed_at END
WHERE id = ANY($1::text[]) AND created_at BETWEEN $2 AND $3
"""

_FAIL = """
UPDATE webhook_events
SET status = CASE WHEN $5 THEN 'dead' ELSE 'failed' END,
    last_error = $4,
    next_attempt_at = CASE WHEN $5 THEN NULL ELSE now() + $6::interval END
WHERE id = $1 AND created_at = $2 AND attempts = $3 AND lease = $7 AND status = 'processing'
"""

_LAG = """
SELECT coalesce(extract(epoch FROM now() - least(
    (SELECT min(next_attempt_at) FROM webhook_events WHERE status IN ('received', 'failed')),
    (SELECT min(next_attempt_at) FROM webhook_events WHERE status = 'processing')
)), 0)::float8
"""


async def record(connection: Connection, events: Sequence[NewEvent]) -> set[str]:
    """Store and queue `events` in one statement; answers the ids that were new. Wakes the workers on commit."""
    columns = [
        [getattr(event, name) for event in events]
        for name in (
            "id", "type", "object_id", "api_version", "account", "livemode", "created_at", "payload",
            "verified_by", "source", "request_id", "handled",
        )
    ]  # fmt: skip
    return {row[0] for row in await connection.fetch(_RECORD, *columns)}


async def claim(
    connection: Connection, limit: int, lease: timedelta, most_attempts: int, since: datetime = EVER
) -> list[DueEvent]:
    """Take up to `limit` due events that Stripe made `since` then, for `lease`; oldest first by Stripe's clock.

    Those of one second come as they arrived: no proof of their order, and the best guess at it.

    An event that comes back because its lease ran out is handed out alone, so that one which kills its worker takes
    no other with it, and is dead after `most_attempts`.
    """
    found = await connection.fetch(_CLAIM, limit, lease, most_attempts, since)
    rows = [row for row in found if row["status"] != "dead"]
    rows.sort(key=lambda row: (row["created_at"], -row["waited_s"], row["id"]))
    names = DueEvent.__slots__
    return [DueEvent(*(row[name] for name in names)) for row in rows]


async def hold(connection: Connection, events: Sequence[DueEvent]) -> dict[str, bool]:
    """Lock those of `events` that are still ours until the transaction ends; a lease that ran out is not.

    Answers for each whether its effects were committed before, so that it is only being replayed.
    """
    ours = {(event.id, event.attempts, event.lease) for event in events}
    leases = [event.lease for event in events]
    rows = await connection.fetch(_HOLD, *_which(events), min(leases), max(leases))
    return {row["id"]: row["applied"] for row in rows if (row["id"], row["attempts"], row["lease"]) in ours}


async def finish(connection: Connection, outcomes: Sequence[tuple[DueEvent, str]]) -> None:
    """Mark events `processed` or `ignored`; one of an `unknown` type is ignored until a release comes that knows it."""
    for status in sorted({status for _, status in outcomes}):
        which = _which([event for event, became in outcomes if became == status])
        await connection.execute(_FINISH, *which, status, UNKNOWN_TYPE)


async def fail(connection: Connection, event: DueEvent, error: str, pause: timedelta, *, dead: bool) -> None:
    """Put an event back for another try after `pause`, or aside for a person where it is `dead`."""
    await connection.execute(_FAIL, event.id, event.created_at, event.attempts, error, dead, pause, event.lease)


def _which(events: Sequence[DueEvent]) -> tuple[list[str], datetime, datetime]:
    """Which events, and between which times they were made."""
    made = [event.created_at for event in events]
    return [event.id for event in events], min(made), max(made)


async def lag_s(connection: Connection) -> float:
    """How many seconds the most overdue event is late; events that rest after a failure are not. At least 0."""
    return max(0.0, cast("float", await connection.fetchval(_LAG)))
