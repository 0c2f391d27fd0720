"""The consumers of examples/consumer, as they are there to copy, against the running service."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.processes import Child
from tests.fixtures.caller import ITEM
from tests.fixtures.ports import find_free_port
from tests.fixtures.sandbox import PROJECT
from tests.fixtures.service import MakeService, Service, _inherited

FOLDER = PROJECT / "examples/consumer"
TSC = FOLDER / "node_modules/typescript/bin/tsc"
WORKED = re.compile(r"^worked (\S+) (\S+) (\S+)$", re.MULTILINE)

Json = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]


class Consumer:
    """A consumer's process."""

    def __init__(self, command: list[str | Path], folder: Path) -> None:
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._command = command
        self._folder = folder
        self._environment: dict[str, str] = {}
        self._child: Child | None = None
        self._starts = 0

    def configure(self, url: str, key: str, secret: str) -> None:
        self._environment = {
            **_inherited(),
            "INVOICING_URL": url,
            "INVOICING_API_KEY": key,
            "INVOICING_WEBHOOK_SECRET": secret,
            "PORT": str(self.port),
            "STORE": str(self._folder / "store"),
        }

    def start(self) -> None:
        self._child = Child(
            "consumer", self._command, env=self._environment, cwd=self._folder, log=self._folder / "consumer.log"
        )

    @property
    def said(self) -> str:
        log = self._folder / "consumer.log"
        return log.read_text() if log.exists() else ""

    async def listens(self) -> bool:
        return self.said.count("listening") == self._starts

    async def up(self, eventually: Eventually) -> None:
        self._starts += 1
        self.start()
        await eventually(self.listens)

    def worked(self) -> Counter[tuple[str, str, str]]:
        return Counter((found[1], found[2], found[3]) for found in WORKED.finditer(self.said))

    def fulfilled(self) -> list[str]:
        return [subject for kind, subject, _ in self.worked().elements() if kind == "fulfillment.fulfilled"]

    def kill(self) -> None:
        assert self._child is not None
        self._child.expected_to_end = True
        self._child.send(signal.SIGKILL)
        self._child.wait(within=30)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()


@pytest.fixture(params=["python", "typescript"])
def consumer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Consumer]:
    command: list[str | Path] = [sys.executable, FOLDER / "consumer.py"]
    if request.param == "typescript":
        node = shutil.which("node")
        if node is None or not TSC.exists():
            pytest.skip("no node, or typescript is not installed: npm ci --prefix examples/consumer")
        built = subprocess.run([node, TSC, "-p", FOLDER], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout
        command = [node, FOLDER / "dist/consumer.mjs"]
    folder = tmp_path / "consumer"
    folder.mkdir()
    made = Consumer(command, folder)
    yield made
    made.stop()


async def post(service: Service, path: str, body: Json | None = None) -> Json:
    answer = await service.client.post(path, json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def paid(service: Service) -> str:
    customer = await post(service, "/v1/customers", {"name": "Jenny Rosen", "email": "jenny@example.com"})
    wanted = {"customer": customer["id"], "days_until_due": 30, "items": [ITEM], "finalize": True}
    invoice = await post(service, "/v1/invoices", wanted)
    await post(service, f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    return str(invoice["id"])


@pytest.mark.e2e
async def test_a_consumer_verifies_works_once_and_misses_nothing_while_it_was_away(
    make_service: MakeService, consumer: Consumer, eventually: Eventually
) -> None:
    service = await make_service(WORKER_POLL_S="0.2")
    since = datetime.now(UTC).isoformat()
    key = await post(service, "/v1/api-keys", {"name": "consumer", "scopes": ["feed:read"]})
    endpoint = await post(service, "/v1/webhook-endpoints", {"url": consumer.url})
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    consumer.configure(service.url, key["key"], endpoint["secret"])
    await consumer.up(eventually)

    async def has_fulfilled(*invoices: str) -> bool:
        return set(invoices) <= set(consumer.fulfilled())

    first = await paid(service)
    await eventually(lambda: has_fulfilled(first))

    async with httpx.AsyncClient(trust_env=False) as stranger:
        headers = {"webhook-id": "iev_forged", "webhook-timestamp": str(int(datetime.now(UTC).timestamp()))}
        forged = '{"id":"iev_forged","type":"fulfillment.fulfilled","subject":"in_forged"}'
        for signature in ("v1,AAAA", "v1,", "v1,A", "none", ""):
            answer = await stranger.post(
                consumer.url, content=forged, headers=headers | {"webhook-signature": signature}
            )
            assert answer.status_code == 400

    consumer.kill()
    missed = [await paid(service) for _ in range(2)]

    async def fulfilled_here() -> bool:
        found = [(await service.client.get(f"/v1/invoices/{one}")).json()["fulfillment"] or {} for one in missed]
        return all(one.get("status") == "fulfilled" for one in found)

    await eventually(fulfilled_here)
    await consumer.up(eventually)
    await eventually(lambda: has_fulfilled(first, *missed))

    await post(service, f"{path}/redeliver", {"since": since, "statuses": ["delivered", "failed", "dead"]})

    async def delivered() -> bool:
        entries = (await service.client.get(f"{path}/deliveries", params={"limit": 100})).json()["data"]
        return bool(entries) and all(entry["status"] == "delivered" for entry in entries)

    await eventually(delivered, within=30)
    told = (await service.client.get("/v1/events", params={"limit": 500})).json()["data"]
    assert consumer.worked() == Counter((event["type"], event["subject"], event["id"]) for event in told)
    assert "iev_forged" not in consumer.said


@pytest.mark.e2e
async def test_an_answer_that_is_cut_off_ends_no_consumer(consumer: Consumer, eventually: Eventually) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"data"')
        await writer.drain()
        writer.close()

    async def told() -> bool:
        return "not caught up" in consumer.said

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        consumer.configure(f"http://{host}:{port}", "key", "whsec_c2VjcmV0")
        await consumer.up(eventually)
        await eventually(told)
        async with httpx.AsyncClient(trust_env=False) as stranger:
            assert (await stranger.post(consumer.url, content="{}")).status_code == 400
