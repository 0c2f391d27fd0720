"""The SQL statements that find what may have drifted: unfinished invoices, lagging fulfillments, unknown customers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Interval, Text, bindparam, exists, func, literal, select, union, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.engine import Connection
from app.db.schema import customers, disputes, fulfillments, invoices, payment_methods, refunds, tombstones
from app.db.schema.fulfillments import EFFECTIVE_STATUS
from app.db.statement import Statement
from app.domain.dispute import CLOSED
from app.domain.fulfillment import BEGUN, FulfillmentStatus

_I, _F = invoices.c, fulfillments.c
_THERE = _I.deleted_at.is_(None)
_SETTLED = _I.updated_at < func.now() - bindparam("settled", type_=Interval)
_YOUNG = _I.created_at > func.now() - bindparam("young", type_=Interval)

_SEEN = select(func.unnest(bindparam("except_for", type_=ARRAY(Text))))
"""Looked up in a hash: with an array, a plan that fits any argument compares each row with each of its elements."""

_UNFINISHED = Statement(
    select(_I.id).where(_I.status.in_(("draft", "open", "uncollectible")), _THERE, _SETTLED, _I.id.not_in(_SEEN))
)
_FOLLOWING = select(_I.id).join_from(fulfillments, invoices, _I.id == _F.invoice).where(_THERE, _SETTLED)
_OWED = sorted(set(FulfillmentStatus) - BEGUN - {FulfillmentStatus.CANCELED})
_LAGGING = Statement(
    union(  # by the index of each status: most fulfillments are of paid invoices, and fulfilled
        _FOLLOWING.where(EFFECTIVE_STATUS.in_(_OWED), _I.status == "paid"),
        _FOLLOWING.where(_I.status == "void", EFFECTIVE_STATUS.not_in(("canceled", "reversed"))),
        _FOLLOWING.where(_I.status == "uncollectible", EFFECTIVE_STATUS.not_in(("written_off", "reversed"))),
        select(_I.id).where(_YOUNG, _I.status != "draft", _THERE, _SETTLED, ~exists().where(_F.invoice == _I.id)),
    )
)
_ORPHANS = Statement(
    select(_I.customer)
    .distinct()
    .where(
        _YOUNG,
        _I.customer.is_not(None),
        _THERE,
        ~exists().where(customers.c.id == _I.customer),
        ~exists().where(tombstones.c.id == _I.customer),
    )
)

_NEWEST_FINALIZED = Statement(
    select(_I.id)
    .where(_I.status != "draft", _THERE, _I.livemode == bindparam("livemode"))
    .order_by(_I.created_at.desc(), _I.id.desc())
    .limit(bindparam("most"))
)

_CHANGING = (
    ("refund", refunds, refunds.c.status.in_(("pending", "requires_action"))),
    ("dispute", disputes, disputes.c.status.not_in(sorted(CLOSED))),
)
_UNFINISHED_RETURNS = Statement(
    union_all(
        *(
            select(literal(kind).label("kind"), table.c.id, table.c.invoice).where(
                changing,
                table.c.updated_at < func.now() - bindparam("settled", type_=Interval),
                table.c.id.not_in(_SEEN),
            )
            for kind, table, changing in _CHANGING
        )
    )
)

_M = payment_methods.c
_OTHER_METHODS = Statement(
    select(_M.id).where(
        _M.deleted_at.is_(None),
        _M.created_at >= bindparam("since"),
        _M.updated_at < func.now() - bindparam("settled", type_=Interval),
        _M.id.not_in(_SEEN),
    )
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A refund or dispute that can still change, and its invoice."""

    kind: str
    id: str
    invoice: str


async def other_methods(
    connection: Connection, since: datetime, except_for: Collection[str], settled: timedelta
) -> list[str]:
    """Payment methods made since then, without `except_for` and without what changed within `settled`."""
    return await _OTHER_METHODS.column(connection, since=since, except_for=list(except_for), settled=settled)


async def unfinished_returns(
    connection: Connection, except_for: Collection[str], settled: timedelta
) -> list[Unfinished]:
    """Refunds and disputes that can still change, without `except_for` and without what changed within `settled`."""
    return await _UNFINISHED_RETURNS.rows(connection, Unfinished, except_for=list(except_for), settled=settled)


async def unfinished(connection: Connection, except_for: Collection[str], settled: timedelta) -> list[str]:
    """Invoices that can still change, without `except_for` and without those that changed within `settled`."""
    return await _UNFINISHED.column(connection, except_for=list(except_for), settled=settled)


async def lagging(connection: Connection, settled: timedelta, young: timedelta) -> list[str]:
    """Invoices whose fulfillment has not followed. One without a fulfillment counts if it is younger than `young`."""
    return await _LAGGING.column(connection, settled=settled, young=young)


async def orphans(connection: Connection, young: timedelta) -> list[str]:
    """Unknown customers of invoices younger than `young`."""
    return await _ORPHANS.column(connection, young=young)


async def newest_finalized(connection: Connection, *, livemode: bool, most: int) -> list[str]:
    """The newest invoices that Stripe must know: it deletes nothing but drafts, and in test mode what a test clock held."""
    return await _NEWEST_FINALIZED.column(connection, livemode=livemode, most=most)
