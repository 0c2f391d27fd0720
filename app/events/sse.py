"""Server-sent events: opens a stream, sends events, keeps it alive, and ends it.

Streams are many and mostly idle. Starlette's response needs two tasks and several queues for each; this one needs a
sleeping task and a future that hears of the disconnect, and no database connection.

A stream ends when its caller disconnects, may not listen any longer or does not read; after its lifetime, so that
callers spread over new processes; and when the process stops. The caller reconnects with its last id and misses
nothing.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.keyring import Keyring, Watch
from app.domain.errors import DatabaseUnavailable, Refused, Unavailable
from app.domain.events import Cursor
from app.events.feed_statements import Query
from app.events.live import LiveFeed, RenderedEvent, Subscription
from app.http.dependencies import service_of
from app.http.protocol import ABORT
from app.observability import metrics
from app.settings import Settings

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
COME_BACK_MS = 1000
SEND_WITHIN_S = 30.0
"""Seconds a caller may not read before it is dropped. Only the sockets buffer for it."""
AGAIN_S = 1.0
PIECE = 16 * 1024

LEFT, NOT_READ = "left", "not_read"
UNFINISHED = (LEFT, NOT_READ)
"""The reasons of an end that nobody receives."""


@dataclass(frozen=True, slots=True)
class Listener:
    """The caller of a stream, which may open `most`. `require` raises Refused once its credentials are not enough."""

    who: str
    most: int
    require: Callable[[], Awaitable[object]]

    async def refusal(self) -> str | None:
        """The error code that ends the stream; None if the caller may listen, or if that cannot be checked now."""
        try:
            await self.require()
        except Refused as refusal:
            return refusal.code
        except Unavailable:
            return None
        return None


def frame(told: RenderedEvent) -> bytes:
    """An event on the wire. It has no event name, so that `onmessage` receives all of them; `type` is in the data."""
    return b"id: %s\ndata: %s\n\n" % (str(told.cursor).encode(), told.document)


def nudge(told: RenderedEvent) -> bytes:
    """The same without the event, for callers that may only know that something changed."""
    return b"id: %s\ndata: changed\n\n" % str(told.cursor).encode()


class EventStream(Response):
    """The response to `request`: events matching `wanted` after `after`, each written by `shown`."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        request: HTTPConnection,
        listener: Listener,
        wanted: Query,
        after: Cursor,
        *,
        shown: Callable[[RenderedEvent], bytes] = frame,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._live, self._keyring = service_of(request, LiveFeed), service_of(request, Keyring)
        settings = service_of(request, Settings)
        self._listener = listener
        self._place = (wanted, after)
        self._shown = shown
        self._heartbeat_s = settings.stream_heartbeat_s
        self._lifetime_s = settings.stream_lifetime_s * random.uniform(0.9, 1)  # noqa: S311 -- no secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._live.listener(self._listener.who, self._listener.most):
            subscription = await self._live.subscribe(*self._place)
            gone = asyncio.ensure_future(_gone(receive))
            gone.add_done_callback(subscription.wake)
            try:
                async with self._keyring.watching(self._listener.who, subscription.wake) as watch:
                    await self._listener.require()  # the credentials may have ended since they were checked
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                    why = await self._tell(subscription, gone, _Sender(scope, send), watch)
                metrics.STREAMS_ENDED(why).inc()
                if why not in UNFINISHED:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                gone.cancel()
                subscription.close()

    async def _tell(self, place: Subscription, gone: "asyncio.Future[None]", sender: "_Sender", watch: Watch) -> str:
        """Send events until the stream ends. Returns the reason."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._lifetime_s
        beat_at = loop.time() + self._heartbeat_s * random.uniform(0, 1)  # noqa: S311 -- not all at once
        sending: Iterable[bytes] = (b"retry: %d\n%s" % (COME_BACK_MS, heartbeat(place.cursor)),)
        while True:
            for piece in sending:
                if not await sender.send(piece):
                    return NOT_READ
            if why := self._over(gone, ends_at):
                return why
            told = await _next(place, min(beat_at, ends_at) - loop.time())
            sending = pieces(map(self._shown, told))
            beats = loop.time() >= beat_at
            if beats or watch.due:
                watch.due = False
                if why := await self._listener.refusal():
                    return why
            if beats:
                beat_at = loop.time() + self._heartbeat_s
                sending = sending if told else (heartbeat(place.cursor),)

    def _over(self, gone: "asyncio.Future[None]", ends_at: float) -> str | None:
        if gone.done():
            return LEFT
        if self._live.ended:
            return "stopping"
        return "lifetime" if asyncio.get_running_loop().time() >= ends_at else None


class _Sender:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._abort = scope.get("extensions", {}).get(ABORT, {}).get("abort")
        self._send = send

    async def send(self, body: bytes) -> bool:
        """Send `body`. Returns False if it was not taken, after cutting the connection."""
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            if self._abort is not None:
                self._abort()
                await asyncio.sleep(0)  # the server hears of it before the response ends without an end
            return False
        return True


async def _next(place: Subscription, within_s: float) -> list[RenderedEvent]:
    try:
        return await place.take(max(within_s, 0))
    except DatabaseUnavailable:
        await asyncio.sleep(min(AGAIN_S, max(within_s, 0)))
        return []


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def pieces(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The events in pieces. Each is sent only once the caller has taken most of the one before."""
    piece = b""
    for one in frames:
        piece += one
        if len(piece) >= PIECE:
            yield piece
            piece = b""
    if piece:
        yield piece


def heartbeat(cursor: Cursor) -> bytes:
    """Keeps the connection open. It is no event, but moves the id on, so that resuming has less to read."""
    return b": \nid: %s\n\n" % str(cursor).encode()
