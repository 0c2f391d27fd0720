"""The SQL statements about operations: begin, take over, record progress, answer.

`takeovers` counts the runners. Only the last runner may write, and only while there is no answer. An earlier one gets
LeaseLost, which rolls its transaction back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import asyncpg
import msgspec

from app.db.engine import Connection
from app.domain.idempotency import LONGEST_BACKOFF
from app.domain.json import JsonObject, JsonView
from app.idempotency.lease import lease_end

REFUSED = 0


class LeaseLost(Exception):
    """Another runner took the operation over, or it is answered."""


@dataclass(frozen=True, slots=True)
class NewOperation:
    """The columns of an operation to begin."""

    id: UUID
    caller: str
    idempotency_key: str | None
    fingerprint: str
    name: str
    params: JsonView
    subject: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """An operation's row. `ours`: this call may run it, until `lease_ends` by this process's clock (lease.py).

    idempotency_key: None if the caller sent none. request_id: of the request that began it. answer_status: the HTTP
    status of answer_body, or REFUSED if that is an error's document.
    """

    id: UUID
    idempotency_key: str | None
    fingerprint: str
    name: str
    params: JsonObject
    subject: str | None
    progress: JsonObject
    takeovers: int
    request_id: str | None
    created_at: datetime
    answer_status: int | None
    answer_body: str | None
    ours: bool
    lease_ends: float = 0.0

    @classmethod
    def of(cls, row: asyncpg.Record, lease_ends: float = 0.0) -> Self:
        """The operation in `row`."""
        decoded = {name: msgspec.json.decode(row[name]) for name in ("params", "progress")}
        return cls(**{**row, **decoded}, lease_ends=lease_ends)


@dataclass(frozen=True, slots=True)
class Answered:
    """A runner's answer: HTTP status (or REFUSED) and body, with the progress and the subject."""

    operation: UUID
    runner: int
    status: int
    body: str
    progress: JsonView
    subject: str | None


_COLUMNS = ", ".join(
    f"operation.{column.name}" for column in fields(Stored) if column.name not in {"ours", "lease_ends"}
)

_INSERT = """
INSERT INTO operations AS operation (
    id, caller, idempotency_key, fingerprint, name, params, subject, request_id, locked_until
) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, now() + $9::interval)
"""

_BEGIN_NEW = f"{_INSERT} ON CONFLICT (caller, idempotency_key) DO NOTHING RETURNING id, created_at"

_TAKE_OVER = f"""
{_INSERT}
ON CONFLICT (caller, idempotency_key) DO UPDATE
SET locked_until = EXCLUDED.locked_until, takeovers = operation.takeovers + 1
WHERE operation.answered_at IS NULL
  AND operation.locked_until <= now()
  AND operation.fingerprint = EXCLUDED.fingerprint
RETURNING {_COLUMNS}, true AS ours
"""

_FIND = f"""
SELECT {_COLUMNS}, false AS ours FROM operations operation
WHERE caller = $1 AND idempotency_key = $2
  AND (answered_at IS NOT NULL OR locked_until > now() OR fingerprint <> $3)
"""  # noqa: S608 -- only names of this module are interpolated
_READ = f"SELECT {_COLUMNS}, false AS ours FROM operations operation WHERE id = $1"  # noqa: S608

_CLAIM_UNFINISHED = f"""
UPDATE operations AS operation
SET locked_until = now() + $2::interval, takeovers = takeovers + 1
FROM (
    SELECT id FROM operations
    WHERE answered_at IS NULL
      AND name = ANY($4::text[])
      AND locked_until <= now() - $3::interval
      AND locked_until <= now() - $3::interval * power(2, least(takeovers, {LONGEST_BACKOFF}))
    ORDER BY locked_until
    LIMIT $1
    FOR UPDATE SKIP LOCKED
) AS left_behind
WHERE operation.id = left_behind.id
RETURNING {_COLUMNS}, true AS ours
"""  # noqa: S608 -- only names of this module are interpolated


async def begin_new(connection: Connection, new: Sequence[NewOperation], lease: timedelta) -> dict[UUID, Stored]:
    """Begin those of `new` whose key is unused, in the caller's transaction.

    It waits only for others that are just beginning. All transactions take keys in the same order, so they cannot
    deadlock.
    """
    lease_ends = lease_end(lease)
    ordered = sorted(new, key=lambda one: (one.caller, one.idempotency_key or ""))
    rows = await connection.fetchmany(_BEGIN_NEW, [(*_row(one), lease) for one in ordered])
    begun = {row["id"]: row["created_at"] for row in rows}
    return {one.id: _begun(one, begun[one.id], lease_ends) for one in new if one.id in begun}


async def begin(connection: Connection, new: NewOperation, lease: timedelta) -> Stored:
    """Begin an operation, take over one whose runner died, or return the state of the one under this key."""
    while True:
        lease_ends = lease_end(lease)
        row = await connection.fetchrow(_FIND, new.caller, new.idempotency_key, new.fingerprint)
        row = row or await connection.fetchrow(_TAKE_OVER, *_row(new), lease)
        if row is not None:  # else somebody else was faster, in one way or the other
            return Stored.of(row, lease_ends)


def _row(new: NewOperation) -> tuple[object, ...]:
    params = msgspec.json.encode(new.params).decode()
    return (new.id, new.caller, new.idempotency_key, new.fingerprint, new.name, params, new.subject, new.request_id)


def _begun(new: NewOperation, created_at: datetime, lease_ends: float) -> Stored:
    """The row of an operation that has just begun."""
    return Stored(
        id=new.id,
        idempotency_key=new.idempotency_key,
        fingerprint=new.fingerprint,
        name=new.name,
        params=dict(new.params),
        subject=new.subject,
        progress={},
        takeovers=0,
        request_id=new.request_id,
        created_at=created_at,
        answer_status=None,
        answer_body=None,
        ours=True,
        lease_ends=lease_ends,
    )


async def read(connection: Connection, operation: UUID) -> Stored | None:
    """The operation; None if there is none."""
    row = await connection.fetchrow(_READ, operation)
    return Stored.of(row) if row else None


async def request_of(connection: Connection, operation: UUID) -> str | None:
    """The id of the request that began an operation; None if there is no such operation."""
    found: str | None = await connection.fetchval("SELECT request_id FROM operations WHERE id = $1", operation)
    return found


async def claim_unfinished(
    connection: Connection, names: Sequence[str], limit: int, lease: timedelta, grace: timedelta
) -> Sequence[Stored]:
    """Take over operations of these names that nobody has run for `grace`, longer after each takeover."""
    lease_ends = lease_end(lease)
    rows = await connection.fetch(_CLAIM_UNFINISHED, limit, lease, grace, names)
    return [Stored.of(row, lease_ends) for row in rows]


async def advance(
    connection: Connection, operation: UUID, runner: int, progress: JsonView, subject: str | None
) -> None:
    """Record an operation's progress and its subject. Raises LeaseLost."""
    done = await connection.execute(
        """
        UPDATE operations SET progress = $3::jsonb, subject = coalesce($4, subject)
        WHERE id = $1 AND takeovers = $2 AND answered_at IS NULL
        """,
        operation,
        runner,
        msgspec.json.encode(progress).decode(),
        subject,
    )
    _require_one(done)


_ANSWER = """
UPDATE operations
SET answered_at = now(), answer_status = $3, answer_body = $4, progress = $5::jsonb,
    subject = coalesce($6, subject), params = '{}'::jsonb, last_error = NULL
WHERE id = $1 AND takeovers = $2 AND answered_at IS NULL
RETURNING id
"""


async def answer(connection: Connection, answers: Collection[Answered]) -> None:
    """Store answers, which are replayed from now on, and delete the parameters.

    Raises LeaseLost if a runner has lost one of the operations.
    """
    given = [
        (one.operation, one.runner, one.status, one.body, msgspec.json.encode(one.progress).decode(), one.subject)
        for one in sorted(answers, key=lambda one: one.operation)  # in one order by everybody, as keys are
    ]
    if len(await connection.fetchmany(_ANSWER, given)) != len(given):
        raise LeaseLost


async def release(connection: Connection, operation: UUID, runner: int, reason: str) -> None:
    """Let the next request with the key continue at once. This runner ended for `reason`, without an answer."""
    await connection.execute(
        """
        UPDATE operations SET locked_until = now(), last_error = $3
        WHERE id = $1 AND takeovers = $2 AND answered_at IS NULL
        """,
        operation,
        runner,
        reason[:500],
    )


async def forget(connection: Connection, operation: UUID, runner: int) -> bool:
    """Delete an operation that has done nothing anywhere, so that its key is unused.

    Returns False if this runner has lost it: then its claims belong to its successor.
    """
    done = await connection.execute(
        "DELETE FROM operations WHERE id = $1 AND takeovers = $2 AND answered_at IS NULL", operation, runner
    )
    return done == "DELETE 1"


async def purge(connection: Connection, retention: timedelta, limit: int) -> int:
    """Delete up to `limit` operations that were answered longer than `retention` ago. Returns how many."""
    done = await connection.execute(
        """
        DELETE FROM operations WHERE id IN (
            SELECT id FROM operations
            WHERE created_at < now() - $1::interval AND answered_at < now() - $1::interval
            ORDER BY created_at LIMIT $2
        )
        """,
        retention,
        limit,
    )
    return int(done.rpartition(" ")[2])


def _require_one(done: str) -> None:
    if done != "UPDATE 1":
        raise LeaseLost
