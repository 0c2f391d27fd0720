"""Nothing secret is written down: what a whole run logged, stored and answered is searched for it, all of it.

Where a value must be is said in MAY_HOLD with its reason; to be found anywhere else is a leak, in whatever table, log or
answer there may be one day.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from dev.postgres import PostgresServer
from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.caller import route_of
from tests.fixtures.mail import MailServer
from tests.fixtures.postgres import dumped
from tests.fixtures.sandbox import SECRET_KEY, Sandbox
from tests.fixtures.service import API_KEY, MakeService, Service

CLIENT_SECRET = re.compile(r"pi_[A-Za-z0-9]+_secret_[A-Za-z0-9]+")
SIGNATURE = re.compile(r"v1=[0-9a-f]{64}")
CARDS = ("4242424242424242", "4000002500003155")
EMAIL = "jenny.leak@mail.example"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqZW5ueSJ9.c2lnbmF0dXJl"

MAY_HOLD: dict[str, dict[str, str]] = {
    "a client secret": {
        "POST /v1/invoices": "finalized in the same call: whoever made the invoice lets it be paid",
        "POST /v1/invoices/{invoice_id}/finalize": "the front end pays with it",
        "GET /v1/invoices/{invoice_id}/client-secret": "what it is for",
        "GET /pay/{token}/session": "Stripe.js pays with it",
    },
    "a payment link": {
        "POST /v1/invoices/{invoice_id}/payment-link": "what it is for",
        "GET /pay/{token}": "the page asks under its own address for its session and its status",
    },
    "an API key": {"POST /v1/api-keys": "shown once"},
    "an email address": {
        "customers.email": "the mirror of Stripe's customer",
        "customers.document": "what the API answers of the customer, ready made",
        "invoices.document": "whom the invoice is for, until its customer is erased",
        "POST /v1/invoices": "whom the invoice is for",
        "POST /v1/invoices/{invoice_id}/items": "the same",
        "POST /v1/invoices/{invoice_id}/finalize": "the same",
        "POST /v1/invoices/{invoice_id}/pay": "the same",
        "GET /pay/{token}": "the page says who is billed",
        "webhook_events*.payload": "the inbox keeps events as they came, until their customer is erased",
        "operations.params": "what is asked, until it is answered",
        "operations.answer_body": "what was answered, to be answered again for 48 hours",
        "POST /v1/customers": "the customer that was made",
        "GET /v1/customers/{customer_id}": "the customer",
    },
}
"""Where each secret has to be, and why. What is not named here is nowhere at all."""

PATTERNS = {
    "a client secret": CLIENT_SECRET,
    "a signature": SIGNATURE,
    "an email address": re.compile(re.escape(EMAIL)),
    "a card number": re.compile("|".join(CARDS)),
    "a token": re.compile(re.escape(TOKEN)),
    "Stripe's key": re.compile(re.escape(SECRET_KEY)),
    "the bootstrap key": re.compile(re.escape(API_KEY)),
}


class Recorder:
    """Keeps every answer of the run, by its operation."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.answers: dict[str, str] = {}
        client.event_hooks["response"].append(self._keep)

    async def _keep(self, response: httpx.Response) -> None:
        await response.aread()
        method, path = response.request.method, response.request.url.path
        route = route_of(method, path)
        name = f"{method} {route.path if route else re.sub(r'plk_[^/]+', '{token}', path)}"
        self.answers[name] = f"{self.answers.get(name, '')}\n{response.headers}\n{response.text}"


async def whole_run(service: Service, sandbox: Sandbox, eventually: Callable[..., Awaitable[Any]]) -> dict[str, str]:
    """What a merchant does in a day, well and badly; answers the secrets that were made on the way."""
    client = service.client
    key = await posted(client, "/v1/api-keys", {"name": "shop", "scopes": ["invoices:write"]})
    customer = await posted(client, "/v1/customers", {"email": EMAIL, "payment_method": "pm_card_visa"})
    await client.get(f"/v1/customers/{customer['id']}")
    invoice = await open_invoice(client, customer=customer["id"])
    link = await payment_link(client, invoice["id"])
    token = link["url"].rpartition("/")[2]
    await client.get(f"/pay/{token}")
    session = await client.get(f"/pay/{token}/session")
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
    await client.get("/v1/invoices", headers={"Authorization": f"Bearer {TOKEN}"})
    await client.get(f"/v1/invoices/{secret}", headers={"X-Request-ID": "sk_test_abcdefghijkl"})
    await client.get(f"/v1/invoices/{TOKEN}")
    await client.get(f"/v1/invoices/{CARDS[0]}")
    await client.get(f"/v1/customers/{EMAIL}")
    await client.post("/v1/customers", json={"email": CARDS[1], "card": CARDS[0]})
    await client.post("/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=" + "a" * 64})
    await sandbox.fault("POST", "/v1/customers", kind="status", status=500, code=secret, times=5)
    await client.post("/v1/customers", json={"email": EMAIL})
    await sandbox.clear_faults()
    for path in ("/v1/audit-log", "/v1/webhook-events", "/v1/api-keys", f"/v1/invoices/{invoice['id']}/timeline"):
        assert (await client.get(path)).is_success

    async def fulfilled() -> bool:
        answer = await client.get(f"/v1/invoices/{invoice['id']}/fulfillment")
        return answer.is_success and answer.json()["status"] == "fulfilled"

    await eventually(fulfilled, within=60)
    await sandbox.idle()
    return {
        "an API key": key["key"],
        "a payment link": token,
        "a refused key": refused,
        "the signing secret": sandbox.webhook_secret,
    }


def places(pattern: re.Pattern[str], written: dict[str, str]) -> set[str]:
    return {place for place, text in written.items() if pattern.search(text)}


def allowed(place: str, what: str) -> bool:
    """Whether MAY_HOLD names the place; `*` stands for a table's partitions."""
    return any(re.fullmatch(re.escape(name).replace(r"\*", "[a-z0-9_]*"), place) for name in MAY_HOLD.get(what, {}))


@pytest.mark.e2e
async def test_nothing_secret_is_in_any_log_table_or_answer_but_where_it_must_be(
    make_service: MakeService,
    mail: MailServer,
    sandbox: Sandbox,
    shared_postgres: PostgresServer,
    eventually: Callable[..., Awaitable[Any]],
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
    made = await whole_run(service, sandbox, eventually)

    async def mailed() -> bool:
        listed = (await service.client.get("/v1/fulfillment-actions", params={"status": "failed"})).json()["data"]
        return bool(listed)

    await eventually(mailed, within=30)
    written = {
        "the API's log": service.logs("api"),
        "the worker's log": service.logs("worker"),
        "PostgreSQL's log": shared_postgres.log.read_text(errors="replace"),
        **await dumped(service.environment["DATABASE_URL"]),
        **recorder.answers,
    }
    assert written["the API's log"].count('"event":"request"') > 10  # the search is in something
    assert "450 4.2.1" in written["fulfillment_actions.reason"]  # a mail was tried
    searched = PATTERNS | {what: re.compile(re.escape(secret)) for what, secret in made.items()}
    found = {what: places(pattern, written) for what, pattern in searched.items()}
    leaks = {what: {place for place in where if not allowed(place, what)} for what, where in found.items()}
    assert {what: where for what, where in leaks.items() if where} == {}
    for what, where in MAY_HOLD.items():  # and it finds what is there
        assert len(found[what]) >= len(where) - 1, what


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
