"""The SQL statements about API keys: find, create, rotate, revoke.

A statement that ends a key also notifies every process, in the same transaction, with the id of the key's caller. Each
process then forgets the keys it remembers and checks what that caller has open.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from app.db.engine import Connection

CHANNEL = "api_keys"
SCOPES = (
    "CASE WHEN NOT feed_apart AND scopes && '{events:read,events:write}' AND NOT 'feed:read' = ANY (scopes) "
    "THEN array_append(scopes, 'feed:read') ELSE scopes END"
)
"""The scopes of a key. A key from before the feed had its own scope keeps the right to read it."""
USED_AGAIN_AFTER_S = 60
"""Precision of last_used_at in seconds: it is written at most this often per key."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key in force. `expires_in_s` is measured by the database's clock; None means it does not expire."""

    caller: str
    digest: bytes
    scopes: list[str]
    expires_in_s: float | None


_FIND = f"""
WITH used AS (
    UPDATE api_keys SET last_used_at = now()
    WHERE prefix = $1 AND digest = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
      AND (last_used_at IS NULL OR last_used_at < now() - interval '{USED_AGAIN_AFTER_S} seconds')
)
SELECT caller, digest, {SCOPES} AS scopes, extract(epoch FROM expires_at - now())::float8 AS expires_in_s
FROM api_keys
WHERE prefix = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""  # noqa: S608 -- only constants of this module are interpolated

_ROTATE = f"""
WITH old AS (
    UPDATE api_keys
    SET replaced_by = $2, expires_at = least(expires_at, now() + make_interval(secs => $5))
    WHERE id = $1 AND revoked_at IS NULL AND replaced_by IS NULL AND (expires_at IS NULL OR expires_at > now())
    RETURNING caller, name, {SCOPES} AS scopes, livemode, pg_notify('{CHANNEL}', caller)
)
INSERT INTO api_keys (id, caller, name, prefix, digest, scopes, feed_apart, livemode, expires_at)
SELECT $2, caller, name, $3, $4, scopes, true, livemode, $6 FROM old
RETURNING id
"""  # noqa: S608 -- only constants of this module are interpolated

_REVOKE = f"""
WITH revoked AS (
    UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL
    RETURNING pg_notify('{CHANNEL}', caller)
)
SELECT count(*) FROM revoked
"""  # noqa: S608 -- only constants of this module are interpolated


async def find(connection: Connection, prefix: str, digest: bytes) -> StoredKey | None:
    """Find the key in force with `prefix`, and record its use if `digest` matches.

    The caller must still compare the digests: the key is returned either way.
    """
    row = await connection.fetchrow(_FIND, prefix, digest)
    return StoredKey(**row) if row else None


async def in_force(connection: Connection, prefix: str) -> StoredKey | None:
    """Find the key in force with `prefix`, without recording a use."""
    return await find(connection, prefix, b"")


async def create(
    connection: Connection,
    *,
    key_id: str,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: list[str],
    livemode: bool,
    expires_at: datetime | None,
) -> None:
    """Store a new key. It stands for a caller of its own, whose id is the key's id."""
    await connection.execute(
        """
        INSERT INTO api_keys (id, caller, name, prefix, digest, scopes, feed_apart, livemode, expires_at)
        VALUES ($1, $1, $2, $3, $4, $5, true, $6, $7)
        """,
        key_id,
        name,
        prefix,
        digest,
        scopes,
        livemode,
        expires_at,
    )


async def rotate(
    connection: Connection,
    old_id: str,
    *,
    key_id: str,
    prefix: str,
    digest: bytes,
    overlap_s: float,
    expires_at: datetime | None,
) -> bool:
    """Store a key that replaces `old_id`, which expires after `overlap_s`.

    Returns False if the old key is not in force.
    """
    return bool(await connection.fetchval(_ROTATE, old_id, key_id, prefix, digest, overlap_s, expires_at))


async def revoke(connection: Connection, key_id: str) -> None:
    """Revoke a key at once. A key that is revoked already stays as it is."""
    await connection.execute(_REVOKE, key_id)


async def identify(connection: Connection, id_or_prefix: str) -> list[str]:
    """The ids of the keys with this id or with a prefix that begins so; at most 10."""
    rows = await connection.fetch(
        "SELECT id FROM api_keys WHERE id = $1 OR starts_with(prefix, $1) ORDER BY id LIMIT 10", id_or_prefix
    )
    return [row["id"] for row in rows]


async def any_in_force(connection: Connection, *, livemode: bool) -> bool:
    """Whether any key of this mode is in force."""
    return cast(
        "bool",
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM api_keys
                WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AND livemode = $1
            )
            """,
            livemode,
        ),
    )
