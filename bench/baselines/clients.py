"""The ways to call Stripe once: a form with the key and an idempotency key there, JSON back. BENCH_CLIENT says which.

aiohttp      the least there is
httpx        the usual client
sdk_raw      Stripe's SDK over its aiohttp transport, its raw request: no objects
sdk_objects  the same with its typed objects, written out as JSON again
sdk_default  the same over httpx, as the SDK comes
"""

import os
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import aiohttp
import httpx
import msgspec
import stripe

CLIENT = os.environ.get("BENCH_CLIENT", "aiohttp")
STRIPE = os.environ.get("BENCH_STRIPE", "http://127.0.0.1:9")
PATH = "/v1/customers"
KEY = "sk_test_bench"
MOST = 500

Call = Callable[[dict[str, Any]], Awaitable[bytes]]


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}", "Idempotency-Key": uuid.uuid4().hex}


def _form(wanted: dict[str, Any]) -> dict[str, str]:
    form = {key: value for key, value in wanted.items() if isinstance(value, str)}
    return form | {f"metadata[{key}]": value for key, value in wanted["metadata"].items()}


async def _by_aiohttp(stack: AsyncExitStack) -> Call:
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=MOST)))

    async def call(wanted: dict[str, Any]) -> bytes:
        async with session.post(STRIPE + PATH, data=_form(wanted), headers=_headers()) as answer:
            return msgspec.json.encode(msgspec.json.decode(await answer.read()))

    return call


async def _by_httpx(stack: AsyncExitStack) -> Call:
    limits = httpx.Limits(max_connections=MOST, max_keepalive_connections=MOST)
    client = await stack.enter_async_context(httpx.AsyncClient(limits=limits, trust_env=False))

    async def call(wanted: dict[str, Any]) -> bytes:
        answer = await client.post(STRIPE + PATH, data=_form(wanted), headers=_headers())
        return msgspec.json.encode(msgspec.json.decode(answer.content))

    return call


async def _by_sdk(stack: AsyncExitStack) -> Call:
    stripe.enable_telemetry = False
    transport = stripe.HTTPXClient() if CLIENT == "sdk_default" else stripe.AIOHTTPClient()
    stack.push_async_callback(transport.close_async)
    client = stripe.StripeClient(KEY, base_addresses={"api": STRIPE}, http_client=transport, max_network_retries=0)

    async def raw(wanted: dict[str, Any]) -> bytes:
        answer = await client.raw_request_async("post", PATH, idempotency_key=uuid.uuid4().hex, **wanted)
        return msgspec.json.encode(cast("dict[str, Any]", answer.data))

    async def objects(wanted: dict[str, Any]) -> bytes:
        options: Any = {"idempotency_key": uuid.uuid4().hex}
        customer = await client.v1.customers.create_async(wanted, options)  # type: ignore[arg-type]
        return msgspec.json.encode(customer.to_dict())

    return raw if CLIENT == "sdk_raw" else objects


async def opened(stack: AsyncExitStack) -> Call:
    """The client that BENCH_CLIENT names, for as long as the stack."""
    if CLIENT.startswith("sdk"):
        return await _by_sdk(stack)
    return await (_by_httpx if CLIENT == "httpx" else _by_aiohttp)(stack)
