"""The state of the queues, for metrics: inbox, operations, deliveries, actions, coverage.

It reads only unfinished rows, through partial indexes, and stops counting at MOST, so its cost does not grow with the
tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
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
_FAILING = _count(webhook_endpoints, _W.status == "enabled", _W.deleted_at.is_(None), _W.failing_since.is_not(None))
_EVENTS_DEAD = select(_E.id).where(_E.status == "dead").limit(DEAD).subquery()
_C, _R = coverage.c, refunds.c
_ANSWERABLE = (disputes.c.status.in_(sorted(TO_ANSWER)), disputes.c.deleted_at.is_(None))
_DUE_SOON = disputes.c.evidence_due_at < func.now() + timedelta(days=DUE_SOON_DAYS)
_FAILED_LATELY = (_R.status == "failed", _R.updated_at > func.now() - timedelta(days=FAILED_LATELY_DAYS))
_STUCK = select(invoices.c.stuck_since).where(STUCK).order_by(invoices.c.stuck_since).limit(MOST).subquery("stuck")


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric: what is said about it, and where its value is. With a `label`, its values are a JSON object by label."""

    said: str
    value: ColumnElement[Any]
    label: str | None = None
    kind: type[GaugeMetricFamily | CounterMetricFamily] = GaugeMetricFamily

    def metric(self, name: str, found: Any) -> Metric:
        if self.label is None:
            return self.kind(f"invoicing_{name}", self.said, value=found)
        metric = self.kind(f"invoicing_{name}", self.said, labels=[self.label])
        for labeled, count in msgspec.json.decode(found).items():
            metric.add_metric([labeled], count)
        return metric


def _by_label(**counts: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON object of `counts`, as a gauge with a label has it."""
    return func.json_build_object(*chain.from_iterable(counts.items()))


def _since(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(extract("epoch", func.now() - moment), Float)


def _total(said: str, counted: ColumnElement[Any]) -> Gauge:
    return Gauge(said, counted, kind=CounterMetricFamily)


_QUEUES = {
    "inbox_events": Gauge(
        "Events that are not at their end.",
        _by_label(
            received=_count(_WAITING, _WAITING.c.status == "received"),
            processing=_count(_WAITING, _WAITING.c.status == "processing"),
            failed=_count(_WAITING, _WAITING.c.status == "failed"),
            dead=_count(_EVENTS_DEAD),
        ),
        label="status",
    ),
    "inbox_lag_seconds": Gauge("How late the most overdue event is: what to scale workers on.", _lag_s(_WAITING)),
    "inbox_oldest_seconds": Gauge(
        "Since when the oldest unfinished event is here.", _age_s(_WAITING, _WAITING.c.received_at)
    ),
    "inbox_most_attempts": Gauge(
        "How often the most unlucky waiting event was tried.",
        _of(_WAITING, func.coalesce(func.max(_WAITING.c.attempts), 0)),
    ),
    "operations_unanswered": Gauge("Writes that are under way or left behind.", _count(_UNANSWERED)),
    "operations_oldest_seconds": Gauge("How old the oldest of them is.", _age_s(_UNANSWERED, _UNANSWERED.c.created_at)),
    "feed_held_seconds": Gauge("For how long an event waits for a transaction to end.", HELD_S),
    "push_waiting": Gauge("Webhooks that wait for their delivery.", _count(_OUTGOING)),
    "push_lag_seconds": Gauge("How late the most overdue of them is.", _lag_s(_OUTGOING)),
    "push_endpoints_failing": Gauge("Enabled endpoints that do nothing but fail.", _FAILING),
    "fulfillment_actions_waiting": Gauge("Fulfillment actions that are not at their end.", _count(_ACTIONS)),
    "fulfillment_actions_lag_seconds": Gauge("How late the most overdue of them is.", _lag_s(_ACTIONS)),
    "push_dead": Gauge("Webhooks that were given up and not asked for again.", _count(_DEAD_DELIVERIES.subquery())),
    "fulfillment_actions_dead": Gauge(
        "Actions that were given up and not tried again.",
        select(func.coalesce(_COUNTED, literal_column("'{}'"))).scalar_subquery(),
        label="action",
    ),
}
_BALANCE = {
    "balance_differences": Gauge(
        "Amounts that differ from Stripe's balance, as it was compared last.",
        func.coalesce(func.sum(func.jsonb_array_length(balance_days.c.differences)), 0),
    )
}
_WAITING_FOR_PEOPLE = {
    "stuck_invoices": Gauge("Invoices about which a person must do something.", func.count(_STUCK.c.stuck_since)),
    "stuck_oldest_seconds": Gauge(
        "How old the oldest money among them is.", cast(_seconds(func.now() - func.min(_STUCK.c.stuck_since)), Float)
    ),
}
_RETURNS = {
    "disputes_to_answer": Gauge("Disputes that wait for evidence.", _count(disputes, *_ANSWERABLE)),
    "disputes_due_soon": Gauge(
        "Those whose evidence is due within three days.", _count(disputes, *_ANSWERABLE, _DUE_SOON)
    ),
    "refunds_failed": Gauge("Refunds that failed in the last seven days.", _count(refunds, *_FAILED_LATELY)),
}
_COVERAGE = {
    "coverage_age_seconds": Gauge("Up to how long ago no event can be missing.", _since(_C.complete_until)),
    "coverage_updated_seconds": Gauge("When the reconciler last wrote how far it got.", _since(_C.updated_at)),
    "coverage_compared": _total("Events compared with the inbox.", _C.compared),
    "coverage_missed": _total("Events that had never arrived.", _C.missed),
    "coverage_repaired": _total("Objects that had drifted from Stripe's.", _C.repaired),
}
GAUGES = _QUEUES | _BALANCE | _WAITING_FOR_PEOPLE | _RETURNS | _COVERAGE


def _columns(gauges: dict[str, Gauge]) -> Select[Any]:
    return select(*((cast(it.value, Text) if it.label else it.value).label(name) for name, it in gauges.items()))


_STANDING = Statement(_columns(_QUEUES))
_STATEMENTS = (
    _STANDING,
    *(Statement(_columns(gauges)) for gauges in (_BALANCE, _WAITING_FOR_PEOPLE, _RETURNS)),
    Statement(_columns(_COVERAGE).where(_C.name == "events")),
)


async def standing(connection: Connection) -> list[Metric]:
    """The state of the queues. The metrics of coverage are left out until the reconciler has run."""
    found = {
        name: value
        for statement in _STATEMENTS
        for row in await statement.fetch(connection)
        for name, value in row.items()
    }
    return [GAUGES[name].metric(name, value) for name, value in found.items()]
