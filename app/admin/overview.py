"""The figures of the dashboard. Each reads a bounded number of rows, however large the tables are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, Interval, ScalarSelect, bindparam, cast, extract, func, select

from app.db.engine import Connection
from app.db.resources import STUCK
from app.db.schema import fulfillments, invoices, operations, webhook_events
from app.db.statement import Statement

MOST_ROWS = 100_000
"""The most rows that a count or a chart reads; the newest ones."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One step of a chart: its start, and the values by name. A name without a value is missing."""

    at: datetime
    values: dict[str, float]


_E, _O, _I, _F = webhook_events.c, operations.c, invoices.c, fulfillments.c


def _count(key: ColumnElement[Any], condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.count()).select_from(select(key).where(condition).limit(MOST_ROWS).subquery()).scalar_subquery()


_STANDING = Statement(
    select(
        _count(_E.id, _E.status == "received").label("received"),
        _count(_E.id, _E.status == "processing").label("processing"),
        _count(_E.id, _E.status == "failed").label("failed"),
        _count(_E.id, _E.status == "dead").label("dead"),
        _count(_O.id, _O.answered_at.is_(None)).label("in_flight"),
        _count(_I.id, _I.status == "open").label("open_invoices"),
        _count(_F.id, _F.status == "awaiting_payment").label("awaiting_payment"),
        _count(_I.id, STUCK).label("stuck"),
    )
)

_STEP = bindparam("step", type_=Interval)
_LAST = func.date_bin(_STEP, func.now(), "epoch")
_FROM = _LAST - bindparam("span", type_=Interval) + _STEP
_AT = select(func.generate_series(_FROM, _LAST, _STEP).label("at")).cte("buckets")

_BEGUN = (
    select(func.date_bin(_STEP, _F.created_at, "epoch").label("at"), _F.status)
    .where(_F.created_at >= _FROM)
    .order_by(_F.created_at.desc())
    .limit(MOST_ROWS)
    .cte("newest")
)
_PAYMENTS = Statement(
    select(
        _AT.c.at,
        func.count(_BEGUN.c.status).filter(_BEGUN.c.status == "fulfilled").label("paid"),
        func.count(_BEGUN.c.status).filter(_BEGUN.c.status == "payment_failed").label("failed"),
        func.count(_BEGUN.c.status).filter(_BEGUN.c.status.in_(("awaiting_payment", "processing"))).label("pending"),
    )
    .select_from(_AT.outerjoin(_BEGUN, _BEGUN.c.at == _AT.c.at))
    .group_by(_AT.c.at)
    .order_by(_AT.c.at)
)
_RECEIVED = (
    select(
        func.date_bin(_STEP, _E.received_at, "epoch").label("at"),
        cast(extract("epoch", func.coalesce(_E.processed_at, func.now()) - _E.received_at), Float).label("took"),
    )
    .where(_E.received_at >= _FROM, _E.status != "ignored")
    .order_by(_E.received_at.desc())
    .limit(MOST_ROWS)
    .cte("newest")
)
_LAG = Statement(
    select(
        _AT.c.at,
        func.percentile_disc(0.5).within_group(_RECEIVED.c.took).label("half"),
        func.max(_RECEIVED.c.took).label("slowest"),
    )
    .select_from(_AT.outerjoin(_RECEIVED, _RECEIVED.c.at == _AT.c.at))
    .group_by(_AT.c.at)
    .order_by(_AT.c.at)
)


async def standing(connection: Connection) -> dict[str, int]:
    """How much waits now, by what it waits for. Counts stop at `MOST_ROWS`."""
    [row] = await _STANDING.fetch(connection)
    return dict(row)


async def payments(connection: Connection, step: timedelta, span: timedelta) -> list[Bucket]:
    """For each `step` of the last `span`: how many of the fulfillments begun in it are paid, failed, pending."""
    return await _PAYMENTS.rows(connection, _bucket, step=step, span=span)


async def lag(connection: Connection, step: timedelta, span: timedelta) -> list[Bucket]:
    """For each `step` of the last `span`: the seconds events took until they were applied, median and longest."""
    return await _LAG.rows(connection, _bucket, step=step, span=span)


def _bucket(*, at: datetime, **values: float | None) -> Bucket:
    return Bucket(at, {name: float(value) for name, value in values.items() if value is not None})
