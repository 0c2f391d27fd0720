"""The feed of events: read page by page, waited for, or streamed."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.access.keyring import Keyring
from app.access.ownership import is_invoice
from app.db.engine import Connection, Database
from app.domain.access import Caller, CallerKind, require_allowed
from app.domain.errors import Forbidden, NotFound
from app.domain.events import CUSTOMER_TYPES, START, Cursor, named_place, require_kept, require_reached, require_types
from app.events import feed_statements
from app.events.feed_statements import Query
from app.events.live import LiveFeed, RenderedEvent
from app.events.schemas import CURSOR, FeedPage, FeedQuery, StreamQuery
from app.events.sse import MEDIA_TYPE, EventStream, Listener
from app.http.dependencies import JSON, caller_of, service_of
from app.http.parameters import InvoiceId
from app.http.problems import answers
from app.http.queries import documented, read
from app.http.routing import AuthorizedRoute
from app.settings import Settings

events = APIRouter(prefix="/v1/events", tags=["events"], route_class=AuthorizedRoute)
of_invoices = APIRouter(prefix="/v1/invoices", tags=["events"], route_class=AuthorizedRoute)

LAST_EVENT_ID = "Last-Event-ID"
ANSWER_BEFORE = 0.5
"""The part of a request's time limit that a long poll uses, so that it answers before it is stopped."""
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream of server-sent events; each one's data is a CloudEvent, as lists show it.",
        "content": {
            MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": f'id: {CURSOR}\ndata: {{"specversion":"1.0","id":"iev_0006","type":"fulfillment.fulfilled"}}\n\n',
            }
        },
    }
}
RESUMED = {
    "name": LAST_EVENT_ID,
    "in": "header",
    "required": False,
    "description": "The last id that was received; browsers send it by themselves. It counts before `after`.",
    "schema": {"type": "string"},
}


def _streamed(model: type[StreamQuery]) -> dict[str, Any]:
    found = documented(model)
    found["parameters"].append(RESUMED)
    return found


@events.get("", response_model=FeedPage, responses=answers(), openapi_extra=documented(FeedQuery))
async def list_events(request: Request) -> Response:
    """Read events, oldest first, from the beginning or after a cursor. With `wait`, wait for the next one.

    A reader that goes on with `next_cursor` misses nothing and is told nothing twice.
    """
    asked = read(request, FeedQuery)
    wanted = _wanted(request, asked, asked.invoice)
    after = named_place(asked.after, START)
    async with service_of(request, Database).connection() as connection:
        after = after or await feed_statements.last_position(connection)
        page = await feed_statements.read(connection, after, wanted, limit=asked.limit)
    require_reached(after, page.end)
    require_kept(after, page.gone)
    if page.events or page.more or not asked.wait:
        live = service_of(request, LiveFeed)
        return _page([live.told(event) for event in page.events], page.upto, more=page.more)
    return await _waited(request, wanted, page.upto, asked)


@events.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    responses=answers() | STREAM,
    openapi_extra=_streamed(StreamQuery),
)
async def stream_events(request: Request) -> Response:
    """Stream events as server-sent events, from now on or after a cursor."""
    asked = read(request, StreamQuery)
    wanted = _wanted(request, asked)
    async with service_of(request, Database).connection() as connection:
        after = await _resumed(connection, request, asked, None)
    return EventStream(request, _listener(request), wanted, after)


@of_invoices.get(
    "/{invoice_id}/events",
    status_code=200,
    response_class=EventStream,
    responses=answers("not_found") | STREAM,
    openapi_extra=_streamed(StreamQuery),
)
async def stream_invoice_events(invoice_id: InvoiceId, request: Request) -> Response:
    """Stream the events of one invoice as server-sent events: those before, then new ones."""
    asked = read(request, StreamQuery)
    wanted = _wanted(request, asked, invoice_id)
    async with service_of(request, Database).connection() as connection:
        if not await is_invoice(connection, invoice_id):
            raise NotFound(f"There is no invoice {invoice_id!r}.")
        after = await _resumed(connection, request, asked, START)
    return EventStream(request, _listener(request), wanted, after)


def _wanted(request: Request, asked: StreamQuery, invoice: str | None = None) -> Query:
    """The filter of the request. A customer sees only events of its own invoices, and none that are the merchant's."""
    types = require_types(asked.types) if asked.types is not None else None
    caller = caller_of(request)
    if caller.kind is CallerKind.CUSTOMER:
        types = CUSTOMER_TYPES if types is None else types & CUSTOMER_TYPES
    return Query(types, invoice, caller.customer)


async def _resumed(connection: Connection, request: Request, asked: StreamQuery, otherwise: Cursor | None) -> Cursor:
    """The place where the stream continues or begins. Raises ValidationFailed."""
    given = request.headers.get(LAST_EVENT_ID)
    param = LAST_EVENT_ID if given else "after"
    after = named_place(given or asked.after, otherwise, param)
    if after is None:
        return await feed_statements.last_position(connection)
    require_reached(after, await feed_statements.end(connection), param)
    require_kept(after, await feed_statements.gone(connection), param)
    return after


def _listener(request: Request) -> Listener:
    caller = caller_of(request)
    require = partial(_require_same, caller, request.scope["route"].name, request.scope["authenticate"])
    return Listener(caller.id, _most(caller, service_of(request, Settings)), require)


async def _require_same(caller: Caller, operation: str, authenticate: Callable[[], Awaitable[Caller]]) -> None:
    """Raise Refused unless the credentials still authenticate the same caller and allow the operation."""
    now = await authenticate()
    require_allowed(now, operation)
    if (now.id, now.customer) != (caller.id, caller.customer):
        raise Forbidden("Somebody else by now.")


def _most(caller: Caller, settings: Settings) -> int:
    """The most streams and long polls that the caller may have open on this process. The operator's key may use all."""
    if caller.kind is CallerKind.CUSTOMER:
        return settings.stream_limit_customer
    return settings.stream_limit if caller.kind is CallerKind.BOOTSTRAP else settings.stream_limit_caller


async def _waited(request: Request, wanted: Query, after: Cursor, asked: FeedQuery) -> Response:
    """Answer with the events that come in the time asked for. Raises Unauthenticated if the key ends meanwhile."""
    live, settings, listener = service_of(request, LiveFeed), service_of(request, Settings), _listener(request)
    with live.listener(listener.who, listener.most):
        place = await live.subscribe(wanted, after)
        try:
            most = min(settings.event_wait_s, settings.request_timeout_s * ANSWER_BEFORE)
            async with service_of(request, Keyring).watching(listener.who, place.wake) as watch:
                await listener.require()  # the credentials may have ended since they were checked
                told = await place.take(min(asked.wait, most))
            if watch.due:
                await listener.require()
            shown = told[: asked.limit]
            upto = shown[-1].cursor if len(shown) < len(told) else place.cursor
            return _page(shown, upto, more=len(shown) < len(told))
        finally:
            place.close()


def _page(told: list[RenderedEvent], upto: Cursor, *, more: bool) -> Response:
    tail = msgspec.json.encode({"has_more": more, "next_cursor": str(upto)})
    body = b'{"data":[%s],%s' % (b",".join(one.document for one in told), tail[1:])
    return Response(body, media_type=JSON)
