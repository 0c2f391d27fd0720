"""`/v1/events`: what happened, for those who missed the webhook. Events are kept for thirty days."""

from offline_stripe.documents import Document, from_text
from offline_stripe.store.listing import Filters, Page, page_limit, select_page
from offline_stripe.wire.errors import invalid_request, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

KEPT_S = 30 * 86_400
MOST_TYPES = 20


def retrieve_event(call: Call) -> Document:
    row = call.tx.store.database.one(
        "SELECT json_set(doc, '$.pending_webhooks', pending) FROM events WHERE id = ? AND created >= ?",
        (call.path["id"], call.tx.now - KEPT_S),
    )
    if row is None:
        raise resource_missing("event", call.path["id"], param="id", status=404)
    return from_text(str(row[0]))


def list_events(call: Call) -> Page:
    tx, params = call.tx, call.params
    filters = _filters(params).raw("created >= ?", tx.now - KEPT_S)
    page_limit(params)
    rows, has_more = select_page(tx, "events", "event", params, filters)
    return Page([from_text(row) for row in rows], has_more, "/v1/events")


def _filters(params: Document) -> Filters:
    filters = Filters()
    if "type" in params and "types" in params:
        raise invalid_request("You may only specify one of these parameters: type, types.")
    if "type" in params:
        filters.raw("type GLOB ?", params["type"].replace("[", "[[]").replace("?", "[?]"))
    if "types" in params:
        if len(params["types"]) > MOST_TYPES:
            raise invalid_request(f"You may pass at most {MOST_TYPES} types.", param="types")
        filters.raw(f"type IN ({', '.join('?' for _ in params['types'])})", *params["types"])
    if "delivery_success" in params:
        filters.raw("pending = 0" if params["delivery_success"] else "pending > 0")
    filters.within("created", params.get("created"))
    return filters


ROUTES = (
    Route("GET", "/v1/events", list_events, "EventListParams", takes=f"{PAGE} created delivery_success type types"),
    Route("GET", "/v1/events/{id}", retrieve_event, "EventRetrieveParams", takes=""),
)
