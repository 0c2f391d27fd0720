"""`/v1/webhook_endpoints`: where events are delivered. The secret is shown once, when the endpoint is made."""

from urllib.parse import urlsplit

from offline_stripe.documents import Document
from offline_stripe.resources.fields import apply_fields, deleted
from offline_stripe.settings import API_VERSION
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.webhooks.endpoints import add_endpoint
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_webhook_endpoint(call: Call) -> Document:
    tx, params = call.tx, call.params
    _check_url(params["url"])
    if params.get("api_version") not in {None, API_VERSION}:
        raise invalid_request(f"The sandbox renders events at {API_VERSION} only.", param="api_version")
    endpoint = add_endpoint(
        tx,
        params["url"],
        api_version=params.get("api_version"),
        description=params.get("description") or None,
        enabled_events=params["enabled_events"],
        metadata=merged_metadata({}, params.get("metadata", {})),
    )
    return {**endpoint, "secret": endpoint["_secret"]}


def _check_url(url: str) -> None:
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise invalid_request("Not a valid URL", code="url_invalid", param="url")


def _endpoint(call: Call) -> Document:
    return call.tx.need("webhook_endpoint", call.path["id"], param="webhook_endpoint", status=404)


def retrieve_webhook_endpoint(call: Call) -> Document:
    return _endpoint(call)


def update_webhook_endpoint(call: Call) -> Document:
    endpoint, params = _endpoint(call), call.params
    if "url" in params:
        _check_url(params["url"])
    apply_fields(endpoint, params, ("description", "enabled_events", "url"))
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = merged_metadata(endpoint["metadata"], params["metadata"])
    call.tx.save(endpoint)
    return endpoint


def list_webhook_endpoints(call: Call) -> Page:
    return list_documents(call.tx, "webhook_endpoint", call.params, Filters(), "/v1/webhook_endpoints")


def delete_webhook_endpoint(call: Call) -> Document:
    endpoint = _endpoint(call)
    call.tx.remove(endpoint)
    return deleted(endpoint)


ROUTES = (
    Route(
        "POST",
        "/v1/webhook_endpoints",
        create_webhook_endpoint,
        "WebhookEndpointCreateParams",
        takes="api_version connect=false description enabled_events metadata url",
    ),
    Route("GET", "/v1/webhook_endpoints", list_webhook_endpoints, "WebhookEndpointListParams", takes=PAGE),
    Route("GET", "/v1/webhook_endpoints/{id}", retrieve_webhook_endpoint, "WebhookEndpointRetrieveParams", takes=""),
    Route(
        "POST",
        "/v1/webhook_endpoints/{id}",
        update_webhook_endpoint,
        "WebhookEndpointUpdateParams",
        takes="description disabled enabled_events metadata url",
    ),
    Route("DELETE", "/v1/webhook_endpoints/{id}", delete_webhook_endpoint, "WebhookEndpointDeleteParams", takes=""),
)
