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
from sqlalchemy import (
    BigInteger,
    Interval,
    Text,
    and_,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.db.engine import Connection
from app.db.schema import operations
from app.db.statement import Statement, any_of, parameters
from app.domain.idempotency import LONGEST_BACKOFF
from app.domain.json import JsonObject, JsonView
from app.idempotency.lease import lease_end

REFUSED = 0


class LeaseLost(Exception):
    """Another runner took the operation over, or it is answered."""


@dataclass(frozen=True, slots=True)
class NewOperation:
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
    """An operation's row, with its `age` by the database's clock.

    ours: this call may run it, until `lease_ends` by this process's clock (lease.py). idempotency_key: None if the caller
    sent none. request_id: of the request that began it. answer_status: the HTTP status of answer_body, or REFUSED if that
    is an error's document.
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
    age: timedelta
    answer_status: int | None
    answer_body: str | None
    ours: bool
    lease_ends: float = 0.0

    @classmethod
    def of(cls, row: asyncpg.Record, lease_ends: float = 0.0) -> Self:
        decoded = {name: msgspec.json.decode(row[name]) for name in ("params", "progress")}
        return cls(**{**row, **decoded}, lease_ends=lease_ends)


@dataclass(frozen=True, slots=True)
class Answered:
    """A runner's answer: HTTP status (or REFUSED) and body, with the progress and the subject."""

    operation: UUID
    runner: int
    answer_status: int
    answer_body: str
    progress: JsonView
    subject: str | None


_C = operations.c
_AGE = (func.now() - _C.created_at).label("age")
_STORED = [_AGE, *(_C[one.name] for one in fields(Stored) if one.name not in {"age", "ours", "lease_ends"})]
_NOT_OURS, _OURS = (one.label("ours") for one in (false(), true()))
_UNANSWERED = _C.answered_at.is_(None)
_RUNNING = and_(_C.id == bindparam("operation"), _C.takeovers == bindparam("runner"), _UNANSWERED)
"""The operation is still this runner's."""

_NEW = insert(operations).values(
    **parameters("id", "caller", "idempotency_key", "fingerprint", "name", "params", "subject", "request_id"),
    locked_until=func.now() + bindparam("lease", type_=Interval),
)
_BEGIN_NEW = Statement(
    _NEW.on_conflict_do_nothing(index_elements=[_C.caller, _C.idempotency_key]).returning(_C.id, _C.created_at)
)
_TAKE_OVER = Statement(
    _NEW.on_conflict_do_update(
        index_elements=[_C.caller, _C.idempotency_key],
        set_={"locked_until": _NEW.excluded.locked_until, "takeovers": _C.takeovers + 1},
        where=and_(_UNANSWERED, _C.locked_until <= func.now(), _C.fingerprint == _NEW.excluded.fingerprint),
    ).returning(*_STORED, _OURS)
)
_FIND = Statement(
    select(*_STORED, _NOT_OURS).where(
        _C.caller == bindparam("caller"),
        _C.idempotency_key == bindparam("idempotency_key"),
        or_(_C.answered_at.is_not(None), _C.locked_until > func.now(), _C.fingerprint != bindparam("fingerprint")),
    )
)
_READ = Statement(select(*_STORED, _NOT_OURS).where(_C.id == bindparam("operation")))
_REQUEST_OF = Statement(select(_C.request_id).where(_C.id == bindparam("operation")))

_GRACE = bindparam("grace", type_=Interval)
_LEFT_BEHIND = (
    select(_C.id)
    .where(
        _UNANSWERED,
        _C.name == any_of("names", Text),
        _C.locked_until <= func.now() - _GRACE,
        _C.locked_until <= func.now() - _GRACE.op("*")(func.power(2, func.least(_C.takeovers, LONGEST_BACKOFF))),
    )
    .order_by(_C.locked_until)
    .limit(bindparam("limit", type_=BigInteger))
    .with_for_update(skip_locked=True)
)
_CLAIM_UNFINISHED = Statement(
    update(operations)
    .where(_C.id.in_(_LEFT_BEHIND))
    .values(locked_until=func.now() + bindparam("lease", type_=Interval), takeovers=_C.takeovers + 1)
    .returning(*_STORED, _OURS)
)
_SUBJECT = func.coalesce(bindparam("subject", type_=Text), _C.subject)
_ADVANCE = Statement(update(operations).where(_RUNNING).values(progress=bindparam("progress"), subject=_SUBJECT))
_ANSWER = Statement(
    update(operations)
    .where(_RUNNING)
    .values(
        answered_at=func.now(),
        **parameters("answer_status", "answer_body", "progress"),
        subject=_SUBJECT,
        params=literal_column("'{}'::jsonb"),
        last_error=None,
    )
    .returning(_C.id)
)
_RELEASE = Statement(
    update(operations).where(_RUNNING).values(locked_until=func.now(), last_error=bindparam("last_error"))
)
_FORGET = Statement(delete(operations).where(_RUNNING))
_OLD = func.now() - bindparam("retention", type_=Interval)
_PURGE = Statement(
    delete(operations).where(
        _C.id.in_(
            select(_C.id)
            .where(_C.created_at < _OLD, _C.answered_at < _OLD)
            .order_by(_C.created_at)
            .limit(bindparam("limit", type_=BigInteger))
        )
    )
)


async def begin_new(connection: Connection, new: Sequence[NewOperation], lease: timedelta) -> dict[UUID, Stored]:
    """Begin those of `new` whose key is unused, in the caller's transaction.

    It waits only for others that are just beginning. All transactions take keys in the same order, so they cannot
    deadlock.
    """
    lease_ends = lease_end(lease)
    ordered = sorted(new, key=lambda one: (one.caller, one.idempotency_key or ""))
    rows = await _BEGIN_NEW.fetch_each(connection, ({**_given(one), "lease": lease} for one in ordered))
    begun = {row["id"]: row["created_at"] for row in rows}
    return {one.id: _begun(one, begun[one.id], lease_ends) for one in new if one.id in begun}


async def begin(connection: Connection, new: NewOperation, lease: timedelta) -> Stored:
    """Begin an operation, take over one whose runner died, or return the state of the one under this key."""
    given = _given(new)
    key = {name: given[name] for name in ("caller", "idempotency_key", "fingerprint")}
    while True:
        lease_ends = lease_end(lease)
        rows = await _FIND.fetch(connection, **key) or await _TAKE_OVER.fetch(connection, **given, lease=lease)
        if rows:  # else somebody else was faster, in one way or the other
            return Stored.of(rows[0], lease_ends)


def _given(one: NewOperation | Answered) -> dict[str, object]:
    return {column.name: getattr(one, column.name) for column in fields(one)}


def _begun(new: NewOperation, created_at: datetime, lease_ends: float) -> Stored:
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
        age=timedelta(),
        answer_status=None,
        answer_body=None,
        ours=True,
        lease_ends=lease_ends,
    )


async def read(connection: Connection, operation: UUID) -> Stored | None:
    rows = await _READ.fetch(connection, operation=operation)
    return Stored.of(rows[0]) if rows else None


async def request_of(connection: Connection, operation: UUID) -> str | None:
    found: str | None = await _REQUEST_OF.value(connection, operation=operation)
    return found


async def claim_unfinished(
    connection: Connection, names: Sequence[str], limit: int, lease: timedelta, grace: timedelta
) -> Sequence[Stored]:
    """Take over operations of these names that nobody has run for `grace`, longer after each takeover."""
    lease_ends = lease_end(lease)
    rows = await _CLAIM_UNFINISHED.fetch(connection, names=names, limit=limit, lease=lease, grace=grace)
    return [Stored.of(row, lease_ends) for row in rows]


async def advance(
    connection: Connection, operation: UUID, runner: int, progress: JsonView, subject: str | None
) -> None:
    """Record an operation's progress and its subject. Raises LeaseLost."""
    done = await _ADVANCE.execute(connection, operation=operation, runner=runner, progress=progress, subject=subject)
    if done != 1:
        raise LeaseLost


async def answer(connection: Connection, answers: Collection[Answered]) -> None:
    """Store answers and delete the parameters. Raises LeaseLost if a runner has lost one of the operations."""
    ordered = sorted(answers, key=lambda one: one.operation)  # in one order by everybody, as keys are
    if len(await _ANSWER.fetch_each(connection, map(_given, ordered))) != len(ordered):
        raise LeaseLost


async def release(connection: Connection, operation: UUID, runner: int, reason: str) -> None:
    """Let the next request with the key continue at once. This runner ended for `reason`, without an answer."""
    await _RELEASE.execute(connection, operation=operation, runner=runner, last_error=reason)


async def forget(connection: Connection, operation: UUID, runner: int) -> bool:
    """Delete an operation that did nothing, so that its key is unused. False: its claims are its successor's."""
    return await _FORGET.execute(connection, operation=operation, runner=runner) == 1


async def purge(connection: Connection, retention: timedelta, limit: int) -> int:
    """Delete up to `limit` operations that were answered longer than `retention` ago. Returns how many."""
    return await _PURGE.execute(connection, retention=retention, limit=limit)
