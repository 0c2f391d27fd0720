"""The stack that is watched: API, worker and sandbox as processes, after a life with everything in it that is counted.

`watched`   `.api`, `.worker` (samples), `.scrape_api()`, `.scrape_worker()`, the ports, `.service`, `.invoice` (the id of
            the invoice that went from draft to fulfilled), `.requests` (its request ids by step), `.lines(name)` (the log).
"""

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx
import pytest
from stripe import WebhookSignature

from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service, service_environment
from tests.fixtures.waiting import until
from tests.fixtures.watching import Samples, scrape

NAME = "Jenny Rosen"
EMAIL = "jenny.rosen@example.com"


@dataclass
class Watched:
    """See the module's head."""

    service: Service
    sandbox: Sandbox
    database: Database
    api_port: int
    worker_port: int
    invoice: str = ""
    requests: dict[str, str] = field(default_factory=dict)

    async def scrape_api(self) -> Samples:
        return await scrape(self.api_port)

    async def scrape_worker(self) -> Samples:
        return await scrape(self.worker_port)

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.service.logs(name).splitlines() if line.startswith("{")]

    async def post(self, step: str, path: str, body: object = None, status: int = 200, **headers: str) -> Any:
        answer = await self.service.client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        self.requests[step] = answer.headers["X-Request-ID"]
        return answer.json()


async def pay_an_invoice(on: Watched, key: str = "create-1") -> str:
    """From draft to fulfilled; its id."""
    customer: dict[str, Any] = {"name": NAME, "email": EMAIL, "payment_method": "pm_card_visa"}
    customer |= {"invoice_settings": {"default_payment_method": "pm_card_visa"}}
    made = await on.post("customer", "/v1/customers", customer, 201)
    terms = {"customer": made["id"], "days_until_due": 30, "items": [{"amount": 5000, "currency": "usd"}]}
    invoice = await on.post("create", "/v1/invoices", terms, 201, **{"Idempotency-Key": key})
    path = f"/v1/invoices/{invoice['id']}"
    await on.post("finalize", f"{path}/finalize")
    await on.post("pay", f"{path}/pay")

    async def fulfilled() -> bool:
        found = (await on.service.client.get(path)).json()
        return (found["fulfillment"] or {}).get("status") == "fulfilled"

    await until(fulfilled, within=30)
    await on.post("replay", "/v1/invoices", terms, 201, **{"Idempotency-Key": key})
    await on.post("mismatch", "/v1/invoices", terms | {"days_until_due": 31}, 422, **{"Idempotency-Key": key})
    other = await on.post("other", "/v1/invoices", terms | {"finalize": True}, 201)
    await on.post("void", f"/v1/invoices/{other['id']}/void")
    return str(invoice["id"])


async def _ask_what_is_refused(on: Watched) -> None:
    client = on.service.client
    assert (await client.get("/no/such/place")).status_code == 404
    assert (await client.get("/v1/invoices/in_nobodys")).status_code == 404
    assert (await client.get("/v1/invoices", headers={"Authorization": "Bearer none"})).status_code == 401
    assert (await client.post("/webhooks/stripe", content=b"{}")).status_code == 400
    now = int(time.time())
    forged = WebhookSignature.generate_signature_header("{}", "whsec_of_somebody_else", now)
    answer = await client.post("/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": forged})
    assert answer.status_code == 400
    assert (await client.get("/docs/start.js")).status_code == 200
    assert (await client.get("/pay/plk_nothing")).status_code in {403, 404}


async def _deliver(on: Watched, event: dict[str, Any]) -> httpx.Response:
    body = json.dumps(event)
    header = WebhookSignature.generate_signature_header(body, on.sandbox.webhook_secret, int(time.time()))
    return await on.service.client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})


async def _have_trouble(on: Watched) -> None:
    """Stripe fails once, a delivery comes twice, an event cannot be applied, and another is dead."""
    await on.sandbox.fault("POST", "/v1/products", kind="status", status=500, times=1)
    await on.post("product", "/v1/products", {"name": "A"}, 201)
    event = {"id": "evt_bad", "object": "event", "type": "invoice.paid", "created": int(time.time()), "livemode": False}
    for _ in range(2):
        assert (await _deliver(on, event | {"data": {"object": {"id": "in_bad"}}})).status_code == 200
    connection = await asyncpg.connect(on.database.url)
    try:

        async def failed() -> bool:  # and is not tried again while the tests look
            return bool(
                await connection.fetchval(
                    """
                    UPDATE webhook_events SET next_attempt_at = now() + interval '1 hour'
                    WHERE id = $1 AND status = 'failed' RETURNING 1
                    """,
                    "evt_bad",
                )
            )

        await until(failed)
        await connection.execute(
            """
            INSERT INTO webhook_events (id, type, livemode, created_at, payload, source, status, next_attempt_at)
            VALUES ('evt_dead', 'invoice.paid', false, now(), '{}', 'delivery', 'dead', NULL)
            """
        )
    finally:
        await connection.close()


async def _everything_is_tried(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    waiting = "SELECT count(*) FROM webhook_events WHERE status IN ('received', 'processing')"

    async def tried() -> bool:
        return not await connection.fetchval(waiting)

    try:
        await until(tried, within=30)
    finally:
        await connection.close()


ANSWERS = {"/takes": 204, "/fails": 500, "/gone": 410}


@pytest.fixture(scope="module")
def others() -> Iterator[str]:
    """Somebody else's server: what it answers to a webhook is its path."""

    class ResponseSender(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(ANSWERS[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), ResponseSender)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture(scope="module")
async def watched(
    lasting_database: Database,
    running_sandbox: Sandbox,
    others: str,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Watched]:
    await running_sandbox.reset()
    folder = tmp_path_factory.mktemp("watched")
    ports = find_free_port(), find_free_port()
    environment = service_environment(lasting_database.url, running_sandbox, api_port, folder)
    environment |= {"METRICS_PORT": str(ports[0]), "WORKER_METRICS_PORT": str(ports[1]), "STRIPE_MAX_RETRIES": "2"}
    environment |= {"OUTGOING_PRIVATE_NETWORKS": "127.0.0.0/8", "RECONCILE_EVERY_S": "5"}
    environment |= {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "shop@example.com",
    }
    service = Service(environment, folder)
    service.start("api")
    service.start("worker")
    try:
        await service.ready()
        on = Watched(service, running_sandbox, lasting_database, *ports)
        for path in ANSWERS:
            await on.post(path, "/v1/webhook-endpoints", {"url": others + path}, 201)
        on.invoice = await pay_an_invoice(on)
        await _ask_what_is_refused(on)
        await _have_trouble(on)
        await running_sandbox.idle()
        await _everything_is_tried(lasting_database)
        yield on
    finally:
        await service.close()
