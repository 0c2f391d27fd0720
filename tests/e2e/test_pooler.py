"""The service behind PgBouncer in transaction mode: every step of the lifecycle, and what needs a session of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from pydantic import SecretStr

from app.main import create_app
from app.settings import Settings
from tests.e2e.test_lifecycle import *  # noqa: F403 -- the same tests, with another service under them
from tests.e2e.test_lifecycle import Merchant
from tests.fixtures.application import running
from tests.fixtures.pooler import FEWEST, Pooler
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service, client_of, service_environment, started

pytestmark = pytest.mark.e2e


async def make_durable(database: Database) -> None:
    """Do what docs/operations.md says: behind a pooler the role or the database says what a session cannot."""
    connection = await database.connect()
    await connection.execute(f'ALTER DATABASE "{database.name}" SET synchronous_commit = on')
    await connection.close()


@pytest.fixture(scope="module")
async def lasting_pooler(lasting_database: Database, pooler_of: Callable[[Database], Pooler]) -> Pooler:
    await make_durable(lasting_database)
    return pooler_of(lasting_database)


@pytest.fixture(scope="module")
async def lasting_service(  # it takes the place of the one without a pooler
    lasting_pooler: Pooler, running_sandbox: Sandbox, api_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    environment = service_environment("", running_sandbox, api_port, folder) | lasting_pooler.environment
    environment["WORKER_POLL_S"] = "3600"  # polling finds nothing here: whatever is processed was heard of by NOTIFY
    async with started(environment, folder) as service:
        yield service


async def test_more_requests_at_once_than_the_pooler_has_connections_all_succeed(
    merchant: Merchant, lasting_pooler: Pooler
) -> None:
    made = await asyncio.gather(*(merchant.customer(name=f"Customer {number}") for number in range(40)))
    read = await asyncio.gather(*(merchant.get(f"/v1/customers/{one['id']}") for one in made))
    assert [one["name"] for one in read] == [f"Customer {number}" for number in range(40)]
    (pool,) = [one for one in lasting_pooler.shown("POOLS") if one["database"] != "pgbouncer"]
    assert pool["pool_mode"] == "transaction"
    assert 0 < sum(int(pool[name]) for name in ("sv_active", "sv_idle", "sv_used")) <= FEWEST


async def test_a_key_revoked_is_refused_at_once_by_every_process(merchant: Merchant) -> None:
    key = await merchant.post("/v1/api-keys", {"name": "to be revoked", "scopes": ["customers:read"]})
    async with client_of(merchant.service.url) as caller:
        caller.headers["Authorization"] = f"Bearer {key['key']}"
        assert (await caller.get("/v1/customers")).is_success
        assert (await caller.get("/v1/customers")).is_success  # from memory
        await merchant.post(f"/v1/api-keys/{key['id']}/revoke")
        assert (await caller.get("/v1/customers")).status_code == httpx.codes.UNAUTHORIZED


async def test_a_server_that_loses_what_it_acknowledges_is_not_used_through_a_pooler(
    settings: Settings, database: Database, pooler_of: Callable[[Database], Pooler]
) -> None:
    through = {name.lower(): value for name, value in pooler_of(database).environment.items()}
    secret = {name: SecretStr(through[name]) for name in ("database_url", "database_direct_url")}
    application = create_app(settings.model_copy(update=through | secret))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of(settings.public_base_url, transport) as client:
        answer = await client.get("/readyz")  # the tests' server has synchronous_commit off
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "unreachable")
        await make_durable(database)
        connection = await database.connect()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        assert (await client.get("/readyz")).status_code == httpx.codes.OK
