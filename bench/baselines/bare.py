"""The limit: a raw ASGI function. One statement by asyncpg, or one call to Stripe (see clients.py), a request; nothing else.

BENCH_INTAKE says what a delivery does: `verify` it only, `record` it (one row), or `mirror` it (and the invoice).
"""

import os
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import msgspec

from bench.baselines import clients, delivery
from bench.baselines.statements import LIST, MIRROR, ONE, RECORD

INTAKE = os.environ.get("BENCH_INTAKE", "mirror")
JSON = (b"content-type", b"application/json")

parts: dict[str, Any] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    path = scope["path"]
    if path == "/webhooks/stripe":
        status, body = await _deliver(scope, await _read(receive))
    elif path == "/v1/customers":
        status, body = 200, await parts["call"](msgspec.json.decode(await _read(receive)))
    else:
        status, body = 200, await _show(path)
    headers = [JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _deliver(scope: Any, body: bytes) -> tuple[int, bytes]:
    event = delivery.read(body, dict(scope["headers"]).get(b"stripe-signature", b""))
    if event is None:
        return 400, b"{}"
    if INTAKE == "mirror":
        await parts["pool"].execute(MIRROR, *delivery.mirror_arguments(event, body))
    elif INTAKE == "record":
        await parts["pool"].fetch(RECORD, *delivery.record_arguments(event, body))
    return 200, b'{"received":true}'


async def _show(path: str) -> bytes:
    if path == "/healthz":
        return b"{}"
    _, _, invoice = path.partition("/v1/invoices/")
    text = await (parts["pool"].fetchval(ONE, invoice) if invoice else parts["pool"].fetchval(LIST))
    return str(text).encode()


async def _read(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _live(receive: Any, send: Any) -> None:
    await receive()
    async with AsyncExitStack() as stack:
        pool = asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=10)
        parts["pool"] = await stack.enter_async_context(pool)
        parts["call"] = await clients.opened(stack)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
