"""Reports on what is owed and what was paid: by age, by month, and how long payers take.

The statements read three indexes that hold all they need. They visit the rows of few invoices: of those that were paid outside of
Stripe or in part, and of those whose payments 0.1.0 recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Float,
    and_,
    bindparam,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from app.db.engine import Connection
from app.db.schema import invoice_payments, invoices, refunds
from app.db.schema.metadata import TIME
from app.db.statement import Statement
from app.domain.invoice import InvoiceStatus
from app.domain.refund import NEVER_HAPPENED
from app.reports.statements import WITHOUT_MONEY, of_an_invoice

MONTHS = 12
"""How many months the reports go back, with the one that runs."""
AGES = ("current", "1 to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days")
"""How long past its due date an invoice is. One without a due date is current."""
PAID = InvoiceStatus.PAID.value
LIMITS = (0, 30, 60, 90)
"""The ages' limits, in days past due."""


@dataclass(frozen=True, slots=True)
class Aging:
    """What is left to pay of open invoices in one currency, in its minor unit, and how many they are, for each of AGES."""

    currency: str
    amounts: Sequence[int]
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Collected:
    """What was paid and refunded in one month (UTC) and currency, in its minor unit."""

    month: date
    currency: str
    paid: int
    refunded: int

    @property
    def net(self) -> int:
        """What was paid, less what was refunded."""
        return self.paid - self.refunded


@dataclass(frozen=True, slots=True)
class DaysToPay:
    """The days from finalizing to payment, of the invoices that were paid in one month (UTC)."""

    month: date
    count: int
    median: float
    average: float


_I, _P, _R = invoices.c, invoice_payments.c, refunds.c
_NOW, _SINCE = bindparam("now", type_=TIME), bindparam("since", type_=TIME)


def _ages() -> list[ColumnElement[bool]]:
    ends = [_NOW - timedelta(days=days) for days in LIMITS]
    between = [and_(_I.due_at < newer, _I.due_at >= older) for newer, older in pairwise(ends)]
    return [or_(_I.due_at.is_(None), _I.due_at >= ends[0]), *between, _I.due_at < ends[-1]]


def _month(at: ColumnElement[Any]) -> ColumnElement[date]:
    return cast(func.date_trunc("month", func.timezone("UTC", at)), Date).label("month")


def _sum(amount: ColumnElement[Any], condition: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    found = func.sum(amount) if condition is None else func.sum(amount).filter(condition)
    return cast(func.coalesce(found, 0), BigInteger)


_AGING = Statement(
    select(
        _I.currency,
        array([_sum(_I.amount_remaining, age) for age in _ages()]).label("amounts"),
        array([func.count().filter(age) for age in _ages()]).label("counts"),
    )
    .where(_I.status == InvoiceStatus.OPEN.value, _I.amount_remaining > 0)
    .group_by(_I.currency)
    .order_by(_I.currency)
)
_NONE = literal(0, BigInteger)
_BY_PAYMENTS = (
    select(_sum(_P.amount_paid)).where(_P.invoice == _I.id, _P.status == PAID).correlate(invoices).scalar_subquery()
)
_OF_INVOICES = select(_month(_I.paid_at), _I.currency, _I.amount_paid - _BY_PAYMENTS, _NONE).where(
    _I.status == PAID, _I.paid_at >= _SINCE
)
"""What invoices say was paid, less what their payments say."""
_BEFORE = invoice_payments.alias("before")
_SETTLED = invoices.alias("settled")
_S = _SETTLED.c
_CURRENCY = func.coalesce(_S.currency, select(_I.currency).where(_I.id == _P.invoice).scalar_subquery())
"""A payment's currency: nearly all are of invoices that are paid, which an index holds; the others are looked up."""
_MOVED = union_all(
    select(_month(_P.paid_at), _CURRENCY.label("currency"), _P.amount_paid.label("paid"), _NONE.label("refunded"))
    .select_from(
        invoice_payments.outerjoin(_SETTLED, and_(_S.id == _P.invoice, _S.status == PAID, _S.paid_at >= _SINCE))
    )
    .where(_P.status == PAID, _P.paid_at >= _SINCE),
    # what was paid outside of Stripe is no payment there, save where it was reported as one
    _OF_INVOICES.where(_I.paid_out_of_band),
    # of what 0.1.0 recorded, a payment's status is unknown: the invoice says what was paid, and when
    _OF_INVOICES.join(_BEFORE, _BEFORE.c.payment_intent == _I.payment_intent).where(
        _BEFORE.c.status.is_(None), ~_I.paid_out_of_band
    ),
    select(_month(_R.created_at), _R.currency, _NONE, _R.amount).where(
        _R.created_at >= _SINCE,
        _R.status.not_in([*sorted(NEVER_HAPPENED), WITHOUT_MONEY]),
        of_an_invoice(_R.payment_intent),
    ),
).subquery("moved")
_COLLECTED = Statement(
    select(
        _MOVED.c.month, _MOVED.c.currency, _sum(_MOVED.c.paid).label("paid"), _sum(_MOVED.c.refunded).label("refunded")
    )
    .where(_MOVED.c.currency.is_not(None))
    .group_by(_MOVED.c.month, _MOVED.c.currency)
    .order_by(_MOVED.c.currency, _MOVED.c.month)
)
_TOOK = cast(extract("epoch", _I.paid_at - _I.finalized_at), Float) / 86400
_DAYS = Statement(
    select(
        _month(_I.paid_at),
        func.count().label("count"),
        func.percentile_cont(0.5).within_group(_TOOK).label("median"),
        func.avg(_TOOK).label("average"),
    )
    .where(_I.status == PAID, _I.paid_at >= _SINCE, _I.amount_paid > 0, _I.finalized_at.is_not(None))
    .group_by(_month(_I.paid_at))
    .order_by(_month(_I.paid_at))
)


def months(now: datetime) -> list[date]:
    """The months of the reports, oldest first: each as its first day."""
    last = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(last - MONTHS + 1, last + 1)]


async def aging(connection: Connection, now: datetime) -> list[Aging]:
    """What is left to pay of open invoices, by currency."""
    return await _AGING.rows(connection, Aging, now=now)


async def collected(connection: Connection, now: datetime) -> list[Collected]:
    """What was paid and refunded, by currency and month; months without either are missing."""
    return await _COLLECTED.rows(connection, Collected, since=_since(now))


async def days_to_pay(connection: Connection, now: datetime) -> list[DaysToPay]:
    """How long payers took, by month; months without a payment are missing."""
    return await _DAYS.rows(connection, DaysToPay, since=_since(now))


def _since(now: datetime) -> datetime:
    return datetime.combine(months(now)[0], time(), UTC)
