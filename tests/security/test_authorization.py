"""The authorization matrix: every operation of the OpenAPI document, for every kind of caller, own and foreign objects.

It is made from the document, so that a new operation is in it the moment it exists, and fails until it has a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.domain.access import OPERATIONS, RULES, Scope
from app.domain.keys import new_key
from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.postgres import Database
from tests.fixtures.service import API_KEY

Json = dict[str, Any]
FOR_CUSTOMERS = {
    "list_invoices",
    "export_invoices",
    "get_invoice",
    "pay_invoice",
    "get_client_secret",
    "get_hosted_pages",
    "list_payment_methods",
    "detach_payment_method",
    "set_default_payment_method",
    "create_setup_intent",
    "get_setup_intent",
    "create_tax_id",
    "list_tax_ids",
    "get_tax_id",
    "delete_tax_id",
    "get_fulfillment",
    "list_fulfillments",
    "list_events",
    "stream_events",
    "stream_invoice_events",
}
"""What a person may do, said here once more on purpose: opening another operation to people needs two changes."""

OPEN_TO_ALL = {"healthz", "readyz", "receive_webhook"}
METHODS = {"get", "post", "put", "patch", "delete"}


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str

    def at(self, ids: dict[str, str]) -> str:
        return self.path.format_map(ids)

    @property
    def about_an_invoice(self) -> bool:
        return "{invoice_id}" in self.path


def operations(contract: Json) -> Iterator[Operation]:
    for path, methods in contract["paths"].items():
        for method, described in methods.items():
            if method in METHODS:
                yield Operation(described["operationId"], method, path)


def private(contract: Json) -> list[Operation]:
    return [one for one in operations(contract) if one.id not in OPEN_TO_ALL]


@dataclass
class World:
    """A merchant with two customers, who have an open invoice each; `ids` fill the operations' paths."""

    app: FastAPI
    operations: list[Operation]
    merchant: httpx.AsyncClient
    jenny: httpx.AsyncClient
    by_link: httpx.AsyncClient
    ids: dict[str, str]
    foreign: dict[str, str]
    customer: str

    async def statuses(self, client: httpx.AsyncClient, ids: dict[str, str]) -> dict[str, int]:
        return {one.id: (await client.request(one.method, one.at(ids))).status_code for one in self.operations}


@pytest.fixture
async def world(
    with_people: FastAPI,
    contract: Json,
    person: Callable[[str], httpx.AsyncClient],
    identity_provider: IdentityProvider,
) -> World:
    merchant = person(API_KEY)

    async def ids_of(reference: str) -> tuple[dict[str, str], str]:
        customer = await posted(
            merchant, "/v1/customers", {"reference": reference, "email": f"{reference}@example.com"}
        )
        invoice = await open_invoice(merchant, customer=customer["id"])
        found = (await merchant.get(f"/v1/invoices/{invoice['id']}")).json()
        link = await payment_link(merchant, invoice["id"])
        own = f"/v1/customers/{customer['id']}"
        method = await posted(merchant, f"{own}/payment-methods", {"payment_method": "pm_card_visa"})
        setup = await posted(merchant, f"{own}/setup-intent")
        tax_id = await posted(merchant, f"{own}/tax-ids", {"type": "eu_vat", "value": "DE123456789"})
        return {
            "invoice_id": invoice["id"],
            "customer_id": customer["id"],
            "item_id": found["items"][0]["id"],
            "link_id": link["id"],
            "payment_method_id": method["id"],
            "setup_intent_id": setup["id"],
            "tax_id": tax_id["id"],
        }, customer["id"]

    product = await posted(merchant, "/v1/products", {"name": "Consulting"})
    price = await posted(merchant, "/v1/prices", {"product": product["id"], "unit_amount": 100, "currency": "usd"})
    key = await posted(merchant, "/v1/api-keys", {"name": "x", "scopes": ["admin"]})
    endpoint = await posted(merchant, "/v1/webhook-endpoints", {"url": "https://shop.example/hooks"})
    ping = await posted(merchant, f"/v1/webhook-endpoints/{endpoint['id']}/ping")
    shared = {
        "product_id": product["id"],
        "price_id": price["id"],
        "tax_rate_id": "txr_none",
        "tax_id": "txi_none",
        "coupon_id": "none",
        "promotion_code_id": "promo_none",
        "key_id": key["id"],
        "event_id": "evt_none",
        "action_id": "act_none",
        "refund_id": "re_none",
        "credit_note_id": "cn_none",
        "dispute_id": "du_none",
        "payment_record_id": "pr_none",
        "endpoint_id": endpoint["id"],
        "delivery_id": ping["id"],
    }
    own, customer = await ids_of("jenny")
    foreign, _ = await ids_of("oscar")
    jenny = person(identity_provider.token("jenny"))
    portal = await posted(merchant, f"/v1/customers/{customer}/portal-link")
    by_link = person(portal["url"].rpartition("/")[2])
    return World(with_people, private(contract), merchant, jenny, by_link, shared | own, shared | foreign, customer)


async def key_with(world: World, *scopes: Scope) -> str:
    made = await posted(world.merchant, "/v1/api-keys", {"name": "x", "scopes": list(scopes)})
    return str(made["key"])


def test_every_operation_has_a_rule_and_every_rule_an_operation(contract: Json) -> None:
    assert {one.id for one in private(contract)} == set(RULES)
    assert len(RULES) == sum(map(len, OPERATIONS.values()))  # none stands under two scopes, where the last would count
    assert {one.id for one in operations(contract)} >= OPEN_TO_ALL


def test_every_route_that_is_not_described_is_known(app: FastAPI, contract: Json) -> None:
    described = {one.path for one in operations(contract)}
    paths = {str(getattr(route, "path", "")) for route in app.routes}
    hidden = {
        path for path in paths - described if not path.startswith(("/docs", "/pay/", "/portal/", "/openapi.json"))
    }
    assert not hidden


def test_people_may_do_what_is_listed_and_nothing_else() -> None:
    assert {name for name, rule in RULES.items() if rule.customers} == FOR_CUSTOMERS


NO_CREDENTIALS = {
    "none": None,
    "an empty scheme": "Bearer",
    "an empty key": "Bearer ",
    "another scheme": "Basic aWs6",
    "a key under another scheme": f"Token {API_KEY}",
    "a longer key": f"Bearer {API_KEY}x",
    "a portal link nobody signed": f"Bearer prtl_{'0' * 32}.cus_none.1999999999.{'x' * 43}",
    "a key nobody made": f"Bearer {new_key(livemode=False)}",
    "a key of the other mode": f"Bearer {new_key(livemode=True)}",
    "an unsigned token": "Bearer eyJhbGciOiJub25lIn0.e30.",
    "not even text": "Bearer \xff\xfe",
}


async def test_without_credentials_that_are_good_every_operation_answers_401(world: World) -> None:
    transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
    for what, authorization in NO_CREDENTIALS.items():
        headers = [(b"authorization", authorization.encode("latin-1"))] if authorization else []
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as stranger:
            assert await world.statuses(stranger, world.ids) == dict.fromkeys(RULES, 401), what
            assert (await stranger.get("/v1/there-is-no-such-thing")).status_code == 401
            answer = await stranger.get("/v1/invoices")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthenticated"


async def test_a_key_without_the_operations_scope_answers_403(
    world: World, person: Callable[[str], httpx.AsyncClient]
) -> None:
    lacking: dict[Scope, httpx.AsyncClient] = {}
    for needed in {rule.scope for rule in RULES.values()}:
        others = [scope for scope in Scope if scope not in needed.granting]
        lacking[needed] = person(await key_with(world, *others)) if others else person("")
    found = {}
    for one in world.operations:
        answer = await lacking[RULES[one.id].scope].request(one.method, one.at(world.ids))
        found[one.id] = answer.status_code
    assert found == dict.fromkeys(RULES, 403)


async def test_a_key_with_just_the_operations_scope_is_let_in(
    world: World, person: Callable[[str], httpx.AsyncClient]
) -> None:
    granted = {scope: person(await key_with(world, scope)) for scope in {rule.scope for rule in RULES.values()}}
    nothing = dict.fromkeys(world.ids, "none")
    refused = {}
    for one in world.operations:
        # What changes something is asked of what is not there: to be let in is what counts here.
        ids = world.ids if one.method == "get" else nothing
        answer = await granted[RULES[one.id].scope].request(one.method, one.at(ids))
        if answer.status_code in {401, 403} or answer.status_code >= 500:
            refused[one.id] = answer.status_code
    assert not refused


OTHERWISE = {"create_setup_intent": 201, "create_tax_id": 422}
"""What a person is answered that is let in, where it is not 200."""


@pytest.mark.parametrize("by", ["jenny", "by_link"])
async def test_a_person_is_let_in_to_its_own_objects_alone_and_all_else_answers_404(world: World, by: str) -> None:
    found = {}
    for one in sorted(world.operations, key=lambda one: one.method == "delete"):
        if one.id != "pay_invoice":
            found[one.id] = (await getattr(world, by).request(one.method, one.at(world.ids))).status_code
    # An open invoice without a payment yet has its fulfillment as soon as its event came; nobody serves events here.
    assert found.pop("get_fulfillment") == 404
    let_in = dict.fromkeys(FOR_CUSTOMERS, 200) | OTHERWISE
    assert found == {name: let_in.get(name, 404) for name in RULES if name in found}


@pytest.mark.parametrize("by", ["jenny", "by_link"])
async def test_a_persons_foreign_objects_all_answer_404(world: World, database: Database, by: str) -> None:
    connection = await database.connect()
    before = await connection.fetchval("SELECT count(*) FROM operations")
    found = {}
    for one in world.operations:
        if one.id not in {"list_invoices", "export_invoices", "list_fulfillments", "list_events", "stream_events"}:
            found[one.id] = (await getattr(world, by).request(one.method, one.at(world.foreign))).status_code
    assert found == dict.fromkeys(found, 404)
    assert await connection.fetchval("SELECT count(*) FROM operations") == before  # nothing was even begun
    await connection.close()


async def test_a_person_is_not_told_what_only_the_merchant_may_read(world: World, database: Database) -> None:
    merchants = {"payment.early_fraud_warning", "payment_unexpected", "refund.created", "dispute.created"}
    connection = await database.connect()
    for number, kind in enumerate(merchants):
        await connection.execute(
            """INSERT INTO changes (position, event, type, schema_version, invoice, customer, subject, was, became, cause, data)
               SELECT position, $1, $2, schema_version, invoice, customer, subject, was, became, cause, data
               FROM changes WHERE invoice = $3 LIMIT 1""",
            f"iev_told_{number}", kind, world.ids["invoice_id"],
        )  # fmt: skip
    await connection.close()
    events = "/v1/events"
    assert merchants <= {one["type"] for one in (await world.merchant.get(events)).json()["data"]}
    told = {one["type"] for one in (await world.jenny.get(events)).json()["data"]}
    assert "invoice.finalized" in told
    assert not merchants & told
    assert (await world.jenny.get(events, params={"types": "refund.created"})).json()["data"] == []
    for path in ("/v1/events/stream", f"/v1/invoices/{world.ids['invoice_id']}/events"):
        streamed = (await world.jenny.get(path, params={"after": "start"})).text
        assert "invoice.finalized" in streamed
        assert not [one for one in merchants if one in streamed]


@pytest.mark.parametrize("by", ["jenny", "by_link"])
async def test_a_person_does_not_finalize_a_draft_by_paying_it(world: World, by: str) -> None:
    draft = await open_invoice(world.merchant, customer=world.customer, finalize=False)
    path, how = f"/v1/invoices/{draft['id']}", {"payment_method": "pm_card_visa"}
    refused = await getattr(world, by).post(f"{path}/pay", json=how)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_state")
    assert (await world.merchant.get(path)).json()["status"] == "draft"
    await posted(world.merchant, f"{path}/finalize")
    assert (await getattr(world, by).post(f"{path}/pay", json=how)).json()["status"] == "paid"


async def test_a_persons_lists_hold_only_its_own(world: World) -> None:
    invoices = (await world.jenny.get("/v1/invoices")).json()["data"]
    assert {one["customer"] for one in invoices} == {world.customer}
    for filtered in ({"customer": world.foreign["customer_id"]}, {"reference": "oscar"}):
        assert (await world.jenny.get("/v1/invoices", params=filtered)).json()["data"] == []
    mine = (await world.jenny.get("/v1/fulfillments", params={"customer": world.foreign["customer_id"]})).json()
    assert mine["data"] == []
    events = (await world.jenny.get("/v1/events")).json()["data"]
    assert {one["data"]["invoice"]["customer"] for one in events} == {world.customer}
    assert (await world.jenny.get("/v1/events", params={"invoice": world.foreign["invoice_id"]})).json()["data"] == []
    streamed = (await world.jenny.get("/v1/events/stream", params={"after": "start"})).text
    assert world.ids["invoice_id"] in streamed
    assert world.foreign["invoice_id"] not in streamed


async def test_a_body_is_not_read_before_its_sender_is_known(world: World) -> None:
    transport = httpx.ASGITransport(world.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as stranger:
        answer = await stranger.post("/v1/customers", content=b"{not json")
    assert answer.status_code == 401
