"""What `invoicing serve` says when it starts: where it listens, and what it cannot reach."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, Service, _inherited, service_environment
from tests.fixtures.waiting import until
from tests.fixtures.warm import start

pytestmark = pytest.mark.e2e


def lines(service: Service) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.logs("api").splitlines() if line.startswith("{")]


async def started(service: Service) -> list[dict[str, Any]]:
    async def listening() -> bool:
        return any(line["event"] == "listening" for line in lines(service))

    await until(listening, within=60)
    return lines(service)


async def test_a_start_says_where_it_listens_and_nothing_else_where_all_is_well(make_service: MakeService) -> None:
    service = await make_service(worker=False)
    said = await started(service)
    assert [line["event"] for line in said if line["event"] != "request"] == ["listening"]
    assert said[0]["url"] == service.url


async def test_a_start_says_what_it_cannot_reach_in_a_line_each(make_service: MakeService) -> None:
    nobody = f"127.0.0.1:{find_free_port()}"
    away = {"STRIPE_API_BASE": f"http://{nobody}"}
    service = await make_service(worker=False, ready=False, database_url=f"postgresql://x@{nobody}/none", **away)
    said = await started(service)
    (database,) = [line for line in said if line["event"] == "database_not_reached"]
    assert "DATABASE_URL" in database["fix"]
    (stripe,) = [line for line in said if line["event"] == "stripe_not_reached"]
    assert stripe["url"] == f"http://{nobody}"


async def test_a_start_says_that_the_database_is_not_migrated(
    make_service: MakeService, empty_database: Database
) -> None:
    service = await make_service(worker=False, ready=False, database_url=empty_database.url)
    (line,) = [line for line in await started(service) if line["event"] == "database_not_migrated"]
    assert line["fix"] == "invoicing migrate"


async def test_the_options_of_serve_go_before_the_settings(
    database: Database, sandbox: Sandbox, tmp_path: Path
) -> None:
    port, log = find_free_port(), tmp_path / "api.log"
    environment = _inherited() | service_environment(database.url, sandbox, find_free_port(), tmp_path)
    words = ("serve", "--host", "localhost", "--port", str(port))
    api = start("api", *words, env=environment | {"HOST": "192.0.2.1"}, cwd=tmp_path, log=log)
    try:

        async def announced() -> bool:
            return f"Listening on http://localhost:{port}." in log.read_text()

        await until(announced, within=60)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://localhost:{port}/healthz")).is_success
    finally:
        api.stop()
