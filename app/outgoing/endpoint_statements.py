"""Statements about endpoints: make one, change it, rotate its secrets, disable it. Secrets come in encrypted.

Whoever changes an endpoint and its deliveries locks the endpoint first (see delivery_statements.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app.db.engine import Connection
from app.domain.events import Cursor
from app.domain.json import JsonObject, JsonView
from app.domain.outgoing import DisabledReason

CHANGEABLE = ("url", "description", "types", "ordered")


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A signing secret as it is kept; the newest of an endpoint does not expire."""

    sealed: str
    created_at: datetime
    expires_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it signs."""
        return self.expires_at is None or self.expires_at > now


def read_secrets(stored: str) -> list[StoredSecret]:
    """An endpoint's secrets, from their column."""
    return msgspec.json.decode(stored, type=list[StoredSecret])


def _written(secrets: list[StoredSecret]) -> str:
    return msgspec.json.encode(secrets).decode()


async def create(
    connection: Connection, endpoint_id: str, given: JsonView, secret: StoredSecret, after: Cursor
) -> None:
    """Store a new endpoint; its deliveries begin `after` there in the feed."""
    await connection.execute(
        """
        INSERT INTO webhook_endpoints (id, url, description, types, ordered, secrets, position, change)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        endpoint_id,
        given["url"],
        given.get("description"),
        given.get("types", []),
        given.get("ordered", False),
        _written([secret]),
        after.position,
        after.id,
    )


_CHANGE = """
UPDATE webhook_endpoints endpoint
SET url = given.url, description = given.description, types = given.types, ordered = given.ordered,
    failing_since = CASE WHEN given.url = endpoint.url THEN endpoint.failing_since END, updated_at = now()
FROM webhook_endpoints old, jsonb_populate_record(old, $2::jsonb) AS given
WHERE endpoint.id = $1 AND old.id = $1
"""


async def count(connection: Connection) -> int:
    """How many there are that are not deleted. Nobody else makes one until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('webhook_endpoints', 0))")
    found: int = await connection.fetchval("SELECT count(*) FROM webhook_endpoints WHERE deleted_at IS NULL")
    return found


async def change(connection: Connection, endpoint_id: str, given: JsonView) -> None:
    """Change what is given of `url`, `description`, `types`, `ordered`. Another URL has not failed yet."""
    changed = {column: given[column] for column in CHANGEABLE if column in given}
    if changed:
        await connection.execute(_CHANGE, endpoint_id, msgspec.json.encode(changed).decode())


async def lock(connection: Connection, endpoint_id: str) -> JsonObject | None:
    """The row of an endpoint that is not deleted, locked until the transaction ends."""
    row = await connection.fetchrow(
        "SELECT * FROM webhook_endpoints WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE", endpoint_id
    )
    return dict(row) if row else None


async def enable(connection: Connection, endpoint_id: str) -> None:
    """Deliver to it again, from where it stopped; what failed before is not held against it, and is due now."""
    await connection.execute(
        """
        UPDATE webhook_endpoints
        SET status = 'enabled', disabled_reason = NULL, disabled_at = NULL, failing_since = NULL, updated_at = now()
        WHERE id = $1 AND status = 'disabled'
        """,
        endpoint_id,
    )
    await connection.execute(
        "UPDATE deliveries SET next_attempt_at = now() WHERE endpoint = $1 AND status = 'failed'", endpoint_id
    )


_MISSED = """
SELECT EXISTS (
    SELECT FROM webhook_endpoints WHERE id = $1 AND (position, change) < ($2, $3)
    UNION ALL
    SELECT FROM deliveries
    WHERE endpoint = $1 AND status IN ('pending', 'delivering', 'failed') AND (position, change) <= ($2, $3)
)
"""


async def missed(connection: Connection, endpoint_id: str, gone: Cursor) -> bool:
    """Whether the feed, which keeps nothing up to `gone`, has forgotten something that the endpoint was to be sent."""
    return bool(await connection.fetchval(_MISSED, endpoint_id, gone.position, gone.id))


async def disable(
    connection: Connection, endpoint_id: str, reason: DisabledReason, sent_with: datetime | None = None
) -> bool:
    """Deliver nothing to it any more; False where it was disabled already, or changed after `sent_with`."""
    return bool(
        await connection.fetchval(
            """
            UPDATE webhook_endpoints
            SET status = 'disabled', disabled_reason = $2, disabled_at = now(), updated_at = now()
            WHERE id = $1 AND status = 'enabled' AND deleted_at IS NULL
              AND ($3::timestamptz IS NULL OR updated_at = $3)
            RETURNING true
            """,
            endpoint_id,
            reason,
            sent_with,
        )
    )


async def delete(connection: Connection, endpoint_id: str) -> None:
    """Forget an endpoint and its secrets; what still waited for it is canceled, its log stays for as long as any."""
    await connection.execute(
        "UPDATE webhook_endpoints SET deleted_at = now(), secrets = '[]', updated_at = now() WHERE id = $1", endpoint_id
    )
    await connection.execute(
        """
        UPDATE deliveries SET status = 'canceled', next_attempt_at = NULL
        WHERE endpoint = $1 AND status IN ('pending', 'failed', 'delivering')
        """,
        endpoint_id,
    )


async def set_secrets(connection: Connection, endpoint_id: str, secrets: list[StoredSecret]) -> None:
    """Store an endpoint's secrets, the newest first."""
    await connection.execute(
        "UPDATE webhook_endpoints SET secrets = $2, updated_at = now() WHERE id = $1", endpoint_id, _written(secrets)
    )


async def sealed_otherwise(connection: Connection, key: str) -> list[str]:
    """The endpoints of which a secret is not sealed with `key`."""
    rows: list[Any] = await connection.fetch(
        """
        SELECT id FROM webhook_endpoints
        WHERE EXISTS (
            SELECT FROM jsonb_array_elements(secrets) secret WHERE NOT starts_with(secret ->> 'sealed', $1 || '.')
        )
        ORDER BY id
        """,
        key,
    )
    return [row["id"] for row in rows]
