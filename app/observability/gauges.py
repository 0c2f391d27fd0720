"""Owns the statement that says how everything stands, for whoever watches: the inbox, writes under way, coverage.

It reads only what is unfinished, through partial indexes, and stops counting at MOST: it costs the same whether the
tables hold thousands of rows or tens of millions.
"""

from dataclasses import dataclass

import msgspec

from app.db.engine import Connection
from app.events.feed_statements import HELD_S

MOST = 100_000
"""Where counting stops."""
DEAD = 10_000

_STANDING = f"""
WITH waiting AS MATERIALIZED (
    (SELECT status, received_at, attempts, next_attempt_at FROM webhook_events
     WHERE status IN ('received', 'failed') ORDER BY next_attempt_at LIMIT {MOST})
    UNION ALL
    (SELECT status, received_at, attempts, next_attempt_at FROM webhook_events
     WHERE status = 'processing' ORDER BY next_attempt_at LIMIT {MOST})
), unanswered AS MATERIALIZED (
    SELECT created_at FROM operations WHERE answered_at IS NULL ORDER BY locked_until LIMIT {MOST}
), outgoing AS MATERIALIZED (
    SELECT due.next_attempt_at FROM webhook_endpoints endpoint CROSS JOIN LATERAL (
        (SELECT next_attempt_at FROM deliveries
         WHERE endpoint = endpoint.id AND NOT in_order AND status IN ('pending', 'delivering', 'failed')
         ORDER BY next_attempt_at LIMIT {MOST})
        UNION ALL
        (SELECT next_attempt_at FROM deliveries
         WHERE endpoint = endpoint.id AND in_order AND status IN ('pending', 'delivering', 'failed')
         ORDER BY position, change LIMIT {MOST})
    ) due
    WHERE endpoint.status = 'enabled' AND endpoint.deleted_at IS NULL
), actions AS MATERIALIZED (
    SELECT due.next_attempt_at FROM configured_actions configured CROSS JOIN LATERAL (
        (SELECT next_attempt_at FROM fulfillment_actions
         WHERE action = configured.action AND status IN ('pending', 'failed') ORDER BY next_attempt_at LIMIT {MOST})
        UNION ALL
        (SELECT next_attempt_at FROM fulfillment_actions
         WHERE action = configured.action AND status = 'running' ORDER BY next_attempt_at LIMIT {MOST})
    ) due
), dead_actions AS MATERIALIZED (
    SELECT action FROM fulfillment_actions WHERE status = 'dead' LIMIT {DEAD}
)
SELECT
    (SELECT count(*) FROM waiting WHERE status = 'received') AS received,
    (SELECT count(*) FROM waiting WHERE status = 'processing') AS processing,
    (SELECT count(*) FROM waiting WHERE status = 'failed') AS failed,
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'dead' LIMIT {DEAD}) AS dead) AS dead,
    (SELECT coalesce(max(attempts), 0) FROM waiting) AS most_attempts,
    (SELECT greatest(0, coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)) FROM waiting)::float8 AS lag_s,
    (SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM waiting)::float8 AS oldest_s,
    (SELECT count(*) FROM unanswered) AS unanswered,
    (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM unanswered)::float8 AS unanswered_oldest_s,
    (SELECT count(*) FROM outgoing) AS outgoing,
    (SELECT greatest(0, coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)) FROM outgoing)::float8
        AS outgoing_lag_s,
    (SELECT count(*) FROM webhook_endpoints
     WHERE status = 'enabled' AND deleted_at IS NULL AND failing_since IS NOT NULL) AS endpoints_failing,
    (SELECT count(*) FROM actions) AS actions,
    (SELECT greatest(0, coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)) FROM actions)::float8
        AS actions_lag_s,
    (SELECT count(*) FROM (
        SELECT FROM deliveries JOIN webhook_endpoints endpoint ON endpoint.id = deliveries.endpoint
        WHERE deliveries.status = 'dead' AND endpoint.deleted_at IS NULL LIMIT {DEAD}
    ) AS dead) AS outgoing_dead,
    (SELECT coalesce(json_object_agg(
        action, (SELECT count(*) FROM dead_actions WHERE dead_actions.action = configured_actions.action)
    ), '{{}}') FROM configured_actions)::text AS actions_dead,
    ({HELD_S}) AS feed_held_s
"""  # noqa: S608 -- only constants of this module are interpolated

_COVERAGE = """
SELECT extract(epoch FROM now() - complete_until)::float8 AS age_s, extract(epoch FROM now() - updated_at)::float8 AS
    updated_s, compared, missed, repaired
FROM coverage WHERE name = 'events'
"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far Stripe's events were compared with the inbox, and what that found since the beginning."""

    age_s: float
    updated_s: float
    compared: int
    missed: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands. lag_s: how late the most overdue event is; oldest_s: since when one is unfinished.

    outgoing_dead: of endpoints that were not deleted; actions_dead: by the names of the actions that workers do.
    """

    received: int
    processing: int
    failed: int
    dead: int
    most_attempts: int
    lag_s: float
    oldest_s: float
    unanswered: int
    unanswered_oldest_s: float
    outgoing: int
    outgoing_lag_s: float
    endpoints_failing: int
    actions: int
    actions_lag_s: float
    outgoing_dead: int
    actions_dead: dict[str, int]
    feed_held_s: float
    coverage: Coverage | None


async def standing(connection: Connection) -> Standing:
    """How everything stands now."""
    row = await connection.fetchrow(_STANDING)
    covered = await connection.fetchrow(_COVERAGE)
    if row is None:
        raise AssertionError("a select without a table answers a row")
    found = dict(row) | {"actions_dead": msgspec.json.decode(row["actions_dead"])}
    return Standing(**found, coverage=Coverage(**covered) if covered else None)
