"""Beside a flood of one payer's page others' writes go on as if nothing were."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fixtures.caller import ITEM
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, client_of

pytestmark = pytest.mark.e2e

AT_ONCE = 500
AGAIN_S = 1.0
WRITES = 40
SLACK_S = 0.25
"""What a machine may add that others work on, too."""


async def link_of(client: httpx.AsyncClient) -> str:
    """The address of an invoice's payment page."""
    customer = (await client.post("/v1/customers", json={"name": "Jenny", "email": "jenny@example.com"})).json()["id"]
    draft = {"customer": customer, "days_until_due": 3, "items": [ITEM], "finalize": True}
    invoice = (await client.post("/v1/invoices", json=draft)).json()["id"]
    url: str = (await client.post(f"/v1/invoices/{invoice}/payment-link")).json()["url"]
    return url


async def p99_of_writes(client: httpx.AsyncClient) -> float:
    took = []
    for number in range(WRITES):
        started = time.perf_counter()
        answer = await client.post("/v1/products", json={"name": f"Product {number}"})
        took.append(time.perf_counter() - started)
        assert answer.status_code == 201, answer.text
    return sorted(took)[int(len(took) * 0.99)]


async def test_writes_of_others_beside_500_sessions_of_one_link_at_once(
    make_service: MakeService, sandbox: Sandbox, record_property: Callable[[str, Any], None]
) -> None:
    service = await make_service()
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with client_of(service.url) as others, httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as payer:
        url = await link_of(others)
        calm = await p99_of_writes(others)
        stop = asyncio.Event()
        statuses: set[int] = set()

        async def ask() -> None:
            while not stop.is_set():
                statuses.add((await payer.get(f"{url}/session")).status_code)
                await asyncio.sleep(AGAIN_S)  # as a page does that asks again

        flood = [asyncio.create_task(ask()) for _ in range(AT_ONCE)]
        try:
            beside = await p99_of_writes(others)
        finally:
            stop.set()
            await asyncio.gather(*flood, return_exceptions=True)
    measured = f"p99 {beside * 1000:.0f} ms, calm {calm * 1000:.0f} ms"
    record_property("writes beside 500 sessions", measured)
    assert statuses <= {200, 429}
    assert beside <= 2 * calm + SLACK_S, measured
