"""The balance report."""

import csv
import io
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.domain import balance as domain
from app.domain.errors import ValidationFailed
from app.http.dependencies import service
from app.http.problems import answers
from app.http.routing import AuthorizedRoute
from app.http.schemas import Day
from app.reports.balance import BalanceCheck
from app.reports.schemas import BalanceDay, BalanceReport

BalanceDep = Annotated[BalanceCheck, Depends(service(BalanceCheck))]
router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=AuthorizedRoute)

MOST_DAYS = 366
USUAL_DAYS = 30
From = Annotated[
    Day | None, Query(alias="from", description="The first day, by UTC. Thirty days before `to` if absent.")
]
To = Annotated[Day | None, Query(description="The last day, by UTC. Today if absent.")]
COLUMNS = ("day", "currency", "paid", "refunded", "disputed", "credited", "kept", "fees", "differences", "checked_at")
SAMPLE = f"{','.join(COLUMNS)}\r\n2026-11-29,usd,24000,0,0,0,24000,726,0,2026-11-30T06:00:00Z\r\n"


@router.get("/balance", responses=answers())
async def get_balance_report(balance: BalanceDep, first: From = None, to: To = None) -> BalanceReport:
    """Show the money of each day at Stripe, compared with what is stored here: every six hours, or by hand."""
    days = [_shown(*found) for found in await balance.days(*_asked(first, to))]
    return BalanceReport(balanced=not any(day.differences for day in days), days=days)


@router.get(
    "/balance.csv",
    response_class=Response,
    responses=answers() | {200: {"content": {"text/csv": {"schema": {"type": "string", "examples": [SAMPLE]}}}}},
)
async def get_balance_report_csv(balance: BalanceDep, first: From = None, to: To = None) -> Response:
    """Show the balance report as CSV: a line for each day and currency, with the number of its differences."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for found in await balance.days(*_asked(first, to)):
        day = _shown(*found)
        row = day.model_dump(mode="json") | {"differences": len(day.differences)}
        writer.writerow([row[name] for name in COLUMNS])
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


def _asked(first: date | None, to: date | None) -> tuple[date, date]:
    """The days that are asked for. Raises ValidationFailed where they are out of order or too many."""
    last = to or datetime.now(UTC).date()
    begin = first or last - timedelta(days=min(USUAL_DAYS, (last - date.min).days))
    if begin > last:
        raise ValidationFailed("from is after to.", param="from")
    if (last - begin).days >= MOST_DAYS:
        raise ValidationFailed(
            f"from is more than {MOST_DAYS} days before to: ask for one year at a time.", param="from"
        )
    return begin, last


def _shown(day: domain.Day, checked_at: datetime) -> BalanceDay:
    kept = day.paid - day.refunded - day.disputed - day.credited
    return BalanceDay.model_validate({**asdict(day), "kept": kept, "checked_at": checked_at})
