"""Fulfillments, and the inbox of events they come from."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.deps import PageDep, ReadDep
from app.api.errors import answers
from app.api.parameters import EventId, IdQuery, TimeQuery
from app.api.reading import equal, many, matching, one
from app.api.schemas.fulfillments import EventListed, EventRead, EventStatus, FulfillmentRead, Status
from app.api.schemas.shared import Page
from app.db.documents import EVENT, FULFILLMENT

fulfillments = APIRouter(prefix="/v1/fulfillments", tags=["fulfillments"])
events = APIRouter(prefix="/v1/webhook-events", tags=["webhook events"])


@fulfillments.get("", response_model=Page[FulfillmentRead], responses=answers())
async def list_fulfillments(
    read: ReadDep,
    page: PageDep,
    status: Annotated[Status | None, Query()] = None,
    customer: IdQuery = None,
    updated_after: TimeQuery = None,
) -> Response:
    """List fulfillments, newest first."""
    wanted = equal(status=status, customer=customer)
    wanted.add("row.updated_at > {}", updated_after)
    return await matching(read, FULFILLMENT, page, wanted)


@events.get("", response_model=Page[EventListed], responses=answers())
async def list_webhook_events(
    read: ReadDep,
    page: PageDep,
    status: Annotated[EventStatus | None, Query()] = None,
    type: IdQuery = None,  # noqa: A002 -- the contract's name
) -> Response:
    """List every event that was received, newest first."""
    return await many(read, EVENT, page, status=status, type=type)


@events.get("/{event_id}", response_model=EventRead, responses=answers("not_found"))
async def get_webhook_event(event_id: EventId, read: ReadDep) -> Response:
    """Read an event with its payload, its state, and its last error."""
    return await one(read, EVENT, event_id)
