"""Two replicas of everything behind a balancer, under load: restarted one after the other, killed, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from stripe import WebhookSignature

from app.http.protocol import LINGER_S
from tests.fixtures.balancer import Balancer
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import WEBHOOK_SECRET, Sandbox
from tests.fixtures.service import Service, client_of, service_environment
from tests.fixtures.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Json = dict[str, Any]
SETTINGS = {
    "WORKER_LEASE_S": "2",
    "WORKER_POLL_S": "0.2",
    "REQUEST_DEADLINE_S": "8",  # a killed request keeps its key for 1.6 times this
    "STRIPE_RATE_PER_S": "500",
    "STRIPE_ENDPOINT_RATE_PER_S": "500",
}
CLIENTS = 3
"""Of each kind: those that read, those that write, those that deliver."""
IDLE_FOR_S = LINGER_S / 2
"""So long may this process stand still, on a busy machine, and use a connection again that a stopping server keeps open."""


@dataclass
class Load:
    """Callers that go on until they are told to stop, each over one connection that it keeps."""

    url: str
    retries: bool = False
    """Whether a caller asks again, under the same key, where its connection broke."""
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    _stopping: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        for one in (self._read, self._write, self._deliver):
            self._tasks += [asyncio.create_task(self._go_on(one)) for _ in range(CLIENTS)]

    async def stop(self) -> None:
        self._stopping = True
        await asyncio.gather(*self._tasks)

    async def flows(self, more: int = 10) -> None:
        """Return when every kind of request went through so many times more."""
        before = Counter(self.done)

        async def went() -> bool:
            return all(self.done[kind] >= before[kind] + more for kind in ("read", "write", "delivery"))

        await until(went, within=60)

    async def _go_on(self, one: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(keepalive_expiry=IDLE_FOR_S))
        async with client_of(self.url, transport) as client:
            while not self._stopping:
                await one(client)
                await asyncio.sleep(0.005)

    async def _send(self, client: httpx.AsyncClient, kind: str, method: str, path: str, **request: Any) -> None:
        while True:
            try:
                answer = await client.request(method, path, **request)
            except httpx.TransportError as error:
                if self.retries:
                    self.done["retried"] += 1
                    continue
                self.failed.append(f"{kind}: {type(error).__name__} {error}")
                return
            if self.retries and answer.status_code == httpx.codes.CONFLICT:  # its first attempt is still under way
                assert answer.json()["code"] == "idempotency_in_progress"
                await asyncio.sleep(0.2)
                continue
            if not answer.is_success:
                self.failed.append(f"{kind}: {answer.status_code} {answer.text}")
            self.done[kind] += 1
            return

    async def _read(self, client: httpx.AsyncClient) -> None:
        await self._send(client, "read", "GET", "/v1/customers", params={"limit": 2})

    async def _write(self, client: httpx.AsyncClient) -> None:
        reference = uuid.uuid4().hex
        self.references.append(reference)
        body = {"name": "Jenny Rosen", "email": "jenny@example.com", "reference": reference}
        headers = {"Idempotency-Key": reference}
        await self._send(client, "write", "POST", "/v1/customers", json=body, headers=headers)

    async def _deliver(self, client: httpx.AsyncClient) -> None:
        number = uuid.uuid4().hex
        self.delivered.append(f"evt_{number}")
        body = json.dumps(
            {
                "id": f"evt_{number}", "object": "event", "type": "product.created", "created": int(time.time()),
                "livemode": False, "api_version": "2026-10-28.endive", "data": {"object": product(number)},
            }
        )  # fmt: skip
        headers = {
            "Stripe-Signature": WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, int(time.time()))
        }
        await self._send(client, "delivery", "POST", "/webhooks/stripe", content=body, headers=headers)


def product(number: str) -> Json:
    return {
        "id": f"prod_{number}", "object": "product", "name": "Consulting", "active": True, "livemode": False,
        "created": 1_700_000_000, "updated": 1_700_000_000, "metadata": {}, "description": None,
    }  # fmt: skip


@pytest.fixture
async def fleet(
    database: Database, sandbox: Sandbox, api_port: int, tmp_path: Path, balancer: Balancer
) -> AsyncIterator[list[Service]]:
    """Two APIs and two workers on one database; the balancer knows both APIs."""
    services = []
    for number, port in enumerate((api_port, find_free_port())):
        folder = tmp_path / f"service-{number}"
        folder.mkdir()
        service = Service(service_environment(database.url, sandbox, port, folder) | SETTINGS, folder)
        services.append(service)
        for name in ("api", "worker"):
            service.start(name)
    for service in services:
        await service.ready()
        balancer.put_in(port_of(service))
    yield services
    for service in services:
        await service.close()


def port_of(service: Service) -> int:
    return int(service.environment["PORT"])


async def must_be_whole(load: Load, sandbox: Sandbox, database: Database) -> None:
    """Every write happened once, and every delivery is stored and applied once."""
    connection = await asyncpg.connect(database.url)

    async def through() -> bool:
        waiting = await connection.fetchval("SELECT count(*) FROM webhook_events WHERE next_attempt_at IS NOT NULL")
        return bool(waiting == 0)

    await sandbox.idle(timeout_s=30)
    await until(through, within=60)
    customers = (await sandbox.state())["customer"]
    made = Counter(one["metadata"]["reference"] for one in customers if "reference" in one["metadata"])
    assert made == Counter(load.references)
    stored = await connection.fetch(
        "SELECT id, status, object_id FROM webhook_events WHERE id = ANY($1)", load.delivered
    )
    assert Counter(row["id"] for row in stored) == Counter(load.delivered)
    assert {row["status"] for row in stored} == {"processed"}
    products = await connection.fetchval(
        "SELECT count(*) FROM products WHERE id = ANY($1)", [row["object_id"] for row in stored]
    )
    assert products == len(load.delivered)
    await connection.close()


async def test_a_rolling_restart_fails_no_request(
    fleet: list[Service], balancer: Balancer, sandbox: Sandbox, database: Database,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    load = Load(balancer.url)
    load.start()
    await load.flows()
    for service in fleet:
        port = port_of(service)
        balancer.take_out(port)  # no new connections; those that stand go on
        assert await asyncio.to_thread(service.kill, "api", signal.SIGTERM) in {0, -signal.SIGTERM}
        assert await asyncio.to_thread(service.kill, "worker", signal.SIGTERM) == 0
        await load.flows()
        service.start("api")
        service.start("worker")
        await service.ready()
        before = balancer.served[port]
        balancer.put_in(port)
        await load.flows()
        while balancer.served[port] == before:  # a new caller comes, and gets the new process
            async with client_of(balancer.url) as newcomer:
                assert (await newcomer.get("/healthz")).is_success
    await load.stop()
    assert load.failed == []
    await must_be_whole(load, sandbox, database)
    record_property("requests", dict(load.done))


async def test_replicas_and_workers_that_are_killed_cost_retries_and_nothing_else(
    fleet: list[Service], balancer: Balancer, sandbox: Sandbox, database: Database
) -> None:
    load = Load(balancer.url, retries=True)
    load.start()
    await load.flows()
    for service in fleet:
        service.kill("api", signal.SIGKILL)
        service.kill("worker", signal.SIGKILL)
        await load.flows()  # the other replica and the other worker carry on
        service.start("api")
        service.start("worker")
        await service.ready()
        await load.flows()
    await load.stop()
    assert load.failed == []
    assert load.done["retried"] > 0
    await must_be_whole(load, sandbox, database)
