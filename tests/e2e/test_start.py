"""What `invoicing serve` says when it starts: where it listens, and what it cannot reach."""

import json
from typing import Any

import pytest

from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.service import MakeService, Service
from tests.fixtures.waiting import until

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
