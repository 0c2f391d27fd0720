"""The SQL statements that make deliveries of the feed's events. Endpoints are locked as in delivery_statements.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from app.db.engine import Connection
from app.domain.events import Cursor, FeedEvent

MOST_PENDING = 1000
"""The most deliveries per endpoint that wait for their first attempt. Further events stay in the feed."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An endpoint with room for more deliveries: its filter, and its place in the feed."""

    id: str
    types: frozenset[str]
    ordered: bool
    after: Cursor

    def wants(self, event: FeedEvent) -> bool:
        return not self.types or event.type in self.types


_SUBSCRIPTIONS = """
SELECT id, types, ordered, position, change FROM webhook_endpoints endpoint
WHERE status = 'enabled' AND deleted_at IS NULL AND (
    SELECT count(*) FROM (
        (SELECT FROM deliveries
         WHERE endpoint = endpoint.id AND NOT in_order AND next_attempt_at <= now()
           AND status IN ('pending', 'delivering', 'failed') AND status = 'pending'
         LIMIT $1)
        UNION ALL
        (SELECT FROM deliveries
         WHERE endpoint = endpoint.id AND in_order AND status IN ('pending', 'delivering', 'failed')
           AND status = 'pending'
         LIMIT $1)
    ) pending
) < $1
"""

_FAN_OUT = """
WITH moving AS MATERIALIZED (
    SELECT id FROM webhook_endpoints
    WHERE id = ANY($1::text[]) AND position = $2 AND change = $3 AND status = 'enabled' AND deleted_at IS NULL
    ORDER BY id
    FOR NO KEY UPDATE
), moved AS (
    UPDATE webhook_endpoints endpoint SET position = $4, change = $5
    FROM moving
    WHERE endpoint.id = moving.id
    RETURNING endpoint.id, endpoint.ordered
), made AS (
    INSERT INTO deliveries (endpoint, event, type, position, change, invoice, in_order)
    SELECT moved.id, event.event, event.type, event.position, event.id, event.invoice, moved.ordered
    FROM unnest($6::text[], $7::bigint[]) AS told (endpoint, change)
    JOIN moved ON moved.id = told.endpoint
    JOIN changes event ON event.id = told.change
    ORDER BY event.position, event.id
    RETURNING id
)
SELECT count(*) FROM made
"""


async def subscriptions(connection: Connection) -> list[Subscription]:
    """The endpoints that need deliveries made. Those with enough waiting are left out."""
    rows = await connection.fetch(_SUBSCRIPTIONS, MOST_PENDING)
    return [
        Subscription(row["id"], frozenset(row["types"]), row["ordered"], Cursor(row["position"], row["change"]))
        for row in rows
    ]


async def fan_out(
    connection: Connection, endpoints: Sequence[str], after: Cursor, upto: Cursor, wanted: Sequence[tuple[str, int]]
) -> int:
    """Move `endpoints` from `after` to `upto`, and make deliveries of the `wanted` changes, atomically. Returns how many.

    An endpoint that another worker has moved meanwhile has its deliveries already.
    """
    ids, changes = [endpoint for endpoint, _ in wanted], [change for _, change in wanted]
    made = await connection.fetchval(
        _FAN_OUT, list(endpoints), after.position, after.id, upto.position, upto.id, ids, changes
    )
    return cast("int", made)
