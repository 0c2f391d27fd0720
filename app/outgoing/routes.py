"""Webhook endpoints of others, their secrets, and the log of deliveries to them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import DELIVERY, WEBHOOK_ENDPOINT
from app.http.dependencies import WriteDep, json_answer, service
from app.http.parameters import DeliveryId, EndpointId
from app.http.problems import ACT, IDEMPOTENT, answers
from app.http.queries import read
from app.http.reads import listing, many, one, reading, require_known
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted
from app.outgoing.endpoints import Endpoints
from app.outgoing.redelivery import Redelivery
from app.outgoing.schemas import (
    DeliveriesQuery,
    DeliveryRead,
    EndpointsQuery,
    Redeliver,
    Redelivered,
    WebhookEndpointCreate,
    WebhookEndpointMade,
    WebhookEndpointRead,
    WebhookEndpointUpdate,
    WebhookSecretRotate,
)

EndpointsDep = Annotated[Endpoints, Depends(service(Endpoints))]
RedeliveryDep = Annotated[Redelivery, Depends(service(Redelivery))]

router = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhook endpoints"], route_class=AuthorizedRoute)
deliveries = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], route_class=AuthorizedRoute)


@router.post("", status_code=201, response_model=WebhookEndpointMade, responses=answers("invalid_state", *IDEMPOTENT))
async def create_webhook_endpoint(body: WebhookEndpointCreate, endpoints: EndpointsDep, write: WriteDep) -> Response:
    """Make an endpoint, which receives events from now on. Only this answer has its signing secret."""
    answer = await write.answer(endpoints.create_webhook_endpoint, body.params())
    return json_answer(answer, secret=answer.secret)


@router.get("", **listing(WebhookEndpointRead, EndpointsQuery))
async def list_webhook_endpoints(request: Request) -> Response:
    """List endpoints, newest first."""
    return await many(request, WEBHOOK_ENDPOINT, read(request, EndpointsQuery))


@router.get("/{endpoint_id}", **reading(WebhookEndpointRead))
async def get_webhook_endpoint(endpoint_id: EndpointId, request: Request) -> Response:
    """Read an endpoint."""
    return await one(request, WEBHOOK_ENDPOINT, endpoint_id)


@router.patch("/{endpoint_id}", response_model=WebhookEndpointRead, responses=answers(*ACT))
async def update_webhook_endpoint(
    endpoint_id: EndpointId, body: WebhookEndpointUpdate, endpoints: EndpointsDep, write: WriteDep
) -> Response:
    """Change an endpoint, disable it, or enable it again: it then goes on where it stopped."""
    return await write.run(endpoints.update_webhook_endpoint, body.params(), endpoint_id)


@router.delete("/{endpoint_id}", response_model=Deleted, responses=answers("not_found", *IDEMPOTENT))
async def delete_webhook_endpoint(endpoint_id: EndpointId, endpoints: EndpointsDep, write: WriteDep) -> Response:
    """Delete an endpoint. Deliveries that wait are canceled. Each delivery can still be read by its id."""
    return await write.run(endpoints.delete_webhook_endpoint, {}, endpoint_id)


@router.post(
    "/{endpoint_id}/rotate-secret", status_code=201, response_model=WebhookEndpointMade, responses=answers(*ACT)
)
async def rotate_webhook_secret(
    endpoint_id: EndpointId, endpoints: EndpointsDep, write: WriteDep, body: WebhookSecretRotate | None = None
) -> Response:
    """Make a new signing secret. During the overlap every delivery is signed with both."""
    params = (body or WebhookSecretRotate()).model_dump(mode="json")
    answer = await write.answer(endpoints.rotate_webhook_secret, params, endpoint_id)
    return json_answer(answer, secret=answer.secret)


@router.post("/{endpoint_id}/ping", status_code=202, response_model=DeliveryRead, responses=answers(*ACT))
async def ping_webhook_endpoint(endpoint_id: EndpointId, endpoints: EndpointsDep, write: WriteDep) -> Response:
    """Send an event of type `ping` to this endpoint alone. Its delivery shows how it went."""
    return await write.run(endpoints.ping_webhook_endpoint, {}, endpoint_id)


@router.get("/{endpoint_id}/deliveries", **listing(DeliveryRead, DeliveriesQuery, "not_found"))
async def list_deliveries(endpoint_id: EndpointId, request: Request) -> Response:
    """List an endpoint's deliveries, newest first."""
    asked = read(request, DeliveriesQuery)
    await require_known(request, WEBHOOK_ENDPOINT, endpoint_id)
    return await many(request, DELIVERY, asked, endpoint=endpoint_id)


@router.post("/{endpoint_id}/redeliver", status_code=202, response_model=Redelivered, responses=answers(*ACT))
async def redeliver_many(
    endpoint_id: EndpointId, body: Redeliver, redelivery: RedeliveryDep, write: WriteDep
) -> Response:
    """Deliver the events of a span of time again that this endpoint did not receive, or lost."""
    return await write.run(redelivery.redeliver_many, body.model_dump(mode="json"), endpoint_id)


@deliveries.get("/{delivery_id}", **reading(DeliveryRead))
async def get_delivery(delivery_id: DeliveryId, request: Request) -> Response:
    """Read a delivery with its attempts."""
    return await one(request, DELIVERY, delivery_id)


@deliveries.post("/{delivery_id}/redeliver", status_code=202, response_model=DeliveryRead, responses=answers(*ACT))
async def redeliver(delivery_id: DeliveryId, redelivery: RedeliveryDep, write: WriteDep) -> Response:
    """Deliver an event again. It keeps its id."""
    return await write.run(redelivery.redeliver, {}, delivery_id)
