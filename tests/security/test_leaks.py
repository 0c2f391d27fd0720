"""Nothing secret is written down: what a whole run logged, stored and answered is searched for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.mail import MailServer
from tests.fixtures.sandbox import SECRET_KEY, Sandbox
from tests.fixtures.service import API_KEY, MakeService, Service

CLIENT_SECRET = re.compile(r"pi_[A-Za-z0-9]+_secret_[A-Za-z0-9]+")
SIGNATURE = re.compile(r"v1=[0-9a-f]{64}")
CARDS = ("4242424242424242", "4000002500003155")
EMAIL = "jenny.leak@mail.example"
FIRST, REFUSED = "a client secret", "a refused key"

MAY_SHOW_SECRET = re.compile(r"/v1/invoices(/[^/]+/(client-secret|finalize))?")
"""The operations whose answers carry a client secret, by contract."""


class Recorder:
    """Keeps every answer of the run."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.answers: list[tuple[str, str]] = []
        client.event_hooks["response"].append(self._keep)

    async def _keep(self, response: httpx.Response) -> None:
        await response.aread()
        self.answers.append((response.request.url.path, str(response.headers) + response.text))


async def dump(url: str) -> dict[str, str]:
    """Every table as text."""
    connection = await asyncpg.connect(url)
    names = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found = {}
    for name in names:
        rows = await connection.fetch(f'SELECT row::text FROM "{name}" row')  # noqa: S608 -- the catalog's names
        found[name] = "\n".join(row[0] for row in rows)
    await connection.close()
    return found


async def whole_run(service: Service, sandbox: Sandbox, eventually: Callable[..., Awaitable[Any]]) -> dict[str, str]:
    """What a merchant does in a day, well and badly; answers the secrets it saw."""
    client = service.client
    key = await posted(client, "/v1/api-keys", {"name": "shop", "scopes": ["invoices:write"]})
    customer = await posted(client, "/v1/customers", {"email": EMAIL, "payment_method": "pm_card_visa"})
    invoice = await open_invoice(client, customer=customer["id"])
    link = await payment_link(client, invoice["id"])
    await client.get(f"/pay/{link['url'].rpartition('/')[2]}")
    session = await client.get(f"/pay/{link['url'].rpartition('/')[2]}/session")
    secret = (await client.get(f"/v1/invoices/{invoice['id']}/client-secret")).json()["client_secret"]
    assert session.json()["client_secret"] == secret
    finalized = {"Idempotency-Key": "finalize"}
    draft = await posted(client, "/v1/invoices", {"customer": customer["id"], "days_until_due": 1})
    await posted(client, f"/v1/invoices/{draft['id']}/items", {"amount": 500, "currency": "usd", "description": "x"})
    for _ in range(2):
        await client.post(f"/v1/invoices/{draft['id']}/finalize", headers=finalized)
    await client.post(f"/v1/invoices/{invoice['id']}/pay", json={"payment_method": "pm_card_chargeDeclined"})
    await posted(client, f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    # Badly: secrets where they do not belong.
    refused = "ik_test_" + "r" * 55
    await client.get("/v1/invoices", headers={"Authorization": f"Bearer {refused}"})
    await client.get(f"/v1/invoices/{secret}", headers={"X-Request-ID": "sk_test_abcdefghijkl"})
    await client.get(f"/v1/invoices/{CARDS[0]}")
    await client.get(f"/v1/customers/{EMAIL}")
    await client.post("/v1/customers", json={"email": CARDS[1], "card": CARDS[0]})
    await client.post("/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=" + "a" * 64})
    await sandbox.fault("POST", "/v1/customers", kind="status", status=500, code=secret, times=5)
    await client.post("/v1/customers", json={"email": EMAIL})
    await sandbox.clear_faults()

    async def fulfilled() -> bool:
        answer = await client.get(f"/v1/invoices/{invoice['id']}/fulfillment")
        return answer.is_success and answer.json()["status"] == "fulfilled"

    await eventually(fulfilled, within=60)
    await sandbox.idle()
    return {
        "the API key": key["key"],
        FIRST: secret,
        "a payment link": link["url"].rpartition("/")[2],
        REFUSED: refused,
    }


@pytest.mark.e2e
async def test_nothing_secret_is_in_logs_database_or_answers(
    make_service: MakeService, mail: MailServer, sandbox: Sandbox, eventually: Callable[..., Awaitable[Any]]
) -> None:
    mail.answers["RCPT"] = [f"450 4.2.1 <{EMAIL}> is busy", f"550 5.1.1 <{EMAIL}> is unknown"]
    smtp = {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail.port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "o@shop.example",
    }
    service = await make_service(**smtp, WORKER_POLL_S="0.1")
    recorder = Recorder(service.client)
    seen = await whole_run(service, sandbox, eventually)

    async def mailed() -> bool:
        listed = (await service.client.get("/v1/fulfillment-actions", params={"status": "failed"})).json()["data"]
        return bool(listed)

    await eventually(mailed, within=30)
    logs = service.logs("api") + service.logs("worker")
    tables = await dump(service.environment["DATABASE_URL"])
    stored = "\n".join(tables.values())
    assert "450 4.2.1" in tables["fulfillment_actions"]  # a mail was tried
    own = {"Stripe's key": SECRET_KEY, "the bootstrap key": API_KEY, "the signing secret": sandbox.webhook_secret}
    assert logs.count('"event":"request"') > 10  # the search is in something

    for what, secret in (seen | own).items():
        assert secret not in logs, f"{what} is in the logs"
        assert secret not in stored, f"{what} is in the database"
    for text, where in ((logs, "the logs"), (stored, "the database")):
        assert not CLIENT_SECRET.findall(text), f"a client secret is in {where}"
    assert not SIGNATURE.findall(logs)
    assert not [name for name, text in tables.items() if SIGNATURE.search(text) and name != "webhook_events"]
    assert not [card for card in CARDS if card in logs]
    assert EMAIL not in logs
    assert EMAIL not in tables["audit_log"] + tables["changes"] + tables["rate_buckets"] + tables["fulfillment_actions"]

    for path, answer in recorder.answers:
        for what, secret in own.items():
            assert secret not in answer, f"{what} is in an answer of {path}"
        if not MAY_SHOW_SECRET.fullmatch(path) and not path.startswith("/pay/") and seen[FIRST] not in path:
            assert not CLIENT_SECRET.findall(answer), f"a client secret is in an answer of {path}"
        if path != "/v1/api-keys":
            assert seen["the API key"] not in answer, path


@pytest.mark.e2e
async def test_every_answer_with_a_client_secret_is_not_to_be_stored(service: Service) -> None:
    client = service.client
    shown = []

    async def keep(response: httpx.Response) -> None:
        await response.aread()
        if CLIENT_SECRET.search(response.text):
            shown.append((response.request.url.path, response.headers.get("cache-control")))

    client.event_hooks["response"].append(keep)
    invoice = await open_invoice(client)
    await client.get(f"/v1/invoices/{invoice['id']}/client-secret")
    assert len(shown) == 2
    assert {stored for _, stored in shown} == {"no-store"}
