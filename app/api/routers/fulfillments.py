"""Fulfillments, and the inbox of events they come from."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.deps import WriteDep
from app.api.errors import WRITE, answers
from app.api.parameters import EventId
from app.api.queries import documented, read
from app.api.reading import equal, many, matching, one
from app.api.schemas.fulfillments import EventListed, EventRead, EventsWanted, FulfillmentRead, FulfillmentsWanted
from app.api.schemas.shared import Page
from app.db.documents import EVENT, FULFILLMENT

fulfillments = APIRouter(prefix="/v1/fulfillments", tags=["fulfillments"])
events = APIRouter(prefix="/v1/webhook-events", tags=["webhook events"])


@fulfillments.get(
    "",
    response_model=Page[FulfillmentRead],
    responses=answers(conditional=True),
    openapi_extra=documented(FulfillmentsWanted),
)
async def list_fulfillments(request: Request) -> Response:
    """List fulfillments, newest first."""
    asked = read(request, FulfillmentsWanted)
    wanted = equal(status=asked.status, customer=asked.customer)
    wanted.add("row.updated_at > {}", asked.updated_after)
    return await matching(request, FULFILLMENT, asked, wanted)


@events.get(
    "", response_model=Page[EventListed], responses=answers(conditional=True), openapi_extra=documented(EventsWanted)
)
async def list_webhook_events(request: Request) -> Response:
    """List every event that was received, newest first."""
    asked = read(request, EventsWanted)
    return await many(request, EVENT, asked, status=asked.status, type=asked.type)


@events.get("/{event_id}", response_model=EventRead, responses=answers("not_found", conditional=True))
async def get_webhook_event(event_id: EventId, request: Request) -> Response:
    """Read an event with its payload, its state, and its last error."""
    return await one(request, EVENT, event_id)


@events.post("/{event_id}/replay", status_code=202, response_model=EventRead, responses=answers("not_found", *WRITE))
async def replay_webhook_event(event_id: EventId, write: WriteDep) -> Response:
    """Have an event processed again; where it was applied already, that changes nothing."""
    return await write.run(write.parts.replaying.replay_event, {}, event_id)
