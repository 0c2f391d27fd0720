"""Webhook endpoints: made, changed, tried, ended; their secrets are shown once and kept from everybody."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.container import Container
from app.domain.events import TYPES
from app.main import create_app
from app.outgoing.deliverer import Deliverer
from app.outgoing.encryption import SecretEncryption
from app.outgoing.endpoints import Endpoints
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.caller import Caller
from tests.fixtures.consumer import Consumer, endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.service import client_of

Json = dict[str, Any]
URL = "https://shop.example/hooks"
ENDPOINTS = "/v1/webhook-endpoints"


@pytest.fixture
def container(app: FastAPI) -> Container:
    found: Container = app.state.container
    return found


async def test_an_endpoint_is_made_read_listed_changed_and_deleted(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL, "description": "the shop", "types": [TYPES[0]], "ordered": True})
    path = f"{ENDPOINTS}/{made['id']}"
    read = await api.get(path)
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert (read["url"], read["types"], read["ordered"], read["status"]) == (URL, [TYPES[0]], True, "enabled")
    assert [one["id"] for one in (await api.get(ENDPOINTS))["data"]] == [made["id"]]
    changed = await api.patch(path, {"url": f"{URL}/2", "description": None, "types": [], "ordered": False})
    assert (changed["url"], changed["description"], changed["types"], changed["ordered"]) == (
        f"{URL}/2",
        None,
        [],
        False,
    )
    assert (await api.delete(path)) == {"id": made["id"], "deleted": True}
    await api.refused("GET", path, 404, "not_found")
    await api.refused("PATCH", path, 404, "not_found", {"ordered": True})
    await api.refused("DELETE", path, 404, "not_found")
    await api.refused("POST", f"{path}/ping", 404, "not_found")
    await api.refused("POST", f"{path}/rotate-secret", 404, "not_found")
    await api.refused("GET", f"{path}/deliveries", 404, "not_found")
    await api.refused("POST", f"{path}/redeliver", 404, "not_found", {"since": "2026-11-22T00:00:00Z"})
    assert (await api.get(ENDPOINTS))["data"] == []


async def test_there_are_as_many_endpoints_as_configured_and_no_more(settings: Settings) -> None:
    application = create_app(settings.model_copy(update={"outgoing_most_endpoints": 3}))
    async with running(application), client_of("http://x", httpx.ASGITransport(application)) as client:
        made = await asyncio.gather(*(client.post(ENDPOINTS, json={"url": URL}) for _ in range(6)))
        assert sorted(one.status_code for one in made) == [201] * 3 + [409] * 3
        (first, *_), refused = ([one.json() for one in made if one.status_code == status] for status in (201, 409))
        assert {one["code"] for one in refused} == {"invalid_state"}
        await client.delete(f"{ENDPOINTS}/{first['id']}")
        assert (await client.post(ENDPOINTS, json={"url": URL})).status_code == 201


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"url": "ftp://shop.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:password@shop.example/"}, "url"),
        ({"url": URL, "types": ["invoice.exploded"]}, "types[0]"),
        ({"url": URL, "more": 1}, "more"),
        ({"url": URL, "description": "\x00"}, "description"),
        ({}, "url"),
    ],
)
async def test_a_bad_endpoint_is_refused_naming_the_field(api: Caller, body: Json, param: str) -> None:
    refused = await api.refused("POST", ENDPOINTS, 422, "validation_error", body)
    assert refused["param"] == param


async def test_a_bad_change_is_refused_naming_the_field(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    path = f"{ENDPOINTS}/{made['id']}"
    for body, param in (({"url": "https://127.1.1.1.1.1:22/"}, "url"), ({"status": "gone"}, "status"), ({}, "body")):
        assert (await api.refused("PATCH", path, 422, "validation_error", body))["param"] == param


async def test_making_an_endpoint_twice_under_one_key_makes_one_and_shows_its_secret_once(
    api: Caller, database: Database
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await api.send("POST", ENDPOINTS, {"url": URL}, headers=headers)
    again = await api.send("POST", ENDPOINTS, {"url": URL}, headers=headers)
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == first.json() | {"secret": None}
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-store"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await api.get(ENDPOINTS))["data"]) == 1


async def test_a_secret_is_in_no_table_and_in_no_other_answer(
    api: Caller,
    database: Database,
    consumer: Consumer,
    make_deliverer: Callable[[], Deliverer],
) -> None:
    made = await api.post(ENDPOINTS, {"url": consumer.url}, headers={"Idempotency-Key": "a"})
    path = f"{ENDPOINTS}/{made['id']}"
    rotated = await api.post(f"{path}/rotate-secret", headers={"Idempotency-Key": "b"})
    await api.post(f"{path}/ping")
    await make_deliverer().drain()
    assert consumer.received[0].verified(made["secret"])
    shown = json.dumps([await api.get(path), await api.get(ENDPOINTS), await api.get(f"{path}/deliveries")])
    connection = await database.connect()
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    stored = str([await connection.fetch(f'SELECT t::text FROM "{table}" t') for (table,) in tables])  # noqa: S608
    await connection.close()
    assert made["id"] in stored
    for secret in (made["secret"], rotated["secret"]):
        for place in (shown, stored):
            assert secret not in place
            assert secret.removeprefix("whsec_") not in place


async def test_a_rotation_signs_with_both_until_the_overlap_ends(
    api: Caller, database: Database, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    made = await api.post(ENDPOINTS, {"url": consumer.url})
    path = f"{ENDPOINTS}/{made['id']}"
    rotated = await api.post(f"{path}/rotate-secret", {"overlap_s": 3600})
    assert [bool(one["expires_at"]) for one in rotated["secrets"]] == [False, True]
    await api.post(f"{path}/ping")
    deliverer = make_deliverer()
    await deliverer.drain()
    for secret in (made["secret"], rotated["secret"]):
        assert consumer.received[0].verified(secret)
    connection = await database.connect()
    await connection.execute(
        """UPDATE webhook_endpoints SET secrets = jsonb_set(secrets, '{1,expires_at}', '"2026-01-01T00:00:00Z"')"""
    )
    await connection.close()
    assert len((await api.get(path))["secrets"]) == 1
    await api.post(f"{path}/ping")
    await deliverer.drain()
    assert consumer.received[1].verified(rotated["secret"])
    assert "," in consumer.received[1].headers["webhook-signature"]
    assert " " not in consumer.received[1].headers["webhook-signature"]


async def test_a_rotation_without_overlap_ends_the_old_secret_at_once(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    rotated = await api.post(f"{ENDPOINTS}/{made['id']}/rotate-secret", {"overlap_s": 0})
    assert len(rotated["secrets"]) == 1


async def test_more_secrets_than_a_header_should_carry_are_refused(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    path = f"{ENDPOINTS}/{made['id']}/rotate-secret"
    for _ in range(4):
        await api.post(path)
    refused = await api.refused("POST", path, 409, "invalid_state")
    assert "5 secrets" in refused["detail"]
    await api.post(path, {"overlap_s": 0})


async def test_a_ping_goes_to_its_endpoint_alone_and_is_seen_in_the_log(
    api: Caller, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    tried = await api.post(ENDPOINTS, {"url": consumer.url + "/tried", "ordered": True})
    await api.post(ENDPOINTS, {"url": consumer.url + "/other"})
    ping = await api.post(f"{ENDPOINTS}/{tried['id']}/ping")
    assert (ping["status"], ping["type"], ping["log"]) == ("pending", "ping", [])
    await make_deliverer().drain()
    (received,) = consumer.received
    assert received.path.endswith("/tried")
    event = received.verified(tried["secret"])
    assert (event["type"], event["specversion"], event["subject"]) == ("ping", "1.0", tried["id"])
    assert event["id"] == ping["event"] == received.id
    read = await api.get(f"/v1/deliveries/{ping['id']}")
    assert (read["status"], read["attempts"], read["last_status"], read["last_error"]) == ("delivered", 1, 200, None)
    assert read["delivered_at"]
    assert [(one["status"], one["error"]) for one in read["log"]] == [(200, None)]


async def test_a_disabled_endpoint_is_not_pinged(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    path = f"{ENDPOINTS}/{made['id']}"
    disabled = await api.patch(path, {"status": "disabled"})
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "caller")
    assert disabled["disabled_at"]
    refused = await api.refused("POST", f"{path}/ping", 409, "invalid_state")
    assert "disabled (caller)" in refused["detail"]
    assert [one["id"] for one in (await api.get(ENDPOINTS, status="disabled"))["data"]] == [made["id"]]
    enabled = await api.patch(path, {"status": "enabled"})
    assert (enabled["status"], enabled["disabled_reason"], enabled["disabled_at"]) == ("enabled", None, None)


async def test_what_is_done_to_endpoints_is_in_the_audit_log(api: Caller) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    await api.post(f"{ENDPOINTS}/{made['id']}/rotate-secret")
    await api.delete(f"{ENDPOINTS}/{made['id']}")
    entries = await api.get("/v1/audit-log", subject=made["id"])
    done = ["delete_webhook_endpoint", "rotate_webhook_secret", "create_webhook_endpoint"]
    assert [entry["action"] for entry in entries["data"]] == done


async def test_the_key_that_seals_can_be_rotated_without_losing_a_secret(
    api: Caller, database: Database, container: Container
) -> None:
    made = await api.post(ENDPOINTS, {"url": URL})
    old, new = container.settings.encryption_keys[0], b"n" * 32
    both = Endpoints(container.database, SecretEncryption([new, old]), container.settings.egress_policy, 50)
    assert await both.reseal() == 1
    assert await both.reseal() == 0
    connection = await database.connect()
    sealed = json.loads(await connection.fetchval("SELECT secrets FROM webhook_endpoints"))[0]["sealed"]
    await connection.close()
    assert SecretEncryption([new]).open(sealed, made["id"]) == made["secret"]


async def test_a_secret_that_no_key_opens_is_left_as_it_is(
    api: Caller,
    container: Container,
) -> None:
    await api.post(ENDPOINTS, {"url": URL})
    without = Endpoints(container.database, SecretEncryption([b"n" * 32]), container.settings.egress_policy, 50)
    assert await without.reseal() == 0
    assert await container.endpoints.reseal() == 0


@pytest.mark.parametrize("scope", ["webhook_endpoints:read", "invoices:write"])
async def test_only_whoever_may_write_endpoints_makes_one(app_client: httpx.AsyncClient, scope: str) -> None:
    key = (await app_client.post("/v1/api-keys", json={"name": "x", "scopes": [scope]})).json()["key"]
    refused = await app_client.post(ENDPOINTS, json={"url": URL}, headers={"Authorization": f"Bearer {key}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_an_endpoint_hears_nothing_of_what_happened_before_it_was_made(
    app_client: httpx.AsyncClient, database: Database, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    await happens(database, 3)
    await endpoint(app_client, consumer.url)
    after = await happens(database, 2)
    await make_deliverer().drain()
    assert sorted(consumer.ids) == sorted(after)
