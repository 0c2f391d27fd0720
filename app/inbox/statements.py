"""The SQL statements of the inbox: store an event once, claim due events, record outcomes.

The row is the job, so an event cannot be stored without being queued. Claiming sets next_attempt_at to the end of a
lease, so an event comes due again if its worker dies.

The table is partitioned by Stripe's `created_at`, which never changes for an event; with the id it is the key. Each
statement of the hot path bounds the times of its events, so that it only touches their partitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from app.db.coverage import EVER
from app.db.engine import Connection

CHANNEL = "inbox"
"""The channel that workers listen to; _RECORD notifies it."""

UNKNOWN_TYPE = "This release does not know the type of this event."
"""Why a worker ignored an event that another release had queued."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to store. `source` is how it came, `handled` whether it has a handler. _RECORD needs this order."""

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
    """A claimed event. `attempts` includes this try; `lease` identifies the claim.

    `lease` only grows, even when a replay restarts `attempts`. `request_id` is the delivery's; `waited_s` is the time
    since it was acknowledged.
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
        verified_by, source, request_id, status, next_attempt_at, received_at
    )
    SELECT DISTINCT ON (event.id)
        event.id, event.type, event.object_id, event.api_version, event.account, event.livemode, event.created_at,
        event.payload, event.verified_by, event.source, event.request_id,
        CASE WHEN event.handled THEN 'received' ELSE 'ignored' END,
        CASE WHEN event.handled THEN now() END,
        now() + event.place * interval '1 microsecond' -- those of one batch keep their order
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::boolean[]
    ) WITH ORDINALITY AS event (
        id, type, object_id, api_version, account, livemode, created_at, payload,
        verified_by, source, request_id, handled, place
    )
    ORDER BY event.id, event.place
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

_EXTEND = """
WITH held AS (
    SELECT event.id, event.created_at FROM webhook_events AS event
    JOIN unnest($1::text[], $4::integer[]) AS ours (id, lease) ON event.id = ours.id AND event.lease = ours.lease
    WHERE event.created_at BETWEEN $2 AND $3 AND event.status = 'processing'
    FOR UPDATE OF event SKIP LOCKED
)
UPDATE webhook_events AS event SET next_attempt_at = now() + $5::interval
FROM held
WHERE event.id = held.id AND event.created_at = held.created_at AND event.created_at BETWEEN $2 AND $3
"""

_LAG = """
SELECT coalesce(extract(epoch FROM now() - least(
    (SELECT min(next_attempt_at) FROM webhook_events WHERE status IN ('received', 'failed')),
    (SELECT min(next_attempt_at) FROM webhook_events WHERE status = 'processing')
)), 0)::float8
"""


async def record(connection: Connection, events: Sequence[NewEvent]) -> set[str]:
    """Store and queue `events` in one statement. Returns the ids that are new. The commit notifies the workers."""
    columns = [[getattr(event, name) for event in events] for name in NewEvent.__slots__]
    return {row[0] for row in await connection.fetch(_RECORD, *columns)}


async def claim(
    connection: Connection, limit: int, lease: timedelta, most_attempts: int, since: datetime = EVER
) -> list[DueEvent]:
    """Claim up to `limit` due events, created at or after `since`, for `lease`; oldest first by Stripe's clock.

    Events of one second keep their order of arrival, which is only the best guess. An event whose lease ran out is
    claimed alone, so that one that kills its worker harms no other. It is dead after `most_attempts`.
    """
    found = await connection.fetch(_CLAIM, limit, lease, most_attempts, since)
    rows = [row for row in found if row["status"] != "dead"]
    rows.sort(key=lambda row: (row["created_at"], -row["waited_s"], row["id"]))
    names = DueEvent.__slots__
    return [DueEvent(*(row[name] for name in names)) for row in rows]


async def hold(connection: Connection, events: Sequence[DueEvent]) -> dict[str, bool]:
    """Lock those of `events` whose claims still hold, until the transaction ends.

    Maps each id to whether its effects were committed before, so that this is a replay.
    """
    ours = {(event.id, event.attempts, event.lease) for event in events}
    leases = [event.lease for event in events]
    rows = await connection.fetch(_HOLD, *_which(events), min(leases), max(leases))
    return {row["id"]: row["applied"] for row in rows if (row["id"], row["attempts"], row["lease"]) in ours}


async def extend(connection: Connection, events: Sequence[DueEvent], lease: timedelta) -> None:
    """Extend the claims on `events` that still hold to `lease` from now. One that is locked is just being applied."""
    await connection.execute(_EXTEND, *_which(events), [event.lease for event in events], lease)


async def finish(connection: Connection, outcomes: Sequence[tuple[DueEvent, str]]) -> None:
    """Mark events as `processed` or `ignored`. Those of `unknown` types are ignored until a release knows them."""
    for status in sorted({status for _, status in outcomes}):
        which = _which([event for event, became in outcomes if became == status])
        await connection.execute(_FINISH, *which, status, UNKNOWN_TYPE)


async def fail(connection: Connection, event: DueEvent, error: str, pause: timedelta, *, dead: bool) -> None:
    """Mark an event for another try after `pause`, or as dead."""
    await connection.execute(_FAIL, event.id, event.created_at, event.attempts, error, dead, pause, event.lease)


def _which(events: Sequence[DueEvent]) -> tuple[list[str], datetime, datetime]:
    """The ids of the events, and the earliest and latest time of creation."""
    made = [event.created_at for event in events]
    return [event.id for event in events], min(made), max(made)


async def lag_s(connection: Connection) -> float:
    """The seconds by which the most overdue event is late, at least 0. Pauses after failures do not count."""
    return max(0.0, cast("float", await connection.fetchval(_LAG)))
