"""The dashboard: what waits, what is wrong, and how payments and the inbox went."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request

from app.admin import charts, overview
from app.admin.charts import Series
from app.admin.formatting import moment
from app.admin.login import operator_of
from app.container import Container
from app.db import coverage
from app.inbox import statements as inbox_statements


@dataclass(frozen=True, slots=True)
class Span:
    """A time span of the charts: its length, the step of its buckets, and the time format of a bucket."""

    length: timedelta
    step: timedelta
    when: str


SPANS = {
    "day": Span(timedelta(days=1), timedelta(minutes=30), "%H:%M"),
    "week": Span(timedelta(days=7), timedelta(hours=6), "%a %H:%M"),
    "month": Span(timedelta(days=30), timedelta(days=1), "%d %b"),
}
PAYMENTS = (Series("paid", "paid"), Series("failed", "failed"), Series("pending", "pending"))
LAG = (Series("half", "half within"), Series("slowest", "slowest"))


@dataclass(frozen=True, slots=True)
class Tile:
    """A number on the dashboard, whether it needs attention, and the page that shows more."""

    title: str
    value: str
    worry: bool
    href: str


async def overview_page(container: Container, request: Request) -> dict[str, Any]:
    asked = request.query_params.get("span", "day")
    chosen = asked if asked in SPANS else "day"
    span = SPANS[chosen]
    async with container.database.connection() as connection:
        standing = await overview.standing(connection, await inbox_statements.lag_s(connection))
        paid = await overview.payments(connection, span.step, span.length)
        lag = await overview.lag(connection, span.step, span.length)
        covered = await coverage.read(connection)
    return {
        "operator": operator_of(request),
        "spans": list(SPANS),
        "span": chosen,
        "series": {"payments": PAYMENTS, "lag": LAG},
        "tiles": _tiles(standing, container.settings.inbox_lag_limit_s),
        "payments": charts.bars(paid, PAYMENTS, span.when, "Payments"),
        "lag": charts.lines(lag, LAG, span.when, "How long events took"),
        "covered": covered,
        "moment": moment,
    }


def _tiles(standing: overview.Standing, lag_limit_s: float) -> list[Tile]:
    events, operations = "/console/webhook-event/list", "/console/operation/list"
    return [
        Tile("inbox lag", f"{standing.lag_s:,.1f} s", standing.lag_s > lag_limit_s, f"{events}?status=received"),
        Tile("events waiting", f"{standing.waiting + standing.processing:,}", False, f"{events}?status=received"),
        Tile("events to try again", f"{standing.failed:,}", standing.failed > 0, f"{events}?status=failed"),
        Tile("dead letters", f"{standing.dead:,}", standing.dead > 0, f"{events}?status=dead"),
        Tile("operations in flight", f"{standing.in_flight:,}", False, f"{operations}?only=in+flight"),
        Tile("need you", f"{standing.stuck:,}", standing.stuck > 0, "/console/stuck-invoice/list"),
        Tile("open invoices", f"{standing.open_invoices:,}", False, "/console/invoice/list?status=open"),
        Tile(
            "awaiting payment",
            f"{standing.awaiting_payment:,}",
            False,
            "/console/fulfillment/list?status=awaiting_payment",
        ),
    ]
