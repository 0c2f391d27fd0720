"""Dump, lose everything, restore: Stripe heals what the dump does not know, and the state is Stripe's again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.domain.events import START, Cursor
from app.events import feed_statements
from tests.fixtures.consumer import Consumer, endpoint
from tests.fixtures.postgres import PrivatePostgres
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, Service
from tests.fixtures.stage import Dashboard
from tests.fixtures.warm import run_warm
from tests.lab.life import PATHS, Life, Step
from tests.lab.truth import Truth, must_hold

pytestmark = pytest.mark.e2e

Eventually = Callable[..., Awaitable[Any]]
SETTINGS = {"RECONCILE_EVERY_S": "3600", "REPAIR_EVERY_S": "3600", "WORKER_POLL_S": "0.2"}
ORDER = {"days_until_due": 3, "items": [{"amount": 700, "currency": "usd"}], "finalize": True, "reference": "order-77"}
KEY = {"Idempotency-Key": "order-77"}


def begun(sandbox: Sandbox) -> list[tuple[Life, list[Step]]]:
    """An invoice's life for each way through it, none of its steps taken yet.

    Some are left out: which PaymentIntent an invoice shows that none has paid depends on whether Stripe was asked.
    """
    ways = [
        steps for name, steps in PATHS.items() if Life.detach not in steps and name != "called off by a credit note"
    ]
    return [(Life(Dashboard(sandbox)), list(steps)) for steps in ways]


async def take(lives: list[tuple[Life, list[Step]]], most: int) -> None:
    """Carry every life on by up to `most` steps."""
    for life, steps in lives:
        for _ in range(min(most, len(steps))):
            await steps.pop(0)(life)


async def quiet(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
    waiting = "SELECT count(*) FROM webhook_events WHERE status NOT IN ('processed', 'ignored')"
    return bool(await connection.fetchval(waiting) == 0)


async def told(connection: asyncpg.Connection[asyncpg.Record], after: Cursor) -> tuple[set[tuple[str, str]], Cursor]:
    """What a reader of the feed hears after `after`, as (invoice, type), and where it stands then."""
    found: set[tuple[str, str]] = set()
    while True:
        page = await feed_statements.read(connection, after, limit=500)
        found |= {(event.invoice, event.type) for event in page.events}
        after = page.events[-1].cursor if page.events else after
        if not page.more and not page.held:
            return found, after


def invoicing(service: Service, url: str, *words: str) -> str:
    """What a person types after a restore."""
    done = run_warm(*words, env=service.surroundings | {"DATABASE_URL": url}, cwd=service.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def fulfilled(connection: asyncpg.Connection[asyncpg.Record]) -> tuple[set[str], set[str]]:
    """The invoices whose fulfillment was told in this feed, and all that were ever fulfilled."""
    told_of = await connection.fetch("SELECT invoice FROM changes WHERE type = 'fulfillment.fulfilled'")
    ever = await connection.fetch("SELECT invoice FROM fulfillments WHERE fulfilled_at IS NOT NULL")
    return {row["invoice"] for row in told_of}, {row["invoice"] for row in ever}


async def must_be_erased(connection: asyncpg.Connection[asyncpg.Record], customer: str) -> None:
    row = await connection.fetchrow("SELECT name, email, deleted_at FROM customers WHERE id = $1", customer)
    assert row is not None
    assert (row["name"], row["email"], row["deleted_at"] is None) == (None, None, False)


async def must_be_refused(service: Service, order: dict[str, Any], existing: str) -> None:
    """A caller repeats a request that only the lost database knew: its reference says that it was done."""
    repeated = await service.client.post("/v1/invoices", json=order, headers=KEY)
    assert (repeated.status_code, repeated.json()["code"]) == (409, "reference_taken")
    assert repeated.json()["existing"] == existing


@pytest.mark.timeout(480)
async def test_what_happened_after_the_dump_comes_back_from_stripe(
    postgres_server: Callable[..., PrivatePostgres],
    make_service: MakeService,
    sandbox: Sandbox,
    consumer: Consumer,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    lost = postgres_server()
    service = await make_service(database_url=lost.url, **SETTINGS)
    listening = await endpoint(service.client, consumer.url, types=["fulfillment.fulfilled"])
    before, connection = begun(sandbox), await asyncpg.connect(lost.url)
    await take(before, 2)
    gone = (await service.client.post("/v1/customers", json={"name": "Erased", "email": "erased@example.com"})).json()
    await sandbox.idle()
    await eventually(lambda: quiet(connection))
    await asyncio.to_thread(lost.dump, tmp_path / "dump")
    _, at_the_dump = await told(connection, START)

    after = begun(sandbox)
    await take(before, 1)
    await take(after, 3)
    order = {"customer": before[0][0].customer, **ORDER}
    made = await service.client.post("/v1/invoices", json=order, headers=KEY)
    assert made.status_code == 201, made.text
    assert (await service.client.delete(f"/v1/customers/{gone['id']}")).status_code == 200
    await sandbox.idle()
    await eventually(lambda: quiet(connection))
    unsaved, last_read = await told(connection, at_the_dump)
    assert "fulfillment.fulfilled" in {kind for _, kind in unsaved}
    assert last_read > at_the_dump
    await connection.close()
    for name in ("worker", "api"):
        service.kill(name)
    await asyncio.to_thread(lost.destroy)
    await take([*before, *after], 99)  # the world goes on: nobody hears these deliveries

    found = await asyncio.to_thread(postgres_server, tmp_path / "dump")
    assert "The feed goes on behind what is stored." in invoicing(service, found.url, "migrate", "--restored")
    healed = invoicing(service, found.url, "reconcile")
    assert " were missing" in healed
    assert " 0 were missing" not in healed
    service = await make_service(database_url=found.url, ready=False, **SETTINGS)
    connection = await asyncpg.connect(found.url)
    await eventually(lambda: quiet(connection), within=60)
    await service.ready()

    truth = await Truth.of(sandbox)
    await must_hold(truth, connection)
    await must_be_erased(connection, gone["id"])
    again, _ = await told(connection, last_read)
    ends = {(invoice, kind) for invoice, kind in unsaved if kind in {"fulfillment.fulfilled", "invoice.voided"}}
    assert ends <= again
    told_of, ever = await fulfilled(connection)
    assert ever >= told_of > set()

    async def all_delivered() -> bool:
        heard = [received.verified(listening["secret"])["subject"] for received in consumer.received]
        return told_of <= set(heard) <= ever

    await eventually(all_delivered, within=60)
    await must_be_refused(service, order, existing=made.json()["id"])
    assert "0 were missing" in invoicing(service, found.url, "reconcile")
    assert ": 0 differences" in invoicing(service, found.url, "rebuild", "--verify")
    await connection.close()
