"""`POST /webhooks/stripe`: who is believed, what is kept, what is answered, and that a refused body leaves no trace."""

import json
import time
from typing import Any

import httpx
import pytest
import stripe
from pydantic import SecretStr

from app.settings import Settings
from tests.fixtures.caller import Caller, Json, hold_to_contract
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import WEBHOOK_SECRET, Sandbox

OTHER_SECRET = "whsec_the_next_one"
PATH = "/webhooks/stripe"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Takes two secrets, as while one is replaced by the next."""
    secrets = (SecretStr(WEBHOOK_SECRET), SecretStr(OTHER_SECRET))
    return settings.model_copy(update={"stripe_webhook_secrets": secrets})


def event(**changes: Any) -> Json:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "product.created",
        "created": 1_795_000_000,
        "livemode": False,
        "api_version": stripe.api_version,
        "data": {"object": {"id": "prod_1", "object": "product"}},
        **changes,
    }


def signed(body: bytes, secret: str = WEBHOOK_SECRET, *, age_s: float = 0) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body.decode("latin-1"), secret, int(time.time() - age_s))
    return {"Stripe-Signature": header, "Content-Type": "application/json"}


async def deliver(api: Caller, body: bytes, headers: dict[str, str]) -> httpx.Response:
    raw = httpx.Headers([(name.encode(), value.encode()) for name, value in (*headers.items(), ("Authorization", ""))])
    response = await api.client.post(PATH, content=body, headers=raw)
    hold_to_contract(response)
    return response


async def nothing_stored(database: Database) -> bool:
    connection = await database.connect()
    try:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM webhook_events"))
    finally:
        await connection.close()


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, OTHER_SECRET])
async def test_a_delivery_signed_with_any_secret_is_stored_and_says_which_it_was(api: Caller, secret: str) -> None:
    body = json.dumps(event()).encode()
    response = await deliver(api, body, signed(body, secret))
    assert (response.status_code, response.json()) == (200, {"received": True})
    stored = await api.get("/v1/webhook-events/evt_1")
    assert (stored["status"], stored["payload"]) == ("received", json.loads(body))
    assert stored["verified_by"].startswith("whsec")
    assert secret not in stored["verified_by"]


async def test_each_secret_has_a_name_of_its_own(api: Caller) -> None:
    for name, secret in (("evt_1", WEBHOOK_SECRET), ("evt_2", OTHER_SECRET)):
        body = json.dumps(event(id=name)).encode()
        await deliver(api, body, signed(body, secret))
    names = {one["verified_by"] for one in await api.every("/v1/webhook-events")}
    assert len(names) == 2


async def test_the_same_event_again_is_200_and_nothing_else(api: Caller) -> None:
    body = json.dumps(event()).encode()
    for _ in range(3):
        assert (await deliver(api, body, signed(body))).json() == {"received": True}
    assert len(await api.every("/v1/webhook-events")) == 1


async def test_a_secret_that_stripe_replaced_is_followed_without_a_gap(live: Caller, sandbox: Sandbox) -> None:
    await live.post("/v1/products", {"name": "A"})
    await sandbox.idle()
    await sandbox.roll_secret(secret=OTHER_SECRET, overlap_s=0)
    await live.post("/v1/products", {"name": "B"})
    await sandbox.idle()
    stored = await live.every("/v1/webhook-events")
    assert len(stored) == 2
    assert len({one["verified_by"] for one in stored}) == 2


BODY = json.dumps(event(created=1_795_000_000)).encode()


NOW = "{now}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=abc",
        "t=x,v1=abc",
        f"t={NOW},v1={'0' * 64}",
        f"t={NOW},v0={'0' * 64}",
        f"t={NOW},v1=ä",
        "t=1,v1=" + "0" * 5000,
        ",,,,",
    ],
)
async def test_a_signature_that_is_none_is_refused_and_nothing_is_stored(
    api: Caller, database: Database, header: str | None
) -> None:
    headers = {} if header is None else {"Stripe-Signature": header.replace(NOW, str(int(time.time())))}
    response = await deliver(api, BODY, headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_signature")
    assert await nothing_stored(database)


@pytest.mark.parametrize("forged", [BODY + b" ", BODY.replace(b"prod_1", b"prod_2"), b"", b"{}"])
async def test_a_body_that_was_not_what_was_signed_is_refused(api: Caller, database: Database, forged: bytes) -> None:
    response = await deliver(api, forged, signed(BODY))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_signature")
    assert await nothing_stored(database)


async def test_a_body_signed_with_another_secret_is_refused(api: Caller, database: Database) -> None:
    response = await deliver(api, BODY, signed(BODY, "whsec_of_somebody_else"))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_signature")
    assert await nothing_stored(database)


@pytest.mark.parametrize(("age_s", "status"), [(290, 200), (310, 400), (-290, 200), (-310, 400), (10**9, 400)])
async def test_a_signature_is_good_for_five_minutes_both_ways(api: Caller, age_s: float, status: int) -> None:
    response = await deliver(api, BODY, signed(BODY, age_s=age_s))
    assert response.status_code == status


THIN = {
    "id": "evt_1",
    "object": "v2.core.event",
    "type": "v1.invoice.paid",
    "created": "2026-11-22T10:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"},
}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        json.dumps(THIN).encode(),
        json.dumps(event(object="charge")).encode(),
        json.dumps(event(id=None)).encode(),
        json.dumps(event(id="")).encode(),
        json.dumps(event(id="e" * 256)).encode(),
        json.dumps(event(id="evt_\x00")).encode(),
        json.dumps(event(created="now")).encode(),
        json.dumps(event(created=-1)).encode(),
        json.dumps(event(created=10**15)).encode(),
        json.dumps(event(livemode="false")).encode(),
        json.dumps(event(data={})).encode(),
        json.dumps(event(data={"object": None})).encode(),
        b"[" * 50_000,
        json.dumps(event()).encode()[:-1] + b',"more":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        json.dumps(event()).encode()[:-1] + b',"more":' + b'{"a":' * 300 + b"1" + b"}" * 301,
    ],
)
async def test_a_signed_body_that_is_no_snapshot_event_is_malformed_and_nothing_is_stored(
    api: Caller, database: Database, body: bytes
) -> None:
    response = await deliver(api, body, signed(body))
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
    assert await nothing_stored(database)


async def test_brackets_in_texts_and_side_by_side_are_not_depth(api: Caller) -> None:
    body = json.dumps(event(more=["[[{\\" * 100, *([{}] * 300), '"{' * 300])).encode()
    assert (await deliver(api, body, signed(body))).status_code == 200


async def test_a_body_that_is_not_utf_8_is_refused(api: Caller, database: Database) -> None:
    body = BODY.replace(b"prod_1", b"\xff\xfe")
    response = await deliver(api, body, signed(body))
    assert response.status_code == 400
    assert await nothing_stored(database)


async def test_a_body_over_one_mebibyte_is_not_read(api: Caller, database: Database) -> None:
    body = json.dumps(event(padding="x" * 1024 * 1024)).encode()
    response = await deliver(api, body, signed(body))
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    assert await nothing_stored(database)


async def test_a_type_that_means_nothing_here_is_stored_and_ignored(api: Caller) -> None:
    body = json.dumps(event(type="charge.succeeded")).encode()
    assert (await deliver(api, body, signed(body))).status_code == 200
    assert (await api.get("/v1/webhook-events/evt_1"))["status"] == "ignored"


async def test_an_event_of_the_other_mode_is_stored_and_ignored(api: Caller) -> None:
    body = json.dumps(event(livemode=True)).encode()
    assert (await deliver(api, body, signed(body))).status_code == 200
    stored = await api.get("/v1/webhook-events/evt_1")
    assert (stored["status"], stored["livemode"]) == ("ignored", True)


async def test_a_client_secret_in_a_payload_is_not_stored(api: Caller, database: Database) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "client_secret": "pi_1_secret_abc", "status": "processing"}
    body = json.dumps(event(type="payment_intent.processing", data={"object": intent})).encode()
    await deliver(api, body, signed(body))
    stored = await api.get("/v1/webhook-events/evt_1")
    assert stored["payload"]["data"]["object"]["client_secret"] == "[redacted]"
    assert "pi_1_secret_abc" not in json.dumps(stored)


@pytest.mark.parametrize("page", ["pay/plk_", "portal/prtl_"])
async def test_what_opens_a_payers_pages_is_not_stored_where_it_stands_in_an_address(api: Caller, page: str) -> None:
    token = f"{'0a' * 16}.in_1.1796638892.Xk3-_{'x' * 38}"
    redirect = {
        "return_url": f"https://pay.example/{page}{token}/complete",
        "url": "https://hooks.stripe.com/hosted?payment_intent_client_secret=pi_1_secret_abc&source=src_1",
    }
    action = {"type": "redirect_to_url", "redirect_to_url": redirect}
    intent = {"id": "pi_1", "object": "payment_intent", "status": "requires_action", "next_action": action}
    body = json.dumps(event(type="payment_intent.requires_action", data={"object": intent})).encode()
    await deliver(api, body, signed(body))
    stored = (await api.get("/v1/webhook-events/evt_1"))["payload"]["data"]["object"]["next_action"]
    assert stored["redirect_to_url"] == {
        "return_url": f"https://pay.example/{page.partition('/')[0]}/[redacted]/complete",
        "url": "https://hooks.stripe.com/hosted?payment_intent_client_secret=[redacted]&source=src_1",
    }
