"""The state of the queues, for metrics: inbox, operations, deliveries, actions, coverage.

It reads only unfinished rows, through partial indexes, and stops counting at MOST, so its cost does not grow with the
tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    FromClause,
    ScalarSelect,
    Select,
    SelectBase,
    Text,
    cast,
    column,
    extract,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from app.db.engine import Connection
from app.db.resources import STUCK
from app.db.schema import (
    balance_days,
    configured_actions,
    coverage,
    deliveries,
    disputes,
    fulfillment_actions,
    invoices,
    operations,
    refunds,
    webhook_endpoints,
    webhook_events,
)
from app.db.statement import Statement
from app.domain.dispute import TO_ANSWER
from app.events.feed_statements import HELD_S

MOST = 100_000
"""Counts stop here."""
DEAD = 10_000
DUE_SOON_DAYS = 3
FAILED_LATELY_DAYS = 7

_E, _O, _W, _D, _A = webhook_events.c, operations.c, webhook_endpoints.c, deliveries.c, fulfillment_actions.c
_ACTION = configured_actions.c.action


def _seconds(interval: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(extract("epoch", interval), 0)


def _of(rows: CTE, value: ColumnElement[Any]) -> ScalarSelect[Any]:
    return select(value).select_from(rows).scalar_subquery()


def _count(rows: FromClause, *conditions: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.count()).select_from(rows).where(*conditions).scalar_subquery()


def _lag_s(rows: CTE) -> ColumnElement[Any]:
    """The seconds by which the most overdue of `rows` is late."""
    return cast(_of(rows, func.greatest(0, _seconds(func.now() - func.min(rows.c.next_attempt_at)))), Float)


def _age_s(rows: CTE, since: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(_of(rows, _seconds(func.now() - func.min(since))), Float)


def _events(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_E.status, _E.received_at, _E.attempts, _E.next_attempt_at)
        .where(*conditions)
        .order_by(_E.next_attempt_at)
        .limit(MOST)
    )


def _deliveries(*conditions: ColumnElement[bool], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    due = select(_D.next_attempt_at).where(
        _D.endpoint == _W.id, _D.status.in_(("pending", "delivering", "failed")), *conditions
    )
    return due.order_by(*order).limit(MOST).correlate(webhook_endpoints)


def _actions(*conditions: ColumnElement[bool]) -> Select[Any]:
    due = select(_A.next_attempt_at).where(_A.action == _ACTION, *conditions)
    return due.order_by(_A.next_attempt_at).limit(MOST).correlate(configured_actions)


def _materialized(rows: SelectBase, name: str) -> CTE:
    return rows.cte(name).prefix_with("MATERIALIZED")


_WAITING = _materialized(
    union_all(_events(_E.status.in_(("received", "failed"))), _events(_E.status == "processing")), "waiting"
)
_UNANSWERED = _materialized(
    select(_O.created_at).where(_O.answered_at.is_(None)).order_by(_O.locked_until).limit(MOST), "unanswered"
)
_DUE = union_all(
    _deliveries(~_D.in_order, order=[_D.next_attempt_at]), _deliveries(_D.in_order, order=[_D.position, _D.change])
).lateral("due")
_OUTGOING = _materialized(
    select(_DUE.c.next_attempt_at)
    .select_from(webhook_endpoints.join(_DUE, true()))
    .where(_W.status == "enabled", _W.deleted_at.is_(None)),
    "outgoing",
)
_TO_DO = union_all(_actions(_A.status.in_(("pending", "failed"))), _actions(_A.status == "running")).lateral("due")
_ACTIONS = _materialized(
    select(_TO_DO.c.next_attempt_at).select_from(configured_actions.join(_TO_DO, true())), "actions"
)
_DEAD_ACTIONS = _materialized(select(_A.action).where(_A.status == "dead").limit(DEAD), "dead_actions")
_DEAD_DELIVERIES = (
    select(_D.id)
    .join(webhook_endpoints, _W.id == _D.endpoint)
    .where(_D.status == "dead", _W.deleted_at.is_(None))
    .limit(DEAD)
)
_COUNTED = func.json_object_agg(
    _ACTION, _count(_DEAD_ACTIONS, _DEAD_ACTIONS.c.action == _ACTION).correlate(configured_actions)
)

_STANDING = Statement(
    select(
        _count(_WAITING, _WAITING.c.status == "received").label("received"),
        _count(_WAITING, _WAITING.c.status == "processing").label("processing"),
        _count(_WAITING, _WAITING.c.status == "failed").label("failed"),
        _count(select(_E.id).where(_E.status == "dead").limit(DEAD).subquery()).label("dead"),
        _of(_WAITING, func.coalesce(func.max(_WAITING.c.attempts), 0)).label("most_attempts"),
        _lag_s(_WAITING).label("lag_s"),
        _age_s(_WAITING, _WAITING.c.received_at).label("oldest_s"),
        _count(_UNANSWERED).label("unanswered"),
        _age_s(_UNANSWERED, _UNANSWERED.c.created_at).label("unanswered_oldest_s"),
        _count(_OUTGOING).label("outgoing"),
        _lag_s(_OUTGOING).label("outgoing_lag_s"),
        _count(webhook_endpoints, _W.status == "enabled", _W.deleted_at.is_(None), _W.failing_since.is_not(None)).label(
            "endpoints_failing"
        ),
        _count(_ACTIONS).label("actions"),
        _lag_s(_ACTIONS).label("actions_lag_s"),
        _count(_DEAD_DELIVERIES.subquery()).label("outgoing_dead"),
        cast(select(func.coalesce(_COUNTED, literal_column("'{}'"))).scalar_subquery(), Text).label("actions_dead"),
        HELD_S.label("feed_held_s"),
    )
)

_C = coverage.c
_COVERAGE = Statement(
    select(
        cast(extract("epoch", func.now() - _C.complete_until), Float).label("age_s"),
        cast(extract("epoch", func.now() - _C.updated_at), Float).label("updated_s"),
        _C.compared,
        _C.missed,
        _C.repaired,
    ).where(_C.name == "events")
)
_ANSWERABLE = (disputes.c.status.in_(sorted(TO_ANSWER)), disputes.c.deleted_at.is_(None))
_DUE_SOON = disputes.c.evidence_due_at < func.now() + timedelta(days=DUE_SOON_DAYS)
_FAILED = _count(
    refunds, refunds.c.status == "failed", refunds.c.updated_at > func.now() - timedelta(days=FAILED_LATELY_DAYS)
)
_RETURNS = Statement(
    select(
        _count(disputes, *_ANSWERABLE).label("disputes_to_answer"),
        _count(disputes, *_ANSWERABLE, _DUE_SOON).label("evidence_due_soon"),
        _FAILED.label("refunds_failed"),
    )
)
_STUCK = Statement(
    select(
        func.count().label("invoices"),
        cast(func.coalesce(extract("epoch", func.now() - func.min(column("stuck_since"))), 0), Float).label("oldest_s"),
    ).select_from(
        select(invoices.c.stuck_since).where(STUCK).order_by(invoices.c.stuck_since).limit(MOST).subquery("stuck")
    )
)
_DIFFERENCES = Statement(select(func.coalesce(func.sum(func.jsonb_array_length(balance_days.c.differences)), 0)))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far Stripe's events were compared with the inbox, and the totals of what was found."""

    age_s: float
    updated_s: float
    compared: int
    missed: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Returns:
    """Disputes that wait for evidence, those of them that are due soon, and refunds that failed lately."""

    disputes_to_answer: int
    evidence_due_soon: int
    refunds_failed: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many invoices wait for a person, and how old the oldest money among them is."""

    invoices: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the queues.

    `lag_s`: how late the most overdue event is. `oldest_s`: the age of the oldest unfinished one.

    `balance_differences`: how many amounts were found to differ from Stripe's balance. `outgoing_dead` leaves out deleted
    endpoints. `actions_dead` is by action name, for the configured actions.
    """

    received: int
    processing: int
    failed: int
    dead: int
    most_attempts: int
    lag_s: float
    oldest_s: float
    unanswered: int
    unanswered_oldest_s: float
    outgoing: int
    outgoing_lag_s: float
    endpoints_failing: int
    actions: int
    actions_lag_s: float
    outgoing_dead: int
    actions_dead: dict[str, int]
    feed_held_s: float
    coverage: Coverage | None
    balance_differences: int
    returns: Returns
    stuck: Stuck


async def standing(connection: Connection) -> Standing:
    [row] = await _STANDING.fetch(connection)
    found = dict(row) | {"actions_dead": msgspec.json.decode(row["actions_dead"])}
    returns, stuck = await _RETURNS.row(connection, Returns), await _STUCK.row(connection, Stuck)
    assert returns is not None and stuck is not None  # noqa: S101, PT018 -- statements of counts answer a row
    return Standing(
        **found,
        returns=returns,
        stuck=stuck,
        coverage=await _COVERAGE.row(connection, Coverage),
        balance_differences=await _DIFFERENCES.value(connection),
    )
