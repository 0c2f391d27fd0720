"""Queues stored events again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Text, and_, bindparam, func, or_, select, update

from app.db.documents import one_statement
from app.db.engine import Connection
from app.db.resources import EVENT
from app.db.schema import webhook_events
from app.db.statement import Statement, any_of
from app.inbox.statements import CHANNEL, UNKNOWN_TYPE


@dataclass(frozen=True, slots=True)
class Query:
    """A filter of events to replay; None matches all."""

    id: str | None = None
    type: str | None = None
    status: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """The filter as text for the audit log."""
        given = ((name, value) for name, value in asdict(self).items() if value is not None)
        said = (
            f"{name} {value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else f"{name} {value}"
            for name, value in given
        )
        return ", ".join(said) or "all"


_C = webhook_events.c
_BETWEEN = _C.created_at.between(bindparam("first"), bindparam("last"))
_REPLAYABLE = and_(
    _C.status.in_(("processed", "ignored", "failed", "dead")),
    _C.type == any_of("handled", Text),
    _C.livemode == bindparam("livemode"),
    _C.account.is_(None),
)


def _if_given(name: str, column: Column[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """`condition`, where the parameter `name` of the kind of `column` is not None."""
    return or_(bindparam(name, type_=column.type).is_(None), condition)


_MATCHING = Statement(
    select(_C.id)
    .where(
        *(
            _if_given(name, column, column == bindparam(name))
            for name, column in {"id": _C.id, "type": _C.type, "status": _C.status, "object_id": _C.object_id}.items()
        ),
        _if_given("since", _C.received_at, _C.received_at >= bindparam("since")),
        _if_given("until", _C.received_at, _C.received_at < bindparam("until")),
        _REPLAYABLE,
    )
    .order_by(_C.received_at, _C.id)
)
_MADE = Statement(select(_C.created_at).where(_C.id == bindparam("event")))
_MADE_OF_MANY = Statement(select(_C.id, _C.created_at).where(_C.id == any_of("events", Text)))
_LOCKED = (
    select(_C.id)
    .where(_C.id == any_of("events", Text), _BETWEEN, _REPLAYABLE)
    .order_by(_C.id)
    .with_for_update()
    .cte("locked")
)
"""Rows are locked in the order of their ids, as everywhere, so that two sets never wait for each other."""
_REPLAYED = (
    update(webhook_events)
    .values(status="received", attempts=0, last_error=None, next_attempt_at=func.now())
    .where(_C.id.in_(select(_LOCKED.c.id)), _BETWEEN)
    .returning(_C.id)
    .cte("replayed")
)
_NOTIFIED = select(func.pg_notify(CHANNEL, "")).select_from(_REPLAYED).limit(1).cte("notified")
_REQUEUE = Statement(select(_REPLAYED.c.id).where(select(func.count()).select_from(_NOTIFIED).scalar_subquery() >= 0))
_STATUSES = Statement(select(_C.status, func.count()).where(_C.id == any_of("events", Text)).group_by(_C.status))
_KNOWN = Statement(select(_C.id).where(_C.id == any_of("events", Text), _BETWEEN))
_IGNORED = Statement(
    select(_C.id).where(
        _C.received_at >= bindparam("since"),
        _C.received_at < bindparam("until"),
        _C.status == "ignored",
        or_(_C.attempts == 0, _C.last_error == UNKNOWN_TYPE),
        _C.type == any_of("handled", Text),
        _C.livemode == bindparam("livemode"),
        _C.account.is_(None),
    )
)
_FIRST_RECEIVED = Statement(select(func.min(_C.received_at)))
_DOCUMENT = one_statement(EVENT, "id", "created_at")


async def matching(connection: Connection, wanted: Query, handled: Collection[str], *, livemode: bool) -> list[str]:
    """The ids of replayable events matching `wanted`, in the order in which they were received."""
    return await _MATCHING.column(connection, **asdict(wanted), handled=list(handled), livemode=livemode)


async def requeue(
    connection: Connection, events: Collection[str], handled: Collection[str], *, livemode: bool
) -> dict[str, datetime]:
    """Queue `events` again. Returns those that were queued, with the times at which Stripe made them.

    The commit notifies the workers.
    """
    # first when they were made: changing rows is dear where it is not known in which partition they lie
    found = await _MADE_OF_MANY.fetch(connection, events=list(events))
    made = {row["id"]: row["created_at"] for row in found}
    return await _requeue(connection, made, handled, livemode=livemode)


async def requeue_one(connection: Connection, event: str, handled: Collection[str], *, livemode: bool) -> str | None:
    """Queue `event` again if it can be replayed. Returns its document; None if there is no such event.

    The event is first looked up by its id alone, with a statement that PostgreSQL plans only once: planning over sixty
    partitions takes longer than looking into each. With an array instead of the id it would plan each time.
    """
    made = await _MADE.value(connection, event=event)
    if made is None:
        return None
    await _requeue(connection, {event: made}, handled, livemode=livemode)
    document: str | None = await _DOCUMENT.value(connection, id=event, created_at=made)
    return document


async def _requeue(
    connection: Connection, made: Mapping[str, datetime], handled: Collection[str], *, livemode: bool
) -> dict[str, datetime]:
    if not made:
        return {}
    first, last = min(made.values()), max(made.values())
    found = await _REQUEUE.column(
        connection, events=list(made), first=first, last=last, handled=list(handled), livemode=livemode
    )
    return {event: made[event] for event in found}


async def statuses(connection: Connection, events: Sequence[str]) -> dict[str, int]:
    """The number of `events` in each status."""
    return {row[0]: row[1] for row in await _STATUSES.fetch(connection, events=list(events))}


async def unknown(connection: Connection, events: Mapping[str, datetime]) -> set[str]:
    """Those of `events`, mapped to when Stripe made them, that were never received."""
    first, last = min(events.values()), max(events.values())
    return events.keys() - set(await _KNOWN.column(connection, events=list(events), first=first, last=last))


async def ignored(
    connection: Connection, since: datetime, until: datetime, handled: Collection[str], *, livemode: bool
) -> list[str]:
    """The ids of events of `handled` types received in that time, which were ignored as unknown."""
    return await _IGNORED.column(connection, since=since, until=until, handled=list(handled), livemode=livemode)


async def first_received(connection: Connection) -> datetime | None:
    """When the oldest event was received; None if the inbox is empty."""
    found: datetime | None = await _FIRST_RECEIVED.value(connection)
    return found
