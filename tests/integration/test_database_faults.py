"""PostgreSQL away at the start, and away for a while: what callers and Stripe hear, and that it comes back by itself."""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import stripe
from prometheus_client import REGISTRY
from pydantic import SecretStr

from app.db import engine
from app.main import create_app
from app.scraping.server import Scrape
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.caller import Caller, hold_to_contract
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.sandbox import PROJECT, WEBHOOK_SECRET, Sandbox
from tests.fixtures.service import client_of

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
PRODUCT = {"name": "A"}


@pytest.fixture
def server(postgres_server: Callable[[], PrivatePostgres]) -> PrivatePostgres:
    return postgres_server()


async def on_disk(server: PrivatePostgres) -> None:
    """The tests' servers commit before they write, which is no matter but for one that is about to crash."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("CHECKPOINT")
    await connection.close()


async def delivery(client: httpx.AsyncClient) -> httpx.Response:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "product.updated",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "prod_1", "object": "product"}},
    }
    body = json.dumps(event)
    header = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, int(time.time()))
    return await client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})


async def test_while_the_database_is_away_everything_says_so_and_afterwards_works_by_itself(
    settings: Settings, server: PrivatePostgres, sandbox: Sandbox, eventually: Eventually
) -> None:
    server.stop()
    application = create_app(settings.model_copy(update={"database_url": SecretStr(server.url)}))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of(settings.public_base_url, transport) as client:
        api = Caller(client, sandbox)

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        async def away() -> None:
            assert (await client.get("/healthz")).status_code == 200
            readiness = await client.get("/readyz")
            assert (readiness.status_code, readiness.json()["checks"]["database"]) == (503, "unreachable")
            for method, path, body in (
                ("GET", "/v1/products", None),
                ("GET", "/v1/invoices/in_1", None),
                ("POST", "/v1/products", PRODUCT),
                ("POST", "/v1/invoices/in_1/finalize", None),
            ):
                problem = await api.refused(method, path, 503, "database_unavailable", body)
                assert problem["retry_after"] >= 1
            answer = await delivery(client)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            hold_to_contract(answer)
            assert await sandbox.requests() == []

        await away()  # at its start
        server.start()
        assert await eventually(ready)
        product = await api.post("/v1/products", PRODUCT)
        await sandbox._call("DELETE", "requests")

        await on_disk(server)
        server.crash()  # in the middle of its life
        await away()
        server.start()
        assert await eventually(ready)
        assert (await api.get(f"/v1/products/{product['id']}"))["name"] == "A"
        assert (await delivery(client)).status_code == 200
        assert (await api.get("/v1/webhook-events/evt_1"))["type"] == "product.updated"


async def test_a_server_that_takes_no_writes_any_more_is_left_for_the_one_that_does(
    settings: Settings, database: Database, sandbox: Sandbox
) -> None:
    """After a failover, the name may lead to the old primary for a while: connections made then must not stay."""
    administrator = await database.connect()
    await administrator.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    application = create_app(settings.model_copy(update={"database_url": SecretStr(database.url)}))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of(settings.public_base_url, transport) as client:
        api = Caller(client, sandbox)
        await api.refused("POST", "/v1/products", 503, "database_unavailable", PRODUCT)
        assert (await delivery(client)).status_code == 503
        await administrator.execute(f"ALTER DATABASE {database.name} RESET default_transaction_read_only")
        await api.post("/v1/products", PRODUCT)
        assert (await delivery(client)).status_code == 200
    await administrator.close()


async def test_with_all_connections_of_the_pool_in_use_a_process_is_ready_and_the_wait_is_counted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a cluster sends it no delivery of Stripe's any more, though these need none of them."""
    monkeypatch.setattr(engine, "ACQUIRE_WITHIN_S", 0.2)
    application = create_app(settings.model_copy(update={"database_pool_size": 1}))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with (
        running(application),
        client_of(settings.public_base_url, transport) as client,
        application.state.container.database.connection(),
    ):
        assert (await client.get("/readyz")).json()["checks"]["database"] == "ok"
        assert await Scrape(application.state.container)._read()  # or the database would seem to be down
        assert (await delivery(client)).status_code == 200
        waited = REGISTRY.get_sample_value("invoicing_database_pool_wait_seconds_sum") or 0
        assert (await client.get("/v1/products")).status_code == 503
        assert (REGISTRY.get_sample_value("invoicing_database_pool_wait_seconds_sum") or 0) - waited > 0.2


async def test_a_database_that_is_not_migrated_is_not_ready(settings: Settings, empty_database: Database) -> None:
    application = create_app(settings.model_copy(update={"database_url": SecretStr(empty_database.url)}))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of(settings.public_base_url, transport) as client:
        readiness = await client.get("/readyz")
        assert readiness.status_code == 503
        assert "expected" in readiness.json()["checks"]["migrations"]


async def migrating(url: str, folder: Path, *options: str) -> Process:
    settings = {"DATABASE_URL": url, "STRIPE_SECRET_KEY": "sk_test_none"}  # the endpoint and its secret come later
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "migrate", *options),
        env={**os.environ, "PYTHONPATH": str(PROJECT), **settings},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_migrating_waits_for_the_database_and_says_so(server: PrivatePostgres, tmp_path: Path) -> None:
    server.stop()
    process = await migrating(server.url, tmp_path)
    assert process.stderr is not None
    assert b"Waiting for the database" in await process.stderr.readline()
    server.start()
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert b"The schema is at" in said


async def test_of_two_that_migrate_at_once_one_waits_for_the_other(empty_database: Database, tmp_path: Path) -> None:
    both = [await migrating(empty_database.url, tmp_path) for _ in range(2)]
    for process in both:
        said, wrong = await process.communicate()
        assert (process.returncode, said) == (0, b"The schema is at head.\n"), wrong


async def test_migrating_gives_up_in_the_end(tmp_path: Path) -> None:
    process = await migrating(f"postgresql:///none?host={tmp_path}", tmp_path, "--wait-s", "0")
    _, said = await process.communicate()
    assert process.returncode == 3
    assert b"could not be reached" in said


async def test_a_schema_of_a_later_release_is_left_as_it_is(database: Database, tmp_path: Path) -> None:
    connection = await database.connect()
    await connection.execute("UPDATE alembic_version SET version_num = 'of_later'")
    migrated = await migrating(database.url, tmp_path)
    assert await migrated.communicate() == (
        b"The schema is at of_later.\n",
        b"The schema was made by a later release than this one.\n",
    )
    assert migrated.returncode == 0, "a roll-out of the release before must not stop here"
    refused = await migrating(database.url, tmp_path, "nowhere")
    _, said = await refused.communicate()
    assert refused.returncode == 2
    assert said.startswith(b"Can't locate revision")
    await connection.close()
