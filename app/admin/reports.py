"""The reports' page: what is owed by age, what was collected by month, and how long payers take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from app.admin import charts
from app.admin.charts import Column, Series
from app.admin.login import operator_of
from app.admin.overview import Bucket
from app.container import Container
from app.domain.money import format_amount, major
from app.reports import receivable_statements as receivables
from app.reports.receivable_statements import AGES, Aging, Collected, DaysToPay

MONTH = "%b %Y"
TIMES = (Series("median", "median"), Series("average", "average"))


@dataclass(frozen=True, slots=True)
class Report:
    """A chart, and the table of its figures."""

    title: str
    about: str
    chart: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    series: Sequence[Series] = ()


async def page(container: Container, request: Request) -> dict[str, Any]:
    now = datetime.now(UTC)
    async with container.database.connection() as connection:
        aging = await receivables.aging(connection, now)
        collected = await receivables.collected(connection, now)
        days = await receivables.days_to_pay(connection, now)
    months = receivables.months(now)
    currencies = sorted({one.currency for one in collected})
    return {
        "operator": operator_of(request),
        "reports": [
            *(_aging(one) for one in aging),
            *(_collected(currency, months, collected) for currency in currencies),
            _days(months, days),
        ],
    }


def _aging(found: Aging) -> Report:
    currency, each = found.currency, list(zip(AGES, found.amounts, found.counts, strict=True))
    money = [format_amount(amount, currency) for amount in (*found.amounts, sum(found.amounts))]
    title = f"Owed in {currency.upper()}, by days past due"
    return Report(
        title,
        "what is left to pay of open invoices; one without a due date is current",
        charts.columns([_column(age, amount, currency) for age, amount, _ in each], "pending", title),
        ["Past due", "Invoices", "Left to pay"],
        [
            [name, f"{count:,}", amount]
            for name, count, amount in zip((*AGES, "all"), (*found.counts, sum(found.counts)), money, strict=True)
        ],
    )


def _collected(currency: str, months: Sequence[date], found: Iterable[Collected]) -> Report:
    known = {one.month: one for one in found if one.currency == currency}
    each = [known.get(month, Collected(month, currency, 0, 0)) for month in months]
    title = f"Collected in {currency.upper()}, by month"
    return Report(
        title,
        "payments less refunds, each in its own month by UTC; disputes and Stripe's fees are not taken off",
        charts.columns([_column(one.month.strftime(MONTH), one.net, currency) for one in each], "paid", title),
        ["Month", "Paid", "Refunded", "Collected"],
        [
            [one.month.strftime(MONTH), *(format_amount(it, currency) for it in (one.paid, one.refunded, one.net))]
            for one in reversed(each)
        ],
    )


def _days(months: Sequence[date], found: Iterable[DaysToPay]) -> Report:
    known = {one.month: one for one in found}
    buckets = [
        Bucket(
            datetime.combine(month, time(), UTC),
            {"median": known[month].median, "average": known[month].average} if month in known else {},
        )
        for month in months
    ]
    title = "Days to payment, by month"
    return Report(
        title,
        "from finalizing to payment, of the invoices that were paid in full in the month",
        charts.lines(buckets, TIMES, MONTH, title, " d"),
        ["Month", "Invoices", "Median", "Average"],
        [
            [one.month.strftime(MONTH), f"{one.count:,}", f"{one.median:,.1f} days", f"{one.average:,.1f} days"]
            for one in sorted(known.values(), key=lambda one: one.month, reverse=True)
        ],
        TIMES,
    )


def _column(label: str, amount: int, currency: str) -> Column:
    return Column(label, float(major(amount, currency)), format_amount(amount, currency))
