"""Reads the feed in an order to which nothing is ever added behind a reader.

A change's position is a base plus the id of the transaction that wrote it. A reader sees only changes of transactions
below the oldest one still running, so whatever is committed later is ordered after them. Nothing is locked and no
sequence is shared: a slow transaction delays readers, but they miss nothing.

A reader's place is always that of an event. Transactions that leave nothing behind use up ids, too, but PostgreSQL may
give those again after a crash.

Transaction ids start over in a new cluster. Then the base is raised, with a gap, so that positions only grow. After a
failover, ids continue below what readers have seen, so each timeline of PostgreSQL has its own gap (BASE).
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Interval,
    Select,
    Text,
    all_,
    bindparam,
    cast,
    delete,
    exists,
    extract,
    false,
    func,
    select,
    true,
    tuple_,
    union_all,
    update,
)

from app.db.engine import Connection
from app.db.schema import changes, deliveries, feed, invoices, webhook_endpoints
from app.db.schema.outgoing import EITHER
from app.db.statement import Statement, any_of
from app.domain.events import START, Cursor, FeedEvent
from app.projection.change_statements import BASE, TIMELINE

EXAMINED = 5000
"""The most events that one statement examines when few of them may match."""

GAP = 2**32
"""How far positions jump in a new cluster: more than the transactions between a backup and its restore."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter of events by types, invoice and customer; None matches all."""

    types: frozenset[str] | None = None
    invoice: str | None = None
    customer: str | None = None

    def includes(self, event: FeedEvent) -> bool:
        return (
            (self.types is None or event.type in self.types)
            and (self.invoice is None or event.invoice == self.invoice)
            and (self.customer is None or event.customer == self.customer)
        )

    def given(self) -> dict[str, object]:
        """What is asked for, by name."""
        conditions = {"types": self.types and sorted(self.types), "invoice": self.invoice, "customer": self.customer}
        return {name: value for name, value in conditions.items() if value is not None}


EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class Read:
    """Some events in order. Nothing else matches up to `upto`, where the next read begins.

    `end` is how far the feed could be read, `gone` how far it was deleted. With `more`, the next read finds more at
    once. With `held`, a running transaction holds back events that are written already.
    """

    events: list[FeedEvent]
    upto: Cursor
    end: Cursor
    gone: Cursor
    more: bool
    held: bool


_C, _F, _D, _E = changes.c, feed.c, deliveries.c, webhook_endpoints.c


def _transaction(bound: ColumnElement[Any]) -> ColumnElement[Any]:
    """The position of the transaction that `bound` of the statement's own snapshot names."""
    return BASE + cast(cast(bound, Text), BigInteger)


_END = _transaction(func.pg_snapshot_xmin(func.pg_current_snapshot()))
"""The first position that is not settled. It uses the statement's own snapshot, so both always agree."""

_AFTER = tuple_(_C.position, _C.id) > tuple_(bindparam("position", type_=BigInteger), bindparam("id", type_=BigInteger))


def _last(below: ColumnElement[int]) -> Select[tuple[int, int]]:
    """The last event before the position `below`."""
    return select(_C.position, _C.id).where(_C.position < below).order_by(_C.position.desc(), _C.id.desc()).limit(1)


@cache
def _read(*, types: bool, invoice: bool, customer: bool) -> Statement:
    """What reads events by these conditions. It always answers a row, for where the reading ended."""
    settled = select(_END.label("below"), _F.gone_position, _F.gone_change).cte("settled").prefix_with("MATERIALIZED")
    last = _last(settled.c.below).lateral("last")
    end = [func.coalesce(last.c.position, settled.c.gone_position), func.coalesce(last.c.id, settled.c.gone_change)]
    upto = settled.outerjoin(last, true())
    partly: ColumnElement[bool] = false()
    if types and not invoice and not customer:
        # A reader of a rare type goes through the others in steps; an invoice's or a customer's have an index.
        step = (
            select(_C.position, _C.id)
            .where(_AFTER, _C.position < settled.c.below)
            .order_by(_C.position, _C.id)
            .offset(EXAMINED - 1)
            .limit(1)
            .lateral("step")
        )
        end = [func.coalesce(step.c.position, end[0]), func.coalesce(step.c.id, end[1])]
        upto, partly = upto.outerjoin(step, true()), step.c.id.is_not(None)
    read = (
        select(end[0].label("position"), end[1].label("id"), partly.label("partly"), *settled.c)
        .select_from(upto)
        .cte("upto")
    )
    conditions = [_AFTER, tuple_(_C.position, _C.id) <= tuple_(read.c.position, read.c.id)]
    if types:
        conditions.append(_C.type == any_of("types", Text))
    if invoice:
        conditions.append(_C.invoice == bindparam("invoice"))
    if customer:
        conditions.append(_C.invoice.in_(select(invoices.c.id).where(invoices.c.customer == bindparam("customer"))))
    found = (
        select(_C.position, _C.id, _C.event, _C.type, _C.schema_version, _C.at, _C.invoice, _C.customer, _C.data)
        .where(*conditions)
        .order_by(_C.position, _C.id)
        .limit(bindparam("limit", type_=BigInteger))
        .lateral("found")
    )
    return Statement(
        select(
            read.c.position.label("upto_position"),
            read.c.id.label("upto_id"),
            read.c.partly,
            read.c.below,
            read.c.gone_position,
            read.c.gone_change,
            func.coalesce(select(func.max(_C.position)).scalar_subquery() >= read.c.below, false()).label("held"),
            *found.c,
        )
        .select_from(read.outerjoin(found, true()))
        .order_by(found.c.position, found.c.id)
    )


HELD_S = cast(
    func.coalesce(
        extract(
            "epoch",
            func.now()
            - select(_C.at).where(_C.position >= _END).order_by(_C.position, _C.id).limit(1).scalar_subquery(),
        ),
        0,
    ),
    Float,
)
"""Seconds for which the first event that readers cannot see yet has existed; 0 if there is none."""

_HELD = Statement(select(HELD_S))
_LAST = Statement(_last(_END))
_BELOW = Statement(select(_END))
_HOLD = Statement(select(_F.id).with_for_update(key_share=True))
"""Locks the feed's row against others that delete from it, raise its base, or rely on what it keeps."""
_GONE_UPTO = select(_F.gone_position.label("position"), _F.gone_change.label("id"))
_HOLD_GONE = Statement(_GONE_UPTO.with_for_update(read=True))
_GONE = Statement(_GONE_UPTO)

_FIRST = (
    select(_C.position, _C.id, _C.at)
    .where(_C.position < _END)
    .order_by(_C.position, _C.id)
    .limit(bindparam("limit", type_=BigInteger))
    .cte("first")
    .prefix_with("MATERIALIZED")
)
_NEEDED = union_all(
    select(_FIRST.c.position, _FIRST.c.id).where(_FIRST.c.at >= func.now() - bindparam("retention", type_=Interval)),
    select(_D.position, _D.change)
    .join(webhook_endpoints, _E.id == _D.endpoint)
    .where(
        _D.status.in_(("pending", "delivering", "failed")),
        EITHER,
        _D.change.is_not(None),
        _E.status == "enabled",
        _E.deleted_at.is_(None),
    )
    .order_by(_D.position, _D.change)
    .limit(1),
).cte("needed")
_OLD = (
    select(_FIRST.c.position, _FIRST.c.id)
    .where(
        tuple_(_FIRST.c.position, _FIRST.c.id) < all_(select(_NEEDED.c.position, _NEEDED.c.id).scalar_subquery()),
        tuple_(_FIRST.c.position, _FIRST.c.id)
        <= all_(
            select(_E.position, _E.change).where(_E.status == "enabled", _E.deleted_at.is_(None)).scalar_subquery()
        ),
    )
    .cte("old")
    .prefix_with("MATERIALIZED")
)
_NEWEST_OLD = select(_OLD.c.position, _OLD.c.id).order_by(_OLD.c.position.desc(), _OLD.c.id.desc()).limit(1)
_FORGET = Statement(
    select(func.count())
    .select_from(_OLD)
    .add_cte(
        delete(changes).where(_C.id.in_(select(_OLD.c.id))).cte("forgotten"),
        update(feed)
        .values(
            gone_position=_NEWEST_OLD.with_only_columns(_OLD.c.position).scalar_subquery(),
            gone_change=_NEWEST_OLD.with_only_columns(_OLD.c.id).scalar_subquery(),
        )
        .where(exists(select(_OLD.c.id)))
        .cte("noted"),
    )
)

_STORED = func.coalesce(select(func.max(_C.position)).scalar_subquery(), 0)
_STALE = Statement(select(_transaction(func.pg_snapshot_xmax(func.pg_current_snapshot())) <= _STORED))
"""Whether something is stored that no transaction of this cluster before xmax, the next one, can have written."""
_REBASE = Statement(
    update(feed).values(
        timeline=TIMELINE,
        base=_STORED
        + bindparam("gap", type_=BigInteger)
        - cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger),
    )
)


async def read(connection: Connection, after: Cursor, wanted: Query = EVERYTHING, *, limit: int) -> Read:
    """The first `limit` events after `after` that match `wanted`."""
    given = wanted.given()
    statement = _read(types="types" in given, invoice="invoice" in given, customer="customer" in given)
    rows = await statement.fetch(connection, position=after.position, id=after.id, limit=limit + 1, **given)
    first = rows[0]
    events = [FeedEvent.of(row["id"], row) for row in rows if row["id"] is not None]
    end, gone = Cursor.before(first["below"]), Cursor(first["gone_position"], first["gone_change"])
    if len(events) > limit:
        return Read(events[:limit], events[limit - 1].cursor, end, gone, more=True, held=first["held"])
    # Where nothing is settled beyond `after` yet, the reader stays where it is.
    upto = max(after, Cursor(first["upto_position"], first["upto_id"]))
    return Read(events, upto, end, gone, more=first["partly"], held=first["held"])


async def last_position(connection: Connection) -> Cursor:
    """The last event's place: a reader that starts here gets the events from now on."""
    return max(START, await _LAST.row(connection, Cursor) or await gone(connection))


async def end(connection: Connection) -> Cursor:
    """The feed's end, beyond which no reader can have been."""
    return Cursor.before(await _BELOW.value(connection))


async def held_s(connection: Connection) -> float:
    """HELD_S now."""
    found: float = await _HELD.value(connection)
    return found


async def gone(connection: Connection) -> Cursor:
    """The place up to which events were deleted."""
    return await _GONE.row(connection, Cursor) or START


async def hold_gone(connection: Connection) -> Cursor:
    """The place up to which events were deleted, locked until the transaction ends."""
    return await _HOLD_GONE.row(connection, Cursor) or START


async def forget(connection: Connection, retention: timedelta, limit: int) -> int:
    """Delete up to `limit` of the oldest events, if older than `retention`. Returns how many.

    It stops at the first younger event, and at one that an enabled endpoint still has to get.
    """
    async with connection.transaction():
        await _HOLD.fetch(connection)  # before the statement's snapshot: whoever enables an endpoint is waited for
        found: int = await _FORGET.value(connection, retention=retention, limit=limit)
        return found


async def rebase(connection: Connection, *, restored: bool = False) -> bool:
    """Make sure that new changes come after all stored ones. Returns whether the base was raised.

    That is needed after a restore into a cluster with lower transaction ids. With higher ids the database does not show
    how far readers got before the loss, so pass `restored`. Call this outside a transaction.
    """
    if not restored and not await _STALE.value(connection):
        return False
    async with connection.transaction():
        await _HOLD.fetch(connection)  # first, as whoever deletes does
        # Nobody may be writing under the old base while it changes; readers go on.
        await connection.execute("LOCK TABLE changes IN EXCLUSIVE MODE")
        if not restored and not await _STALE.value(connection):
            return False
        await _REBASE.execute(connection, gap=GAP)
    return True
