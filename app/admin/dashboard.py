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
        counts, lag_s = await overview.standing(connection), await inbox_statements.lag_s(connection)
        paid = await overview.payments(connection, span.step, span.length)
        lag = await overview.lag(connection, span.step, span.length)
        covered = await coverage.read(connection)
    return {
        "operator": operator_of(request),
        "spans": list(SPANS),
        "span": chosen,
        "series": {"payments": PAYMENTS, "lag": LAG},
        "tiles": _tiles(counts, lag_s, container.settings.inbox_lag_limit_s),
        "payments": charts.bars(paid, PAYMENTS, span.when, "Payments"),
        "lag": charts.lines(lag, LAG, span.when, "How long events took"),
        "covered": covered,
        "moment": moment,
    }


def _tiles(counts: dict[str, int], lag_s: float, lag_limit_s: float) -> list[Tile]:
    events = "/console/webhook-event/list?status="

    def tile(title: str, count: int, href: str, *, worry: bool = False) -> Tile:
        return Tile(title, f"{count:,}", worry and count > 0, href)

    return [
        Tile("inbox lag", f"{lag_s:,.1f} s", lag_s > lag_limit_s, f"{events}received"),
        tile("events waiting", counts["received"] + counts["processing"], f"{events}received"),
        tile("events to try again", counts["failed"], f"{events}failed", worry=True),
        tile("dead letters", counts["dead"], f"{events}dead", worry=True),
        tile("operations in flight", counts["in_flight"], "/console/operation/list?only=in+flight"),
        tile("need you", counts["stuck"], "/console/stuck-invoice/list", worry=True),
        tile("open invoices", counts["open_invoices"], "/console/invoice/list?status=open"),
        tile("awaiting payment", counts["awaiting_payment"], "/console/fulfillment/list?status=awaiting_payment"),
    ]
