"""Two APIs, two workers, one database: killed, crashed and cut off at random moments, while invoices live.

Nothing that was acknowledged is lost, nothing is applied twice, and the state ends as Stripe's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import asyncpg
import httpx
import pytest

from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import PrivatePostgres
from tests.fixtures.sandbox import WEBHOOK_SECRET, Sandbox
from tests.fixtures.service import Service, service_environment
from tests.fixtures.stage import Dashboard
from tests.fixtures.waiting import until
from tests.lab.conftest import CHAOS_S
from tests.lab.life import PATHS, Life
from tests.lab.truth import Truth, must_hold

SETTINGS = {"WORKER_LEASE_S": "2", "WORKER_POLL_S": "0.2", "WORKER_BATCH": "8", "RECONCILE_EVERY_S": "3600"}
QUIET_WITHIN_S = 90


class Fleet:
    """Two APIs and two workers on one PostgreSQL, and what kills them."""

    def __init__(self, services: list[Service], postgres: PrivatePostgres, dice: Random) -> None:
        self._services = services
        self._postgres = postgres
        self._dice = dice
        self.survived: Counter[str] = Counter()

    async def torment(self, until_: float) -> None:
        """Kill something every now and then; it is started again a moment later."""
        plagues = [self._kill, self._kill, self._kill, self._cut, self._crash]
        while time.monotonic() < until_:
            await asyncio.sleep(self._dice.uniform(0.3, 1.5))
            await self._dice.choice(plagues)()

    async def _kill(self) -> None:
        service, name = self._dice.choice(self._services), self._dice.choice(["api", "worker"])
        service.kill(name, signal.SIGKILL)
        self.survived[f"kill -9 of {name}"] += 1
        await asyncio.sleep(self._dice.uniform(0, 0.5))
        service.start(name)

    async def _cut(self) -> None:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            connection = await asyncpg.connect(self._postgres.url, timeout=5)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND application_name = 'invoicing'"
            )
            await connection.close()
            self.survived["all connections cut"] += 1

    async def _crash(self) -> None:
        await asyncio.to_thread(self._postgres.crash)
        self.survived["PostgreSQL -m immediate"] += 1
        await asyncio.sleep(self._dice.uniform(0, 0.5))
        await asyncio.to_thread(self._postgres.start)

    async def ready(self) -> None:
        for service in self._services:
            await service.ready(within=60)


@pytest.fixture
async def fleet(
    postgres_server: Callable[[], PrivatePostgres], sandbox: Sandbox, api_port: int, tmp_path: Path
) -> AsyncIterator[Fleet]:
    postgres = postgres_server()
    services = []
    for number, port in enumerate((api_port, find_free_port())):
        folder = tmp_path / f"service-{number}"
        folder.mkdir()
        service = Service(service_environment(postgres.url, sandbox, port, folder) | SETTINGS, folder)
        services.append(service)
        for name in ("api", "worker"):
            service.start(name)
    second = f"{services[1].url}/webhooks/stripe"
    await sandbox._call("POST", "webhooks/endpoint", url=second, secret=WEBHOOK_SECRET)
    await sandbox.switch(retry_base_s=0.3, delivery_timeout_s=5)
    made = Fleet(services, postgres, Random(int(os.environ.get("LAB_SEED", "7"))))  # noqa: S311 -- reproducible dice
    await made.ready()
    yield made
    for service in services:
        await service.close()
    await sandbox.reset()


async def live(sandbox: Sandbox, dice: Random, until_: float) -> int:
    """Begin lives and carry them on, one step after the other, for as long as there is time; then to their end."""
    lives: list[tuple[Life, list[object]]] = []
    while time.monotonic() < until_ or any(steps for _, steps in lives):
        if time.monotonic() < until_:
            lives.append((Life(Dashboard(sandbox)), list(PATHS[dice.choice(sorted(PATHS))])))
        for life, steps in lives:
            if steps:
                await steps.pop(0)(life)  # type: ignore[operator]
        await asyncio.sleep(0.05)
    return len(lives)


async def quiet(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    waiting = await connection.fetchval(
        "SELECT count(*) FROM webhook_events WHERE status IN ('received', 'processing', 'failed')"
    )
    await connection.execute("UPDATE webhook_events SET next_attempt_at = now() WHERE status = 'failed'")
    return bool(waiting == 0)


@pytest.mark.timeout(2 * CHAOS_S + 200)
async def test_nothing_acknowledged_is_lost_and_nothing_is_applied_twice(
    fleet: Fleet, sandbox: Sandbox, record_property: Callable[[str, object], None]
) -> None:
    dice = Random(int(os.environ.get("LAB_SEED", "7")) + 1)  # noqa: S311 -- reproducible dice
    for healing in ("/v1/events", "/v1/invoices"):  # the lists that would make good what deliveries lost
        await sandbox.fault("GET", healing, status=400)
    await sandbox.mode(duplicate=1, shuffle=True, shuffle_ms=400, seed=1)
    end = time.monotonic() + CHAOS_S
    invoices, _ = await asyncio.gather(live(sandbox, dice, end), fleet.torment(end))
    await fleet.ready()
    await sandbox.retry()
    await sandbox.idle(retries=True, timeout_s=QUIET_WITHIN_S)
    connection = await asyncpg.connect(fleet._postgres.url)
    await until(lambda: quiet(connection), within=QUIET_WITHIN_S)
    await sandbox.clear_faults()
    attempts = (await sandbox._call("GET", "webhooks/attempts?limit=1000000"))["attempts"]
    acknowledged = {it["event"] for it in attempts if it["status"] == httpx.codes.OK}
    stored = {row["id"] for row in await connection.fetch("SELECT id FROM webhook_events")}
    assert acknowledged <= stored
    await must_hold(await Truth.of(sandbox), connection)
    await connection.close()
    record_property("invoices", invoices)
    record_property("events", len(stored))
    record_property("deliveries", len(attempts))
    record_property("survived", dict(fleet.survived))
    assert sum(fleet.survived.values()) > CHAOS_S / 4
