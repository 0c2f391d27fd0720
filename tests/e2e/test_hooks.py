"""The team's own code in a real worker: the example of the documentation, installed; code that cannot be loaded, or kills."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.fixtures.billing import open_invoice, posted
from tests.fixtures.mail import MailServer
from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.service import MakeService, Service, _inherited
from tests.fixtures.warm import run_warm

pytestmark = pytest.mark.e2e

DOCUMENT = PROJECT / "docs" / "fulfillment-actions.md"
GROUP = "invoicing.fulfillment_actions"
Eventually = Callable[..., Awaitable[Any]]
Json = dict[str, Any]


class Warehouse:
    """What the example talks to; it answers as it is told, then 201."""

    def __init__(self) -> None:
        self.asked: list[tuple[str | None, Json]] = []
        self.answers: list[tuple[int, Json]] = []
        warehouse = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                warehouse.asked.append((self.headers["Idempotency-Key"], json.loads(body)))
                status, answer = warehouse.answers.pop(0) if warehouse.answers else (201, {})
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse()
    yield made
    made.close()


def installed(folder: Path, files: dict[str, str]) -> str:
    """Install a package of these files the way pip does; the PYTHONPATH that finds it."""
    source, target = folder / "source", folder / "installed"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return f"{target}:{PROJECT}"


def laid_out(folder: Path, name: str, value: str, module: str) -> str:
    """Lay a package out as if it were installed; the PYTHONPATH that finds it."""
    dist = folder / "broken-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (dist / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")
    (folder / "broken.py").write_text(module)
    return f"{folder}:{PROJECT}"


def documented() -> dict[str, str]:
    """Return the files of the example, by their names."""
    return dict(re.findall(r"^`([a-z_.]+)`\n\n```\w+\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL))


async def jobs(service: Service) -> list[Json]:
    return list((await service.client.get("/v1/fulfillment-actions")).json()["data"])


async def execute(service: Service, statement: str) -> None:
    connection = await asyncpg.connect(service.environment["DATABASE_URL"])
    await connection.execute(statement)
    await connection.close()


async def announced(service: Service, eventually: Eventually) -> None:
    async def told() -> bool:
        return "actions_announced" in service.logs("worker")

    await eventually(told, within=30)


async def paid(service: Service, **changes: Any) -> Json:
    invoice = await open_invoice(service.client, **changes)
    return dict(await posted(service.client, f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"}))


async def test_the_documented_example_ships_once_asks_again_and_gives_up_what_is_refused(
    make_service: MakeService, warehouse: Warehouse, eventually: Eventually, tmp_path: Path
) -> None:
    example = documented()
    assert set(example) == {"pyproject.toml", "shop_fulfillment.py"}
    path = installed(tmp_path, example)
    service = await make_service(PYTHONPATH=path, WAREHOUSE_URL=warehouse.url, WORKER_POLL_S="0.1")
    await announced(service, eventually)
    warehouse.answers = [(503, {})]
    first = await paid(service, reference="order-1")

    async def told(count: int, *statuses: str) -> bool:
        return len(warehouse.asked) == count and sorted(job["status"] for job in await jobs(service)) == list(statuses)

    await eventually(lambda: told(1, "failed"), within=30)
    await execute(service, "UPDATE fulfillment_actions SET next_attempt_at = now()")
    await eventually(lambda: told(2, "done"), within=30)
    (key, order), again = warehouse.asked
    assert (key, order) == again
    (job,) = await jobs(service)
    assert (job["id"], job["invoice"], job["action"]) == (key, first["id"], "ship")
    items = [{"what": "Consulting, two days", "count": 1}, {"what": "Travel", "count": 1}]
    assert order == {"order": "order-1", "items": items}
    warehouse.answers = [(422, {"code": "no_such_article"})]
    await paid(service, reference="order-2")
    await eventually(lambda: told(3, "dead", "done"), within=30)
    assert (await jobs(service))[0]["reason"] == "the warehouse refuses it: no_such_article"
    timeline = (await service.client.get(f"/v1/invoices/{first['id']}/timeline")).json()["data"]
    assert [entry["what"] for entry in timeline if entry["kind"] == "action"] == ["ship"]


KILLS = """
import os

async def kill(action):
    os._exit(7)
"""


async def test_a_hook_that_kills_its_worker_is_set_aside_and_the_others_mail_is_sent(
    make_service: MakeService, mail: MailServer, eventually: Eventually, tmp_path: Path
) -> None:
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail.port), "SMTP_SECURITY": "none"}
    path = laid_out(tmp_path, "poison", "broken:kill", KILLS)
    service = await make_service(PYTHONPATH=path, **smtp, SMTP_FROM="orders@shop.example", WORKER_POLL_S="0.1")
    await announced(service, eventually)
    service._children["worker"].expected_to_end = True
    invoice = await paid(service)

    async def died() -> bool:
        return service.exit_status("worker") is not None

    async def ended() -> bool:
        found = {job["action"]: job["status"] for job in await jobs(service)}
        assert found == {"poison": "dead", "email": "done"}
        return True

    for _ in range(5):
        await eventually(died, within=30)
        assert service.exit_status("worker") == 7
        await execute(
            service, "UPDATE fulfillment_actions SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"
        )
        service.start("worker")
        service._children["worker"].expected_to_end = True
    await eventually(ended, within=30)
    assert service.exit_status("worker") is None
    assert {message.to[0] for message in mail.messages} == {"jenny.rosen@example.com"}
    assert len(set(mail.ids)) == 1
    poison = next(job for job in await jobs(service) if job["action"] == "poison")
    assert (poison["invoice"], poison["reason"]) == (invoice["id"], "Its worker died or hung each time.")


@pytest.mark.parametrize(
    ("name", "value", "module", "told"),
    [
        ("ship", "broken:ship", "import nothing_of_that_name\n", "cannot be imported: ModuleNotFoundError"),
        ("ship", "broken:ship", "", "cannot be imported: AttributeError"),
        ("ship", "broken:ship", "def ship(action): ...\n", "it must be an async function"),
        ("Ship it", "broken:ship", "async def ship(action): ...\n", "its name must match"),
        ("email", "broken:ship", "async def ship(action): ...\n", "not be 'email'"),
    ],
)
def test_a_hook_that_cannot_be_called_stops_the_worker_before_it_starts(
    tmp_path: Path, name: str, value: str, module: str, told: str
) -> None:
    refused = start_worker(tmp_path, PYTHONPATH=laid_out(tmp_path, name, value, module))
    assert refused.returncode == 2
    assert told in refused.stderr
    assert f"The fulfillment action {name!r}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_template_that_cannot_be_written_stops_the_worker_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "fulfilled.txt").write_text("Hello {{ invoice.nick_name }}")
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "orders@shop.example", "MAIL_TEMPLATES_DIR": str(tmp_path)}
    refused = start_worker(tmp_path, **smtp)
    assert refused.returncode == 2
    assert "The mail for fulfilled cannot be written: UndefinedError" in refused.stderr
    assert "Traceback" not in refused.stderr


def start_worker(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "STRIPE_SECRET_KEY": "sk_test_none",
        "STRIPE_WEBHOOK_SECRETS": "whsec_0123456789abcdef",
    }
    return run_warm("worker", env=_inherited() | environment | changes, cwd=folder)


async def test_from_the_webhook_to_the_mail_though_the_worker_dies_between_its_acceptance_and_the_mark(
    make_service: MakeService, mail: MailServer, sandbox: Sandbox, eventually: Eventually
) -> None:
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mail.port), "SMTP_SECURITY": "none"}
    service = await make_service(**smtp, SMTP_FROM="Shop <orders@shop.example>", WORKER_POLL_S="0.1")
    await announced(service, eventually)

    async def die() -> None:
        service.kill("worker")

    mail.answers["DATA"] = [die]
    invoice = await paid(service)

    async def status() -> str:
        return ",".join(job["status"] for job in await jobs(service))

    async def dead() -> bool:
        return service.exit_status("worker") is not None

    await eventually(dead, within=30)
    assert await status() == "running"
    service.start("worker")
    await execute(service, "UPDATE fulfillment_actions SET next_attempt_at = now()")

    async def done() -> bool:
        return await status() == "done"

    await eventually(done, within=30)
    assert len(mail.messages) == 2
    assert len(set(mail.ids)) == 1
    assert mail.messages[0].parsed["Subject"] == f"Your order is confirmed: invoice {invoice['number']}"
    logs = service.logs("worker") + service.logs("api")
    assert "jenny.rosen@" not in logs
    assert logs.count('"event":"action_done"') == 1
