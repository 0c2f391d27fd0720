"""Owns the statements about operations: who may run one, how far it got, what was answered."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from app.db.engine import Connection
from app.domain.json import JsonObject, JsonView

REFUSED = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """An operation's row. `ours`: this call may run it; `fresh`: nobody ran it before.

    answer_status is the HTTP status of answer_body, or REFUSED where that is an error's document.
    """

    id: UUID
    fingerprint: str
    progress: JsonObject
    answer_status: int | None
    answer_body: str | None
    ours: bool
    fresh: bool


_BEGIN = """
INSERT INTO operations AS operation (
    id, caller, idempotency_key, fingerprint, name, params, subject, request_id, locked_until
) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, now() + make_interval(secs => $9))
ON CONFLICT (caller, idempotency_key) DO UPDATE
SET locked_until = EXCLUDED.locked_until, takeovers = operation.takeovers + 1
WHERE operation.answered_at IS NULL
  AND operation.locked_until <= now()
  AND operation.fingerprint = EXCLUDED.fingerprint
RETURNING id, fingerprint, progress, answer_status, answer_body, true AS ours, takeovers = 0 AS fresh
"""

_FIND = """
SELECT id, fingerprint, progress, answer_status, answer_body, false AS ours, false AS fresh
FROM operations WHERE caller = $1 AND idempotency_key = $2
"""


async def begin(  # noqa: PLR0913 -- an operation's columns
    connection: Connection,
    *,
    operation: UUID,
    caller: str,
    key: str,
    fingerprint: str,
    name: str,
    params: JsonView,
    subject: str | None,
    request_id: str | None,
    lease_s: float,
) -> Stored:
    """Start an operation, take over one whose runner died, or say how the one under this key stands."""
    encoded = msgspec.json.encode(params).decode()
    row = await connection.fetchrow(
        _BEGIN, operation, caller, key, fingerprint, name, encoded, subject, request_id, lease_s
    )
    if row is None:
        row = await connection.fetchrow(_FIND, caller, key)
    if row is None:
        return await begin(
            connection,
            operation=operation,
            caller=caller,
            key=key,
            fingerprint=fingerprint,
            name=name,
            params=params,
            subject=subject,
            request_id=request_id,
            lease_s=lease_s,
        )
    return Stored(**{**row, "progress": msgspec.json.decode(row["progress"])})


async def advance(connection: Connection, operation: UUID, progress: JsonView, subject: str | None) -> None:
    """Record how far an operation got, and which object it turned out to be about."""
    await connection.execute(
        "UPDATE operations SET progress = $2::jsonb, subject = coalesce($3, subject) WHERE id = $1",
        operation,
        msgspec.json.encode(progress).decode(),
        subject,
    )


async def answer(
    connection: Connection, operation: UUID, status: int, body: str, *, progress: JsonView, subject: str | None
) -> None:
    """Store what is answered; from now on the key replays it."""
    await connection.execute(
        """
        UPDATE operations
        SET answered_at = now(), answer_status = $2, answer_body = $3, progress = $4::jsonb,
            subject = coalesce($5, subject)
        WHERE id = $1
        """,
        operation,
        status,
        body,
        msgspec.json.encode(progress).decode(),
        subject,
    )


async def release(connection: Connection, operation: UUID) -> None:
    """Let the next request with the key continue at once: this one ended without an answer to keep."""
    await connection.execute(
        "UPDATE operations SET locked_until = now() WHERE id = $1 AND answered_at IS NULL", operation
    )
