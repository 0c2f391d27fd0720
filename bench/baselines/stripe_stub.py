"""A Stripe that answers every call after a fixed time with an object of the right shape, and counts what was in flight.

A POST makes a customer; a GET answers the customer, the account, or the invoice of a delivery (see events.py) it names.
It keeps nothing: for correctness there is the sandbox.
"""

import asyncio
import itertools
import os
import time
from typing import Any

import msgspec

from bench import events

LATENCY_S = float(os.environ.get("BENCH_LATENCY_S", "0.05"))
_numbers = itertools.count(int(time.time() * 1000))
_in_flight = {"now": 0, "most": 0, "calls": 0}


def _named(path: str) -> bytes:
    """The object that a GET asks for."""
    kind, _, name = path.removeprefix("/v1/").partition("/")
    if kind == "invoices":
        event = msgspec.json.decode(events.payload(int(name.removeprefix("in_bench"))))
        return msgspec.json.encode(event["data"]["object"])
    if kind in ("account", "accounts"):
        return (
            b'{"id":"acct_bench","object":"account","email":"account@example.com","settings":{},"business_profile":{}}'
        )
    return _customer(name)


def _customer(name: str = "") -> bytes:
    return msgspec.json.encode(
        {
            "id": name or f"cus_stub{next(_numbers)}",
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": int(time.time()),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": "customer@example.com",
            "invoice_prefix": "STUB",
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {"team": "blue"},
            "name": "Customer",
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/counts":
        body = msgspec.json.encode(_in_flight)
        _in_flight["most"] = 0
    elif scope["path"] == "/healthz":
        body = b"{}"
    else:
        await _wait()
        body = _named(scope["path"]) if scope["method"] == "GET" else _customer()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"request-id", b"req_stub"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _wait() -> None:
    _in_flight["calls"] += 1
    _in_flight["now"] += 1
    _in_flight["most"] = max(_in_flight["most"], _in_flight["now"])
    await asyncio.sleep(LATENCY_S)
    _in_flight["now"] -= 1
