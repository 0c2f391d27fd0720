"""Requests that are no good, and what every request gets: its id, its problem document, its bounds."""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.catalog.service import Catalog
from app.http.problems import _name
from tests.fixtures.caller import ITEM, Caller, Json, hold_to_contract
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import API_KEY

MIB = 1024 * 1024

PRODUCT = {"name": "A"}
INVOICE = {"customer": "cus_1", "days_until_due": 1}
PRICE = {"product": "prod_1", "currency": "usd", "unit_amount": 1}


@pytest.fixture
def api(lasting_client: httpx.AsyncClient, sandbox: Sandbox) -> Caller:
    """One application for all: hardly a request here gets as far as to change anything."""
    return Caller(lasting_client, sandbox)


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/v1/products", {}, "name"),
        ("/v1/products", {"name": ""}, "name"),
        ("/v1/products", {"name": "a" * 251}, "name"),
        ("/v1/products", {"name": 1}, "name"),
        ("/v1/products", {"name": None}, "name"),
        ("/v1/products", {"name": "a\x00b"}, "name"),
        ("/v1/products", {**PRODUCT, "nmae": "B"}, "nmae"),
        ("/v1/products", {**PRODUCT, "active": 1}, "active"),
        ("/v1/products", {**PRODUCT, "active": "true"}, "active"),
        ("/v1/products", {**PRODUCT, "metadata": {"reference": "x"}}, "metadata"),
        ("/v1/products", {**PRODUCT, "metadata": {"a": 1}}, "metadata.a"),
        ("/v1/products", {**PRODUCT, "reference": ""}, "reference"),
        ("/v1/products", [], "body"),
        ("/v1/products", "text", "body"),
        ("/v1/products", None, "body"),
        ("/v1/prices", {**PRICE, "unit_amount": False}, "unit_amount"),
        ("/v1/prices", {**PRICE, "unit_amount": 1.0}, "unit_amount"),
        ("/v1/prices", {**PRICE, "unit_amount": "1"}, "unit_amount"),
        ("/v1/prices", {**PRICE, "unit_amount": 100_000_000}, "unit_amount"),
        ("/v1/prices", {**PRICE, "unit_amount_decimal": "1"}, "unit_amount unit_amount_decimal"),
        ("/v1/prices", {**PRICE, "unit_amount": None}, "unit_amount unit_amount_decimal"),
        ("/v1/prices", {**PRICE, "currency": "dollars"}, "currency"),
        ("/v1/prices", {**PRICE, "currency": "kwd", "unit_amount": 5125}, "unit_amount"),
        ("/v1/prices", {**PRICE, "product": "prod_1/../x"}, "product"),
        ("/v1/customers", {"email": "nobody"}, "email"),
        ("/v1/customers", {"invoice_settings": {"custom_fields": [{"name": "a", "value": "b"}] * 5}}, None),
        ("/v1/customers", {"address": {"country": "usa"}}, "address.country"),
        ("/v1/invoices", {**INVOICE, "due_at": "2099-01-01T00:00:00Z"}, "days_until_due due_at"),
        ("/v1/invoices", {**INVOICE, "collection_method": "charge_automatically"}, "days_until_due"),
        ("/v1/invoices", {**INVOICE, "days_until_due": -1}, "days_until_due"),
        ("/v1/invoices", {**INVOICE, "custom_fields": [{"name": "a", "value": "b"}] * 5}, "custom_fields"),
        (
            "/v1/invoices",
            {**INVOICE, "items": [{}]},
            "items[0].price items[0].price_data items[0].amount items[0].unit_amount_decimal items[0].invoice_item",
        ),
        ("/v1/invoices", {**INVOICE, "items": [ITEM, {**ITEM, "price": "price_1"}]}, "items[1].price items[1].amount"),
        ("/v1/invoices", {**INVOICE, "items": [{"amount": 1}]}, "items[0].currency"),
        ("/v1/invoices", {**INVOICE, "items": [{**ITEM, "quantity": 1}]}, "items[0].quantity"),
        ("/v1/invoices", {**INVOICE, "items": [{"price": "price_1", "currency": "usd"}]}, "items[0].currency"),
        ("/v1/invoices", {**INVOICE, "items": [ITEM, {**ITEM, "amount": "1"}]}, "items[1].amount"),
        ("/v1/invoices", {**INVOICE, "items": [{**ITEM, "amount": 100_000_000}]}, "items[0].amount"),
        ("/v1/invoices", {**INVOICE, "items": [ITEM] * 251}, "items"),
        ("/v1/invoices/in_1/items", {"items": [ITEM] * 251}, "items"),
        ("/v1/invoices/in_1/items", {"items": []}, "items"),
        ("/v1/invoices/in_1/items", {"amount": "1", "currency": "usd"}, "amount"),
        ("/v1/invoices/in_1/items", {}, "price price_data amount unit_amount_decimal invoice_item"),
        ("/v1/invoices/in_1/items", {**ITEM, "currency": "kwd", "amount": 5125}, "amount"),
        (
            "/v1/invoices/in_1/pay",
            {"payment_method": "pm_1", "paid_out_of_band": True},
            "payment_method paid_out_of_band",
        ),
        ("/v1/invoices/in_1/pay", {"paid_out_of_band": "yes"}, "paid_out_of_band"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_refused_naming_each_field(
    api: Caller, sandbox: Sandbox, path: str, body: Any, fields: str | None
) -> None:
    content = json.dumps(body)
    headers = {"Content-Type": "application/json"}
    problem = await api.refused("POST", path, 422, "validation_error", content=content, headers=headers)
    named = (fields or "invoice_settings.custom_fields").split()
    assert problem["param"] == named[0]
    assert [_name(error["loc"]) for error in problem["errors"]] == named
    assert problem["detail"] == f"{named[0]}: {problem['errors'][0]['msg']}"
    assert problem["errors"][0].keys() == {"loc", "msg", "type"}
    assert "Value error" not in problem["detail"] + str(problem["errors"])
    assert await sandbox.requests() == []


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/v1/customers", {"email": "nobody"}, "email: must be an email address: a name, @ and a domain"),
        ("/v1/customers", {"name": "a" * 257}, "name: must have at most 256 characters"),
        ("/v1/customers", {"phone": "1" * 21}, "phone: must have at most 20 characters"),
        ("/v1/invoices", {}, "customer: must be given"),
        ("/v1/invoices", [], "body: must be an object"),
        ("/v1/invoices", {**INVOICE, "items": [{**ITEM, "amount": 1.5}]}, "items[0].amount: must be a valid integer"),
        ("/v1/products", {**PRODUCT, "nmae": "B"}, "nmae: there is no such field"),
        ("/v1/invoices/in_1/void", {"reason": "a mistake"}, "This operation takes no fields."),
        ("/v1/prices", {**PRICE, "currency": "dollars"}, "currency: must be a currency's three letters, e.g. usd"),
    ],
)
async def test_a_refusal_says_in_words_what_is_right(api: Caller, path: str, body: object, detail: str) -> None:
    problem = await api.refused("POST", path, 422, "validation_error", body)
    assert problem["detail"] == detail


async def test_a_currency_may_be_written_in_capitals(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    price = await api.post("/v1/prices", {"product": product["id"], "unit_amount": 1, "currency": "USD"})
    assert price["currency"] == "usd"


async def test_a_product_in_the_place_of_a_price_is_named_by_our_field(api: Caller) -> None:
    customer, product = (await api.customer())["id"], (await api.post("/v1/products", {"name": "A"}))["id"]
    terms = {"customer": customer, "items": [ITEM, {"price": product}]}
    problem = await api.refused("POST", "/v1/invoices", 422, "stripe_invalid_request", terms)
    assert problem["param"] == "items[1].price"
    draft = await api.post("/v1/invoices", {"customer": customer, "items": [ITEM]})
    items = f"/v1/invoices/{draft['id']}/items"
    assert (await api.refused("POST", items, 422, "stripe_invalid_request", {"items": [{"price": product}]}))[
        "param"
    ] == ("items[0].price")
    changed = await api.refused(
        "PATCH", f"{items}/{draft['items'][0]['id']}", 422, "stripe_invalid_request", {"price": product}
    )
    assert changed["param"] == "price"


async def test_an_invoice_without_a_due_date_has_the_deployments(api: Caller) -> None:
    customer = (await api.customer())["id"]
    fields = [{"name": "Order", "value": "7"}]
    draft = await api.post("/v1/invoices", {"customer": customer, "custom_fields": fields})
    due = datetime.fromisoformat(draft["due_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < due <= timedelta(days=31)


async def test_only_the_first_20_faults_of_a_body_are_told(api: Caller) -> None:
    body = {f"unknown{n}": 1 for n in range(1000)}
    assert len((await api.refused("POST", "/v1/products", 422, "validation_error", body))["errors"]) == 20


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{]",
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"name": 1' + b"0" * 5000 + b"}",
        b"null,",
    ],
)
async def test_a_body_that_is_not_json_is_malformed(api: Caller, body: bytes) -> None:
    response = await api.send("POST", "/v1/products", content=body, headers={"Content-Type": "application/json"})
    expected = {400: "malformed_request", 422: "validation_error"} if not body else {400: "malformed_request"}
    assert expected[response.status_code] == response.json()["code"]


@pytest.mark.parametrize("body", [b'{"name": "\\ud800"}', b'{"name": NaN}', b'{"name": 1e999}', b'{"name": {}}'])
async def test_a_text_that_is_none_is_refused(api: Caller, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    problem = await api.refused("POST", "/v1/products", 422, "validation_error", content=body, headers=headers)
    assert problem["param"] == "name"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
async def test_a_body_of_another_content_type_is_unsupported(api: Caller, kind: str) -> None:
    for path in ("/v1/products", "/v1/invoices/in_1/pay", "/v1/invoices/in_1/items"):
        await api.refused(
            "POST", path, 415, "unsupported_media_type", content=b'{"name":"A"}', headers={"Content-Type": kind}
        )


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/vnd.api+json"])
async def test_json_may_be_called_so_in_its_usual_ways(api: Caller, kind: str) -> None:
    made = await api.post("/v1/products", content=b'{"name":"A"}', headers={"Content-Type": kind})
    assert made["name"] == "A"


async def test_a_body_that_is_said_to_be_too_large_is_not_read(api: Caller) -> None:
    await api.refused("POST", "/v1/products", 413, "payload_too_large", content=b" " * (MIB + 1))


async def test_a_body_that_turns_out_too_large_is_cut_off(live: Caller) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * (MIB // 32)

    response = await live.client.post("/v1/products", content=endless(), headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    hold_to_contract(response)


async def test_a_body_of_one_mebibyte_is_read(api: Caller) -> None:
    body = json.dumps(PRODUCT).encode()
    padded = body + b" " * (MIB - len(body))
    assert (await api.post("/v1/products", content=padded, headers={"Content-Type": "application/json"}))["id"]


@pytest.mark.parametrize("path", ["/v1/products/prod_unknown", "/v1/prices/p", "/v1/customers/c", "/v1/invoices/i"])
async def test_an_id_that_nobody_knows_is_not_found(api: Caller, sandbox: Sandbox, path: str) -> None:
    assert path.rsplit("/", 1)[1] in (await api.refused("GET", path, 404, "not_found"))["detail"]
    await api.refused("PATCH", path, 404, "not_found", {"metadata": {"a": "b"}})
    if "prices" not in path:
        await api.refused("DELETE", path, 404, "not_found")
    assert await sandbox.requests() == []


@pytest.mark.parametrize("name", ["%00", "a%00b", "%0A", "a" * 256])
async def test_an_id_that_cannot_be_one_is_refused(api: Caller, name: str) -> None:
    for path in (f"/v1/products/{name}", f"/v1/invoices/{name}/fulfillment", f"/v1/webhook-events/{name}"):
        await api.refused("GET", path, 422, "validation_error")
    await api.refused("POST", f"/v1/invoices/{name}/finalize", 422, "validation_error")
    await api.refused("PATCH", f"/v1/invoices/in_1/items/{name}", 422, "validation_error", {"amount": 1})


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/invoices/in_1/nothing", "/v1/products/", "/admin"])
async def test_an_address_that_is_none_is_not_found(api: Caller, path: str) -> None:
    await api.refused("GET", path, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/products", {"GET", "POST"}),
        ("DELETE", "/v1/products", {"GET", "POST"}),
        ("DELETE", "/v1/prices/price_1", {"GET", "PATCH"}),
        ("POST", "/healthz", {"GET"}),
        ("GET", "/webhooks/stripe", {"POST"}),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_405_naming_those_it_does(
    api: Caller, method: str, path: str, allowed: set[str]
) -> None:
    response = await api.client.request(method, path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"]
    assert set(response.headers["Allow"].split(", ")) == allowed
    detail = f"{method} is not possible at this address, which takes {response.headers['Allow']}."
    assert response.json()["detail"] == detail


async def test_an_address_that_is_none_is_told_where_all_are_listed(api: Caller) -> None:
    problem = await api.refused("GET", "/v1/nothing", 404, "not_found")
    assert problem["detail"] == "There is nothing at this address; /docs has all there are."


async def test_a_request_id_is_made_where_none_is_given(api: Caller) -> None:
    first = await api.send("GET", "/v1/products")
    second = await api.send("GET", "/v1/products")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


async def test_a_sane_request_id_is_echoed_and_stands_in_the_problem(api: Caller) -> None:
    name = f"order-{uuid.uuid4()}"
    problem = await api.refused("GET", "/v1/products/x", 404, "not_found", headers={"X-Request-ID": name})
    assert problem["request_id"] == name


@pytest.mark.parametrize("name", ["", "a b", "a" * 129, 'x"y', "<script>", "é"])
async def test_an_insane_request_id_is_replaced(api: Caller, name: str) -> None:
    headers = httpx.Headers({b"X-Request-ID": name.encode("latin-1")})
    response = await api.client.get("/v1/products", headers=headers)
    assert response.headers["X-Request-ID"] != name


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {API_KEY}", f"bearer{API_KEY}"]
)
async def test_a_call_without_a_good_key_is_unauthenticated_whatever_it_asks(
    api: Caller, sandbox: Sandbox, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(transport=api.client._transport, base_url="http://api", headers=headers) as stranger:
        for method, path, body in (
            ("GET", "/v1/products", None),
            ("GET", "/v1/invoices/in_1", None),
            ("GET", "/v1/invoices/in_1/client-secret", None),
            ("POST", "/v1/products", PRODUCT),
            ("POST", "/v1/invoices/in_1/finalize", None),
            ("PATCH", "/v1/invoices/in_1", {"description": "x"}),
            ("DELETE", "/v1/customers/cus_1", None),
            ("GET", "/v1/webhook-events", None),
        ):
            response = await stranger.request(method, path, json=body)
            assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            hold_to_contract(response)
        for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
            assert (await stranger.get(path)).status_code == 200
    assert await sandbox.requests() == []


async def test_what_nobody_expected_is_500_without_a_word_of_what_it_was(
    app_client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.state.services, Catalog, None)
    response = await app_client.post("/v1/products", json=PRODUCT, headers={"X-Request-ID": "r-1"})
    document: Json = response.json()
    assert (response.status_code, document["code"], document["request_id"]) == (500, "internal_error", "r-1")
    assert response.headers["X-Request-ID"] == "r-1"
    assert "NoneType" not in response.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_healthy_service_says_so(api: Caller, path: str) -> None:
    document = await api.get(path)
    assert document["status"] in {"ok", "ready"}
    assert set(document["checks"].values()) <= {"ok"}
