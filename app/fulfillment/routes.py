"""Fulfillments and their actions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import FULFILLMENT, FULFILLMENT_ACTION
from app.fulfillment.actions import Actions
from app.fulfillment.schemas import FulfillmentActionRead, FulfillmentActionsQuery, FulfillmentRead, FulfillmentsQuery
from app.http.dependencies import WriteDep, service
from app.http.parameters import ActionId
from app.http.problems import WRITE, answers
from app.http.queries import read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute

ActionsDep = Annotated[Actions, Depends(service(Actions))]
fulfillments = APIRouter(prefix="/v1/fulfillments", tags=["fulfillments"], route_class=AuthorizedRoute)
actions = APIRouter(prefix="/v1/fulfillment-actions", tags=["fulfillment actions"], route_class=AuthorizedRoute)


@fulfillments.get("", **listing(FulfillmentRead, FulfillmentsQuery))
async def list_fulfillments(request: Request) -> Response:
    """List fulfillments, newest first."""
    return await many(request, FULFILLMENT, read(request, FulfillmentsQuery))


@actions.get("", **listing(FulfillmentActionRead, FulfillmentActionsQuery))
async def list_fulfillment_actions(request: Request) -> Response:
    """List fulfillment actions (mails and hooks), newest first."""
    return await many(request, FULFILLMENT_ACTION, read(request, FulfillmentActionsQuery))


@actions.get("/{action_id}", **reading(FulfillmentActionRead))
async def get_fulfillment_action(action_id: ActionId, request: Request) -> Response:
    """Read an action, its state, and why its last try failed."""
    return await one(request, FULFILLMENT_ACTION, action_id)


@actions.post(
    "/{action_id}/retry",
    status_code=202,
    response_model=FulfillmentActionRead,
    responses=answers("not_found", "invalid_state", *WRITE),
)
async def retry_fulfillment_action(action_id: ActionId, actions: ActionsDep, write: WriteDep) -> Response:
    """Try an action again that failed, was skipped or is dead. An action that is done is never done again."""
    return await write.run(actions.retry_fulfillment_action, {}, action_id)
