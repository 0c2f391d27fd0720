"""HTTP messages: reads a request from ASGI, and sends a response to it.

It knows neither routes nor resources.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from offline_stripe.documents import pretty

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MOST_BODY = 4 * 1024 * 1024


class ClientGoneError(Exception):
    """The client closed its connection before the request was read."""


class BodyTooLargeError(Exception):
    """The request is larger than anything Stripe's API takes."""


@dataclass(slots=True)
class Request:
    """A request with its whole body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str
    scope: Scope = field(repr=False)


@dataclass(slots=True)
class Response:
    """An answer; `body` is sent as it is."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


def json_response(status: int, value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(status, pretty(value) + b"\n", headers or {})


async def read_request(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MOST_BODY:
            raise BodyTooLargeError
        if not message.get("more_body"):
            break
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(chunks),
        client=client[0] if client else "",
        scope=scope,
    )


async def send_response(response: Response, send: Send, now: float) -> None:
    """`Date` follows the sandbox's clock."""
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        (b"date", formatdate(now, usegmt=True).encode()),
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
