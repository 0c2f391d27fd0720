"""Fulfillments, and the inbox of events they come from."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.api.deps import PageDep, WriteDep
from app.api.errors import WRITE, answers
from app.api.parameters import EventId, IdQuery, TimeQuery
from app.api.reading import equal, many, matching, one
from app.api.schemas.fulfillments import EventListed, EventRead, EventStatus, FulfillmentRead, Status
from app.api.schemas.shared import Page
from app.db.documents import EVENT, FULFILLMENT

fulfillments = APIRouter(prefix="/v1/fulfillments", tags=["fulfillments"])
events = APIRouter(prefix="/v1/webhook-events", tags=["webhook events"])


@fulfillments.get("", response_model=Page[FulfillmentRead], responses=answers(conditional=True))
async def list_fulfillments(
    request: Request,
    page: PageDep,
    status: Annotated[Status | None, Query()] = None,
    customer: IdQuery = None,
    updated_after: TimeQuery = None,
) -> Response:
    """List fulfillments, newest first."""
    wanted = equal(status=status, customer=customer)
    wanted.add("row.updated_at > {}", updated_after)
    return await matching(request, FULFILLMENT, page, wanted)


@events.get("", response_model=Page[EventListed], responses=answers(conditional=True))
async def list_webhook_events(
    request: Request,
    page: PageDep,
    status: Annotated[EventStatus | None, Query()] = None,
    type: IdQuery = None,  # noqa: A002 -- the contract's name
) -> Response:
    """List every event that was received, newest first."""
    return await many(request, EVENT, page, status=status, type=type)


@events.get("/{event_id}", response_model=EventRead, responses=answers("not_found", conditional=True))
async def get_webhook_event(event_id: EventId, request: Request) -> Response:
    """Read an event with its payload, its state, and its last error."""
    return await one(request, EVENT, event_id)


@events.post("/{event_id}/replay", status_code=202, response_model=EventRead, responses=answers("not_found", *WRITE))
async def replay_webhook_event(event_id: EventId, write: WriteDep) -> Response:
    """Have an event processed again; where it was applied already, that changes nothing."""
    return await write.run(write.parts.replaying.replay_event, {}, event_id)
