"""The events that Stripe delivered: list, read, replay."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import EVENT
from app.http.dependencies import WriteDep, service
from app.http.parameters import EventId
from app.http.problems import WRITE, answers
from app.http.queries import read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute
from app.inbox.replay import Replay
from app.inbox.schemas import EventsQuery, StripeEventListed, StripeEventRead

ReplayDep = Annotated[Replay, Depends(service(Replay))]
router = APIRouter(prefix="/v1/webhook-events", tags=["webhook events"], route_class=AuthorizedRoute)


@router.get("", **listing(StripeEventListed, EventsQuery))
async def list_webhook_events(request: Request) -> Response:
    """List every event that was received, newest first."""
    return await many(request, EVENT, read(request, EventsQuery))


@router.get("/{event_id}", **reading(StripeEventRead))
async def get_webhook_event(event_id: EventId, request: Request) -> Response:
    """Read an event with its payload, its state, and its last error."""
    return await one(request, EVENT, event_id)


@router.post(
    "/{event_id}/replay", status_code=202, response_model=StripeEventRead, responses=answers("not_found", *WRITE)
)
async def replay_webhook_event(event_id: EventId, replay: ReplayDep, write: WriteDep) -> Response:
    """Process an event again. If it was applied already, that changes nothing."""
    return await write.run(replay.replay_event, {}, event_id)
