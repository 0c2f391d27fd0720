"""While a release is rolled out, the code before it runs on the schema after it, beside the code after it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.db import migrations
from tests.e2e.test_lifecycle import Merchant
from tests.e2e.test_rolling import Load, must_be_whole
from tests.fixtures.caller import ITEM
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.service import MakeService, service_environment

pytestmark = pytest.mark.e2e

PREVIOUS = "3e341b383b192d1b590ef0c87c292f8f97ddc9c4"
"""The code before: the last commit of 0.1.0, the release before this one. Moved with each release (CHANGELOG.md)."""

SAME = (
    "id",
    "number",
    "status",
    "currency",
    "total",
    "amount_paid",
    "amount_remaining",
    "customer",
    "metadata",
    "due_at",
)
"""What no release may say otherwise of an invoice that nobody has touched."""

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the code before; skipped where the history does not reach back to it."""
    git = shutil.which("git")
    folder = tmp_path_factory.mktemp("old")
    if git is None or not (PROJECT / ".git").exists():
        pytest.skip("no git history here: the code before cannot be had")
    packed = subprocess.run(
        [git, "-C", str(PROJECT), "archive", PREVIOUS, "app", "migrations", "alembic.ini"],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        pytest.skip(f"the history does not reach back to {PREVIOUS[:7]}: the code before cannot be had")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    asked = [sys.executable, "-c", "from app.db import schema; print(schema.head())"]
    known = subprocess.run(
        asked, env={"PYTHONPATH": str(folder)}, cwd=folder, capture_output=True, text=True, check=True
    )
    assert known.stdout.strip() not in {"", migrations.head()}, "this is not the code before"
    return folder


async def invoices(merchant: Merchant, ids: list[str]) -> list[dict[str, Any]]:
    """What an upgrade must leave as it is: the invoices with their items, their fulfillments, and the feed."""
    found = [await merchant.get(f"/v1/invoices/{one}") for one in ids]
    return [
        {name: one[name] for name in SAME}
        | {"items": [(item["id"], item["amount"]) for item in one["items"]]}
        | {f"fulfillment {name}": one["fulfillment"].get(name) for name in ("status", "amount_paid", "fulfilled_at")}
        for one in found
    ]


async def test_the_database_of_the_release_before_is_upgraded_under_load(
    old_code: Path, empty_database: Database, make_service: MakeService, sandbox: Sandbox, eventually: Eventually
) -> None:
    asked = [sys.executable, "-m", "app.cli", "migrate"]
    environment = service_environment(empty_database.url, sandbox, 0, old_code) | {"PYTHONPATH": str(old_code)}
    await asyncio.to_thread(subprocess.run, asked, env=environment, cwd=old_code, capture_output=True, check=True)
    connection = await empty_database.connect()
    before = await migrations.revision(connection)
    service = await make_service(
        database_url=empty_database.url, PYTHONPATH=str(old_code), STRIPE_RATE_PER_S="500",
        STRIPE_ENDPOINT_RATE_PER_S="500",
    )  # fmt: skip
    merchant = Merchant(service, sandbox, eventually)
    merchant.of_today = False
    made = [await merchant.open() for _ in range(4)]
    ids = [one["id"] for one in made]
    await merchant.confirm(made[0], "pm_card_visa")
    await merchant.confirm(made[1], "pm_card_chargeDeclined")
    await merchant.post(f"/v1/invoices/{ids[2]}/void")
    await merchant.at_rest()
    told = await invoices(merchant, ids)
    feed = await merchant.get("/v1/events")

    load = Load(service.url)
    load.start()
    await load.flows()
    await asyncio.to_thread(migrations.upgrade, empty_database.url)
    await load.flows()
    await load.stop()
    assert load.failed == []
    assert before != migrations.head()
    assert await migrations.revision(connection) == migrations.head()
    await connection.close()
    await must_be_whole(load, sandbox, empty_database)

    service.environment["PYTHONPATH"] = str(PROJECT)
    await service.restart("api")
    await service.restart("worker")
    merchant.of_today = True
    assert await invoices(merchant, ids) == told
    again = (await service.client.get("/v1/events", params={"limit": len(feed["data"])})).json()["data"]
    assert again == feed["data"]  # an event stays as it was told, without fields that came later
    await merchant.post(f"/v1/invoices/{ids[3]}/pay", {"payment_method": "pm_card_visa"})
    await merchant.fulfillment(ids[3], "fulfilled", amount_paid=2000)


@pytest.mark.parametrize("old", [["api", "worker"], ["api"], ["worker"]], ids=["both", "api", "worker"])
async def test_the_code_before_works_on_the_schema_after(
    old: list[str], old_code: Path, database: Database, make_service: MakeService, sandbox: Sandbox,
    eventually: Eventually,
) -> None:  # fmt: skip
    connection = await database.connect()
    assert await migrations.revision(connection) == migrations.head()
    await connection.close()
    code = {name: str(old_code if name in old else PROJECT) for name in ("api", "worker")}
    service = await make_service(database_url=database.url, worker=False, ready=False, PYTHONPATH=code["api"])
    service.environment["PYTHONPATH"] = code["worker"]
    service.start("worker")
    await service.ready()
    merchant = Merchant(service, sandbox, eventually)
    merchant.of_today = "api" not in old

    paid, declined, voided = [await merchant.open() for _ in range(3)]
    await merchant.confirm(paid, "pm_card_visa")
    await merchant.confirm(declined, "pm_card_chargeDeclined")
    await merchant.post(f"/v1/invoices/{voided['id']}/void")
    await merchant.at_rest()
    await merchant.fulfillment(paid["id"], "fulfilled", amount_paid=2000)
    await merchant.fulfillment(declined["id"], "payment_failed", attempts=1)
    await merchant.fulfillment(voided["id"], "canceled")
    events = await merchant.every("/v1/webhook-events", limit=100)
    assert {event["status"] for event in events} <= {"processed", "ignored"}
    assert len(events) == len({event["id"] for event in events})

    replayed = next(event for event in events if event["type"] == "invoice.paid")
    await merchant.post(f"/v1/webhook-events/{replayed['id']}/replay")
    await merchant.at_rest()
    await merchant.fulfillment(paid["id"], "fulfilled", amount_paid=2000)
    wanted = {"customer": paid["customer"], "days_until_due": 1, "items": [ITEM], "finalize": True}
    key = {"Idempotency-Key": "order-1"}
    first = await merchant.post("/v1/invoices", wanted, headers=key)
    assert (await merchant.post("/v1/invoices", wanted, headers=key))["id"] == first["id"]
    assert (await merchant.get(f"/v1/invoices/{paid['id']}/timeline"))["data"]
