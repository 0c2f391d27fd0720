"""A consumer of outgoing webhooks that does nothing but note when each came: `/hooks` answers at once, `/slow` hardly ever."""

import asyncio
import time
from typing import Any

import msgspec

SLOW_S = 20.0
_received: dict[str, float] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = b""
    if scope["path"] == "/hooks":
        _received[dict(scope["headers"])[b"webhook-id"].decode()] = time.time()
    elif scope["path"] == "/slow":
        await asyncio.sleep(SLOW_S)
    elif scope["path"] == "/report":
        body = msgspec.json.encode(_received)
        _received.clear()
    elif scope["path"] == "/count":
        body = str(len(_received)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})
