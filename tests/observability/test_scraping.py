"""Whoever scrapes gets an answer: of several processes together, while the database is away, while the port is taken."""

import asyncio
import fcntl
import os
import signal
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.scraping import gauges, server
from app.scraping.server import FOLDER, HELD, KEPT_S, PREFIX, Scrape, shared_by
from bench import rows
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.service import MakeService
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until
from tests.fixtures.watching import Samples, scrape

PATIENT_S = 90.0
"""Three interpreters start, on a machine that may be busy."""
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


def asking(scrape: Scrape) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(scrape.application()), base_url="http://metrics")


async def text(scrape: Scrape) -> str:
    async with asking(scrape) as client:
        return (await client.get("/metrics")).text


def serving(pid: int) -> set[int]:
    """The API's processes below their supervisor, but for the one that multiprocessing itself keeps."""
    children = psutil.Process(pid).children()
    alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in alive if "spawn_main" in " ".join(child.cmdline())}


@pytest.mark.e2e
@pytest.mark.timeout(300)
async def test_several_processes_answer_as_one_and_one_that_dies_takes_nothing_with_it_that_was_counted(
    make_service: MakeService, free_port: int
) -> None:
    settings = {"WORKERS": "2", "METRICS_PORT": str(free_port), "DATABASE_POOL_SIZE": "7"}
    service = await make_service(worker=False, ready=False, **settings)
    await service.ready(within=PATIENT_S)
    path = "/v1/invoices/{invoice_id}"

    async def ask(times: int) -> None:
        for _ in range(times):
            async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:  # any process may take it
                await client.get("/v1/invoices/in_1", headers={"Authorization": f"Bearer {service.api_key}"})

    async def counted() -> float:
        return (await scrape(free_port)).value("invoicing_http_requests_total", route=path, status="404")

    await ask(30)
    assert {await counted() for _ in range(10)} == {30}
    found = await scrape(free_port)
    assert found.value("invoicing_http_request_duration_seconds_count", route=path) == 30

    async def pools(most: float) -> bool:
        return (await scrape(free_port)).value("invoicing_database_pool_connections", state="most") == most

    await until(lambda: pools(14), PATIENT_S)  # two processes of 7: each says so every few seconds
    victim, _ = serving(service.pid("api"))
    psutil.Process(victim).send_signal(signal.SIGKILL)

    async def one_is_new() -> bool:
        return len(now := serving(service.pid("api"))) == 2 and victim not in now

    await until(one_is_new, PATIENT_S)

    async def answers() -> Samples | None:
        try:
            return await scrape(free_port)
        except httpx.TransportError:  # the connection was the dead one's
            return None

    await until(answers, PATIENT_S)
    assert await counted() == 30
    await until(lambda: pools(14), PATIENT_S)


def test_a_process_that_has_just_made_its_file_breaks_no_scrape(tmp_path: Path) -> None:
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    assert list(server._counted(str(tmp_path))) == []


async def test_while_the_database_is_away_a_scrape_says_so_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scraped = Scrape(stage.container)
    assert "invoicing_database_up 1.0" in await text(scraped)
    monkeypatch.setattr(server, "KEPT_S", 0.0)
    monkeypatch.setattr(stage.container.database, "_pool", None)
    said = await text(scraped)
    assert "invoicing_database_up 0.0" in said
    assert "invoicing_inbox_lag_seconds" not in said
    assert "invoicing_stripe_circuit_state" in said


@pytest.mark.e2e
@pytest.mark.parametrize("connected", [False, True])
async def test_a_database_that_hangs_keeps_no_scrape_waiting(
    make_service: MakeService, postgres_server: Callable[[], PrivatePostgres], free_port: int, *, connected: bool
) -> None:
    """Kubernetes restarts a worker whose metrics are not answered within ten seconds."""
    server = postgres_server()
    service = await make_service(worker=False, ready=False, database_url=server.url, METRICS_PORT=str(free_port))
    await _listens(free_port)
    if connected:
        assert (await scrape(free_port)).value("invoicing_database_up") == 1
        await asyncio.sleep(KEPT_S)
    postmaster = psutil.Process(int((server._server.data / "postmaster.pid").read_text().split()[0]))
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        started = time.monotonic()
        found = await scrape(free_port)
        assert found.value("invoicing_database_up") == 0
        assert time.monotonic() - started < 10
    finally:
        for process in stopped:
            process.resume()
    assert service.exit_status("api") is None


async def _listens(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.05)


async def test_many_scrapes_are_one_question_to_the_database(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    standing = gauges.standing

    async def counted(connection: Any) -> Any:
        asked.append(connection)
        return await standing(connection)

    monkeypatch.setattr(gauges, "standing", counted)
    scraped = Scrape(stage.container)
    await asyncio.gather(*(text(scraped) for _ in range(5)))
    assert len(asked) == 1


@pytest.mark.e2e
async def test_a_port_that_is_taken_is_told_and_the_service_works_and_listens_when_it_is_free(
    make_service: MakeService, free_port: int, eventually: Eventually
) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        service = await make_service(worker=False, METRICS_PORT=str(free_port))
        assert '"event":"metrics_not_served"' in service.logs("api")
        assert (await service.client.get("/healthz")).status_code == 200

    async def listens() -> bool:
        try:
            return (await scrape(free_port)).value("invoicing_database_up") == 1
        except httpx.TransportError:
            return False

    await eventually(listens)


async def test_there_is_nothing_else_at_the_address_of_the_metrics(stage: Stage) -> None:
    async with asking(Scrape(stage.container)) as client:
        assert (await client.get("/")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405
        assert (await client.get("/metrics")).headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_how_everything_stands_is_read_by_indexes_however_much_is_stored(database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        """
        INSERT INTO webhook_events (
            id, type, livemode, created_at, payload, source, status, next_attempt_at, processed_at
        )
        SELECT 'evt_' || n, 'invoice.paid', false, now(), repeat('x', 500), 'delivery', 'processed', NULL, now()
        FROM generate_series(1, 20000) n
        """
    )
    await rows.invoices(connection, 20000)
    await connection.execute(
        """
        WITH endpoint AS (
            INSERT INTO webhook_endpoints (id, url, types, ordered, secrets, position, change)
            VALUES ('whe_1', 'https://shop.example', '{}', false, '[]', 0, 0) RETURNING id
        )
        INSERT INTO deliveries (endpoint, event, type, in_order, status, next_attempt_at)
        SELECT endpoint.id, 'iev_' || n, 'invoice.paid', false, 'delivered', NULL
        FROM endpoint, generate_series(1, 20000) n
        """
    )
    await connection.execute(
        """
        INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, status, next_attempt_at, finished_at)
        SELECT 'act_' || id, id, invoice, 'email', 'fulfilled', 'done', NULL, now() FROM fulfillments
        """
    )
    await connection.execute("ANALYZE webhook_events, operations, deliveries, fulfillment_actions")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {gauges._STANDING.text}"))
    filled = await connection.fetchval("SELECT DISTINCT tableoid::regclass::text FROM webhook_events")
    for table in (filled, "deliveries", "fulfillment_actions"):
        assert f"Seq Scan on {table}" not in plan, plan
    await connection.close()


async def test_what_is_dead_is_told_until_it_is_asked_for_again(stage: Stage) -> None:
    async def dead() -> tuple[float, dict[str, float]]:
        async with stage.container.database.connection() as connection:
            found = {metric.name: metric.samples for metric in await gauges.standing(connection)}
        [webhooks] = found["invoicing_push_dead"]
        actions = found["invoicing_fulfillment_actions_dead"]
        return webhooks.value, {sample.labels["action"]: sample.value for sample in actions}

    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('email'), ('ship')")
    await stage.rows(
        """
        INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, status, next_attempt_at, finished_at)
        SELECT 'act_' || action, id, invoice, action, 'fulfilled', 'dead', NULL, now()
        FROM fulfillments, unnest('{email,of_before}'::text[]) action WHERE invoice = $1
        """,
        invoice["id"],
    )
    made = (await stage.client.post("/v1/webhook-endpoints", json={"url": "https://shop.example/hooks"})).json()
    endpoint = f"/v1/webhook-endpoints/{made['id']}"
    give_up = "UPDATE deliveries SET status = 'dead', next_attempt_at = NULL WHERE id = $1"
    ping = (await stage.client.post(f"{endpoint}/ping")).json()["id"]
    await stage.rows(give_up, ping)
    assert await dead() == (1, {"email": 1, "ship": 0})
    said = await text(Scrape(stage.container))
    assert 'invoicing_fulfillment_actions_dead{action="email"} 1.0' in said
    assert "invoicing_push_dead 1.0" in said

    await stage.client.post(f"/v1/deliveries/{ping}/redeliver")
    await stage.client.post("/v1/fulfillment-actions/act_email/retry")
    assert await dead() == (0, {"email": 0, "ship": 0})
    await stage.rows(give_up, ping)
    await stage.client.delete(endpoint)
    assert await dead() == (0, {"email": 0, "ship": 0})


def test_folders_that_killed_processes_left_are_removed_and_those_in_use_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv(FOLDER, "")  # so that it is as before afterwards
    left, used = tmp_path / f"{PREFIX}left", tmp_path / f"{PREFIX}used"
    for folder in (left, used):
        folder.mkdir()
        (folder / HELD).touch()
        (folder / "counter_7.db").touch()
        os.utime(folder, (0, 0))
    with (used / HELD).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with shared_by(2):
            ours = Path(os.environ[FOLDER])
            assert (left.exists(), used.exists(), ours.parent) == (False, True, tmp_path)
            os.utime(ours, (0, 0))
            server._sweep()
            assert ours.exists()
    assert not ours.exists()
