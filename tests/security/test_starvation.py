"""Beside a flood of payment pages, the writes of others get through to Stripe.

The flood's clients are a process of their own, so that the test's own loop is free. Stripe answers their look-ups so late
that every slot that look-ups may have is taken all the time. What is asserted is that no write of another caller waits for
them: neither is one refused, nor is one tried twice. How long writes took is recorded, not asserted: it is the machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fixtures.billing import ITEMS, payment_link, posted
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService
from tests.fixtures.waiting import until

pytestmark = pytest.mark.e2e

FLOOD = Path(__file__).with_name("session_flood.py")
CLIENTS = 500
MOST_S = 120.0
LINKS = 12
CONCURRENCY = 8
OF_READS = 6
"""The slots that look-ups may take, three quarters of all: fewer than there are links."""
LATE_MS = 3000
WRITES = 20


async def sessions(client: httpx.AsyncClient) -> list[str]:
    """The paths that payment pages of as many invoices ask for their session."""
    customer = await posted(client, "/v1/customers", {"name": "Jenny", "email": "jenny@example.com"})
    found = []
    for _ in range(LINKS):
        draft = {"customer": customer["id"], "days_until_due": 3, "items": ITEMS, "finalize": True}
        invoice = await posted(client, "/v1/invoices", draft)
        link = await payment_link(client, invoice["id"])
        found.append(f"{urlsplit(link['url']).path}/session")
    return found


async def longest_write(client: httpx.AsyncClient) -> float:
    """Make customers one after another. Returns the longest time in milliseconds."""
    longest = 0.0
    for number in range(WRITES):
        began = time.perf_counter()
        answer = await client.post("/v1/customers", json={"name": f"Bystander {number}"})
        longest = max(longest, (time.perf_counter() - began) * 1000)
        assert answer.status_code == 201, answer.text
    return longest


@contextlib.asynccontextmanager
async def flood(url: str, paths: list[str]) -> AsyncIterator[dict[str, int]]:
    """Let the clients ask while the block runs; yields what is filled afterwards with how often each status came."""
    pipe = asyncio.subprocess.PIPE
    command = (str(FLOOD), str(urlsplit(url).port), str(CLIENTS), str(MOST_S), *paths)
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=pipe, stdout=pipe)
    statuses: dict[str, int] = {}
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        assert await child.stdout.readline() == b"every client has asked\n"
        yield statuses
        child.stdin.close()
        said, _ = await child.communicate()
        statuses.update(json.loads(said))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_writes_of_others_get_through_beside_500_clients_of_payment_pages(
    make_service: MakeService, sandbox: Sandbox
) -> None:
    service = await make_service(
        worker=False, STRIPE_CONCURRENCY=str(CONCURRENCY), STRIPE_TIMEOUT_S="40", STRIPE_DEADLINE_S="45"
    )
    paths = await sessions(service.client)
    calm = await longest_write(service.client)

    async def look_ups() -> list[dict[str, Any]]:
        return await sandbox.requests(method="GET", path="/v1/invoices/*")

    await sandbox.fault("GET", "/v1/invoices/*", kind="slow", delay_ms=LATE_MS)
    before = len(await look_ups())
    made = len(await sandbox.requests(method="POST", path="/v1/customers"))
    async with flood(service.url, paths) as statuses:

        async def slots_are_taken() -> bool:
            return len(await look_ups()) >= before + OF_READS

        await until(slots_are_taken, within=60)
        beside = await longest_write(service.client)
        calls = await sandbox.requests(method="POST", path="/v1/customers")
    sys.stdout.write(f"longest write: {calm:.0f} ms calm, {beside:.0f} ms beside\n")  # shown by `pytest -rP`
    assert [call["status"] for call in calls[made:]] == [200] * WRITES
    assert set(statuses) <= {"200", "429", "503"}
    assert sum(statuses.values()) >= LINKS
