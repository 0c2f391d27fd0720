"""Fulfillments, and the inbox of events they come from."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db.documents import EVENT, FULFILLMENT, FULFILLMENT_ACTION
from app.fulfillment.schemas import (
    EventListed,
    EventRead,
    EventsQuery,
    FulfillmentActionRead,
    FulfillmentActionsQuery,
    FulfillmentRead,
    FulfillmentsQuery,
)
from app.http.dependencies import WriteDep
from app.http.parameters import ActionId, EventId
from app.http.problems import WRITE, answers
from app.http.queries import documented, read
from app.http.reads import equal, many, matching, one
from app.http.routing import AuthorizedRoute
from app.http.schemas import Page

fulfillments = APIRouter(prefix="/v1/fulfillments", tags=["fulfillments"], route_class=AuthorizedRoute)
actions = APIRouter(prefix="/v1/fulfillment-actions", tags=["fulfillments"], route_class=AuthorizedRoute)
events = APIRouter(prefix="/v1/webhook-events", tags=["webhook events"], route_class=AuthorizedRoute)


@fulfillments.get(
    "",
    response_model=Page[FulfillmentRead],
    responses=answers(conditional=True),
    openapi_extra=documented(FulfillmentsQuery),
)
async def list_fulfillments(request: Request) -> Response:
    """List fulfillments, newest first."""
    asked = read(request, FulfillmentsQuery)
    wanted = equal(customer=asked.customer)
    wanted.add("coalesce(row.later_status, row.status) = {}", asked.status)
    wanted.add("row.updated_at > {}", asked.updated_after)
    return await matching(request, FULFILLMENT, asked, wanted)


@actions.get(
    "",
    response_model=Page[FulfillmentActionRead],
    responses=answers(conditional=True),
    openapi_extra=documented(FulfillmentActionsQuery),
)
async def list_fulfillment_actions(request: Request) -> Response:
    """List what is done, or to be done, about fulfillments, newest first."""
    asked = read(request, FulfillmentActionsQuery)
    wanted = asked.model_dump(exclude={"limit", "cursor"})
    return await many(request, FULFILLMENT_ACTION, asked, **wanted)


@actions.get("/{action_id}", response_model=FulfillmentActionRead, responses=answers("not_found", conditional=True))
async def get_fulfillment_action(action_id: ActionId, request: Request) -> Response:
    """Read an action, its state, and why its last try failed."""
    return await one(request, FULFILLMENT_ACTION, action_id)


@actions.post(
    "/{action_id}/retry",
    status_code=202,
    response_model=FulfillmentActionRead,
    responses=answers("not_found", "invalid_state", *WRITE),
)
async def retry_fulfillment_action(action_id: ActionId, write: WriteDep) -> Response:
    """Try an action again that failed, was skipped, or was set aside; one that is done is never done again."""
    return await write.run(write.parts.actions.retry_fulfillment_action, {}, action_id)


@events.get(
    "", response_model=Page[EventListed], responses=answers(conditional=True), openapi_extra=documented(EventsQuery)
)
async def list_webhook_events(request: Request) -> Response:
    """List every event that was received, newest first."""
    asked = read(request, EventsQuery)
    return await many(request, EVENT, asked, status=asked.status, type=asked.type)


@events.get("/{event_id}", response_model=EventRead, responses=answers("not_found", conditional=True))
async def get_webhook_event(event_id: EventId, request: Request) -> Response:
    """Read an event with its payload, its state, and its last error."""
    return await one(request, EVENT, event_id)


@events.post("/{event_id}/replay", status_code=202, response_model=EventRead, responses=answers("not_found", *WRITE))
async def replay_webhook_event(event_id: EventId, write: WriteDep) -> Response:
    """Have an event processed again; where it was applied already, that changes nothing."""
    return await write.run(write.parts.replaying.replay_event, {}, event_id)
