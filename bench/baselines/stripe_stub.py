"""A Stripe that answers every call after a fixed time with an object of the right shape, and counts what was in flight.

It keeps nothing: for correctness there is the sandbox.
"""

import asyncio
import itertools
import os
import time
from typing import Any

import msgspec

LATENCY_S = float(os.environ.get("BENCH_LATENCY_S", "0.05"))
_numbers = itertools.count(int(time.time() * 1000))
_in_flight = {"now": 0, "most": 0, "calls": 0}


def _customer() -> bytes:
    return msgspec.json.encode(
        {
            "id": f"cus_stub{next(_numbers)}",
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
        body = await _answer()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"request-id", b"req_stub"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer() -> bytes:
    _in_flight["calls"] += 1
    _in_flight["now"] += 1
    _in_flight["most"] = max(_in_flight["most"], _in_flight["now"])
    await asyncio.sleep(LATENCY_S)
    _in_flight["now"] -= 1
    return _customer()
