"""The limit: a raw ASGI function on asyncpg or aiohttp. One statement, or one call, a request, and nothing else.

BENCH_INTAKE says what a delivery does: `verify` it only, `record` it (one row), or `mirror` it (and the invoice).
"""

import os
import uuid
from typing import Any

import aiohttp
import asyncpg
import msgspec

from bench.baselines import delivery
from bench.baselines.statements import LIST, MIRROR, ONE, RECORD

INTAKE = os.environ.get("BENCH_INTAKE", "mirror")
STRIPE = os.environ.get("BENCH_STRIPE", "")
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
        status, body = await _create(await _read(receive))
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


async def _create(body: bytes) -> tuple[int, bytes]:
    """What cannot be left out of a call to Stripe: JSON in, a form with the key and an idempotency key, JSON back."""
    wanted = msgspec.json.decode(body)
    form = {key: value for key, value in wanted.items() if isinstance(value, str)}
    form |= {f"metadata[{key}]": value for key, value in wanted["metadata"].items()}
    headers = {"Authorization": "Bearer sk_test_bench", "Idempotency-Key": uuid.uuid4().hex}
    async with parts["session"].post(f"{STRIPE}/v1/customers", data=form, headers=headers) as answer:
        return answer.status, msgspec.json.encode(msgspec.json.decode(await answer.read()))


async def _read(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _live(receive: Any, send: Any) -> None:
    await receive()
    url = os.environ["DATABASE_URL"]
    parts["pool"] = await asyncpg.create_pool(url, min_size=1, max_size=10)
    parts["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=500))
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await parts["session"].close()
    await parts["pool"].close()
    await send({"type": "lifespan.shutdown.complete"})
