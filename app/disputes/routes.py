"""Disputes of payments. Evidence is submitted in Stripe's Dashboard."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db.resources import DISPUTE
from app.disputes.schemas import DisputeRead
from app.domain.dispute import DisputeStatus
from app.http.parameters import DisputeId, IdQuery
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute

router = APIRouter(prefix="/v1/disputes", tags=["disputes"], route_class=AuthorizedRoute)


class DisputesQuery(Paging):
    """Which disputes are listed."""

    invoice: IdQuery = None
    payment_intent: IdQuery = None
    status: DisputeStatus | None = None


@router.get("", **listing(DisputeRead, DisputesQuery))
async def list_disputes(request: Request) -> Response:
    """List disputes, newest first, with the time by which evidence is due."""
    return await many(request, DISPUTE, read(request, DisputesQuery))


@router.get("/{dispute_id}", **reading(DisputeRead))
async def get_dispute(dispute_id: DisputeId, request: Request) -> Response:
    """Read a dispute."""
    return await one(request, DISPUTE, dispute_id)
