"""The SQL statements about deliveries: claim, finish, redeliver, purge.

The row is the job, as in the inbox. Endpoints take turns, each within its limit. All statements lock in one order:
endpoints by id, then their deliveries. A statement that starts at a delivery skips it if it is locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import cast

import msgspec

from app.db.engine import Connection
from app.domain.events import FeedEvent
from app.domain.outgoing import SILENCE, Attempt, DeliveryStatus
from app.outgoing.endpoint_statements import StoredSecret, read_secrets

LONGEST_LOG = 20
"""The most attempts kept of a delivery: all retries, and some redeliveries."""


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A claimed delivery.

    `attempts` includes this one and restarts with a redelivery; `lease` only grows and says whose it is. `sent_with` is
    when the endpoint was last changed: an outcome does not count against an endpoint that has changed since. `told` is
    the event in the feed; None for a ping, and for an event that the feed has deleted.
    """

    id: str
    endpoint: str
    event: str
    type: str
    attempts: int
    lease: int
    created_at: datetime
    url: str
    secrets: list[StoredSecret]
    sent_with: datetime
    told: FeedEvent | None


CLAIMED = tuple(column.name for column in fields(DueDelivery) if column.name not in {"secrets", "told"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: the delivery's new status, and its pause before the next attempt."""

    due: DueDelivery
    attempt: Attempt
    status: DeliveryStatus
    pause: timedelta


@dataclass(frozen=True, slots=True)
class Failing:
    """An endpoint to disable, and when it was last changed when that was decided."""

    id: str
    sent_with: datetime


_CLAIM = """
WITH endpoints AS MATERIALIZED (
    SELECT id, CASE WHEN failing_since IS NULL THEN $2 ELSE 1 END - coalesce(busy.deliveries, 0) AS room
    FROM webhook_endpoints LEFT JOIN unnest($3::text[], $4::integer[]) AS busy (endpoint, deliveries) ON endpoint = id
    WHERE status = 'enabled' AND deleted_at IS NULL
), heads AS MATERIALIZED (
    SELECT head.id FROM endpoints CROSS JOIN LATERAL (
        SELECT id, next_attempt_at FROM deliveries
        WHERE endpoint = endpoints.id AND in_order AND status IN ('pending', 'delivering', 'failed')
        ORDER BY position, change LIMIT 1
    ) head
    WHERE head.next_attempt_at <= now()
), first AS (
    SELECT id, endpoint, next_attempt_at FROM deliveries
    WHERE id IN (SELECT id FROM heads) AND status IN ('pending', 'delivering', 'failed') AND next_attempt_at <= now()
    FOR NO KEY UPDATE SKIP LOCKED
), others AS (
    SELECT due.* FROM endpoints CROSS JOIN LATERAL (
        SELECT id, endpoint, next_attempt_at FROM deliveries
        WHERE endpoint = endpoints.id AND NOT in_order AND status IN ('pending', 'delivering', 'failed')
          AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT greatest(endpoints.room, 0)
        FOR NO KEY UPDATE SKIP LOCKED
    ) due
), turns AS (
    SELECT id, next_attempt_at, row_number() OVER (PARTITION BY endpoint ORDER BY next_attempt_at) AS turn
    FROM (SELECT * FROM first UNION ALL SELECT * FROM others) due
), chosen AS (
    SELECT id FROM turns ORDER BY turn, next_attempt_at LIMIT $1
), claimed AS (
    UPDATE deliveries delivery
    SET status = 'delivering', attempts = delivery.attempts + 1, lease = delivery.lease + 1,
        next_attempt_at = now() + $5::interval,
        log = CASE delivery.status WHEN 'delivering' THEN
            CASE WHEN jsonb_array_length(log) < $6 THEN log ELSE log - 0 END || jsonb_build_object(
                'at', to_char(next_attempt_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'status', NULL, 'error', 'worker_lost', 'ms', NULL
            ) ELSE log END
    FROM chosen
    WHERE delivery.id = chosen.id
    RETURNING delivery.id, delivery.endpoint, delivery.event, delivery.type, delivery.attempts, delivery.lease,
        delivery.created_at, delivery.change
)
SELECT claimed.*, endpoint.url, endpoint.secrets, endpoint.updated_at AS sent_with,
    told.position, told.schema_version, told.at, told.invoice, told.customer, told.data
FROM claimed
JOIN webhook_endpoints endpoint ON endpoint.id = claimed.endpoint
LEFT JOIN changes told ON told.id = claimed.change
"""

_FINISH = """
WITH told AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::integer[], $6::text[], $7::interval[], $8::jsonb[]
    ) AS told (id, endpoint, sent_with, attempts, lease, status, pause, entry)
), held AS MATERIALIZED (
    SELECT id, updated_at, failing_since FROM webhook_endpoints
    WHERE id IN (SELECT endpoint FROM told)
    ORDER BY id
    FOR NO KEY UPDATE
), finished AS (
    UPDATE deliveries delivery
    SET status = told.status,
        next_attempt_at = CASE told.status WHEN 'failed' THEN now() + told.pause END,
        delivered_at = CASE told.status WHEN 'delivered' THEN coalesce(delivered_at, now()) ELSE delivered_at END,
        log = CASE WHEN jsonb_array_length(log) < $9 THEN log ELSE log - 0 END || told.entry
    FROM told JOIN held ON held.id = told.endpoint
    WHERE delivery.id = told.id AND delivery.attempts = told.attempts AND delivery.lease = told.lease
      AND delivery.status = 'delivering'
    RETURNING held.id AS endpoint, held.failing_since, told.status = 'delivered' AS accepted,
        told.sent_with = held.updated_at AS current
), standing AS (
    SELECT endpoint, bool_or(accepted) AS accepted FROM finished WHERE current
    GROUP BY endpoint, failing_since HAVING failing_since IS NOT NULL OR NOT bool_or(accepted)
), changed AS (
    UPDATE webhook_endpoints endpoint
    SET failing_since = CASE
            WHEN accepted THEN NULL
            WHEN last_failure_at < now() - $10::interval THEN now()
            ELSE coalesce(failing_since, now())
        END,
        last_failure_at = CASE WHEN accepted THEN NULL ELSE now() END
    FROM standing
    WHERE endpoint.id = standing.endpoint
    RETURNING endpoint.id, endpoint.failing_since, endpoint.updated_at
)
SELECT id, updated_at FROM changed WHERE failing_since < now() - $11::interval ORDER BY id
"""

_PING = """
WITH made AS (
    INSERT INTO deliveries (id, endpoint, event, type, in_order) VALUES ($1, $2, $3, $4, false)
)
SELECT pg_notify('feed', '')
"""

_ONE_AGAIN = """
WITH again AS (
    UPDATE deliveries delivery
    SET status = 'pending', attempts = 0, next_attempt_at = now(),
        in_order = in_order AND delivery.status IN ('pending', 'failed')
    FROM webhook_endpoints endpoint
    WHERE delivery.id = $1 AND delivery.status <> 'delivering'
      AND endpoint.id = delivery.endpoint AND endpoint.deleted_at IS NULL
    RETURNING delivery.id
)
SELECT id, pg_notify('feed', '') FROM again
"""

_MANY_AGAIN = """
WITH asked AS MATERIALIZED (
    SELECT id FROM webhook_endpoints WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
), again AS (
    UPDATE deliveries delivery
    SET status = 'pending', attempts = 0, next_attempt_at = now(),
        in_order = in_order AND delivery.status IN ('pending', 'failed')
    FROM asked
    WHERE delivery.endpoint = asked.id AND delivery.status <> 'delivering' AND delivery.id IN (
        SELECT id FROM deliveries
        WHERE endpoint = $1 AND created_at >= $2 AND created_at < $3 AND status = ANY($4::text[])
        ORDER BY created_at, id LIMIT $5
    )
    RETURNING delivery.id
)
SELECT id, pg_notify('feed', '') FROM again
"""

_PURGE = """
WITH purged AS (
    DELETE FROM deliveries WHERE id IN (
        SELECT id FROM deliveries
        WHERE created_at < now() - $1::interval AND status IN ('delivered', 'dead', 'canceled') LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) RETURNING id
) SELECT count(*) FROM purged
"""


async def claim(
    connection: Connection, limit: int, *, each: int, busy: Mapping[str, int], lease: timedelta
) -> list[DueDelivery]:
    """Claim up to `limit` due deliveries for `lease`.

    `busy` counts the deliveries that each endpoint has here already, of at most `each`. A failing endpoint gets one at
    a time until it accepts. An ordered endpoint gets only its first unfinished one.
    """
    rows = await connection.fetch(_CLAIM, limit, each, list(busy), list(busy.values()), lease, LONGEST_LOG)
    return [
        DueDelivery(
            **{name: row[name] for name in CLAIMED},
            secrets=read_secrets(row["secrets"]),
            told=None if row["position"] is None else FeedEvent.of(row["change"], row),
        )
        for row in rows
    ]


async def finish(connection: Connection, outcomes: Sequence[Outcome], give_up_after: timedelta) -> list[Failing]:
    """Record the outcomes of deliveries that are still ours. Returns the endpoints that failed for `give_up_after`.

    If an endpoint was changed after it was sent to, the outcome counts for the delivery only.
    """
    rows = await connection.fetch(
        _FINISH,
        [outcome.due.id for outcome in outcomes],
        [outcome.due.endpoint for outcome in outcomes],
        [outcome.due.sent_with for outcome in outcomes],
        [outcome.due.attempts for outcome in outcomes],
        [outcome.due.lease for outcome in outcomes],
        [outcome.status.value for outcome in outcomes],
        [outcome.pause for outcome in outcomes],
        [_entry(outcome.attempt) for outcome in outcomes],
        LONGEST_LOG,
        SILENCE,
        give_up_after,
    )
    return [Failing(row["id"], row["updated_at"]) for row in rows]


async def ping(connection: Connection, delivery_id: str, endpoint: str, event: str, kind: str) -> None:
    """Queue a ping. The commit notifies the workers."""
    await connection.execute(_PING, delivery_id, endpoint, event, kind)


async def deliver_again(connection: Connection, delivery_id: str) -> bool:
    """Queue one delivery again, from its first attempt. Returns False if it is under way or its endpoint is deleted.

    A finished delivery loses its place in the order, because those after it may have been sent.
    """
    return bool(await connection.fetch(_ONE_AGAIN, delivery_id))


async def deliver_many_again(
    connection: Connection, endpoint: str, since: datetime, until: datetime, statuses: Sequence[str], limit: int
) -> int:
    """Queue an endpoint's deliveries of a time span again, oldest first. Returns how many."""
    return len(await connection.fetch(_MANY_AGAIN, endpoint, since, until, list(statuses), limit))


async def purge(connection: Connection, kept: timedelta, limit: int) -> int:
    """Delete up to `limit` finished deliveries older than `kept`. Returns how many."""
    return cast("int", await connection.fetchval(_PURGE, kept, limit))


def _entry(attempt: Attempt) -> str:
    entry = {"at": attempt.at, "status": attempt.status, "error": attempt.shown, "ms": attempt.ms}
    return msgspec.json.encode(entry).decode()
