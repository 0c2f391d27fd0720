"""The caller's own ids: kept at Stripe, found again, never given twice, free again when their object is gone."""

import asyncio

import pytest

from tests.fixtures.caller import Caller, Json
from tests.fixtures.sandbox import Sandbox


async def body_of(api: Caller, resource: str) -> Json:
    match resource:
        case "products":
            return {"name": "A"}
        case "prices":
            product = await api.post("/v1/products", {"name": "A"})
            return {"product": product["id"], "unit_amount": 1, "currency": "usd"}
        case "customers":
            return {"name": "Jenny"}
        case _:
            return {"customer": (await api.customer())["id"], "days_until_due": 1}


RESOURCES = pytest.mark.parametrize("resource", ["products", "prices", "customers", "invoices"])


@RESOURCES
async def test_a_reference_finds_its_object_and_stands_in_stripes_metadata(
    api: Caller, sandbox: Sandbox, resource: str
) -> None:
    body = await body_of(api, resource)
    reference = "Order 1042/ä"
    made = await api.post(f"/v1/{resource}", {**body, "reference": reference})
    await api.post(f"/v1/{resource}", body)
    (found,) = await api.every(f"/v1/{resource}", reference=reference)
    assert found["id"] == made["id"]
    assert (found["reference"], found["metadata"]) == (reference, {})
    at_stripe = (await sandbox.dashboard.get(f"/v1/{resource}/{made['id']}")).json()
    assert at_stripe["metadata"] == {"reference": reference}


@RESOURCES
async def test_a_taken_reference_is_refused_naming_who_has_it_and_nothing_is_created(
    api: Caller, sandbox: Sandbox, resource: str
) -> None:
    body = {**await body_of(api, resource), "reference": "r"}
    made = await api.post(f"/v1/{resource}", body)
    problem = await api.refused("POST", f"/v1/{resource}", 409, "reference_taken", body)
    assert (problem["existing"], problem["param"]) == (made["id"], "reference")
    assert made["id"] in problem["detail"]
    assert len(await sandbox.requests(method="POST", path=f"/v1/{resource}")) == 1


async def test_the_same_reference_may_be_used_once_per_resource(api: Caller) -> None:
    for resource in ("products", "prices", "customers", "invoices"):
        body = await body_of(api, resource)
        assert (await api.post(f"/v1/{resource}", {**body, "reference": "r"}))["reference"] == "r"


@pytest.mark.parametrize("resource", ["products", "customers", "invoices"])
async def test_a_reference_is_free_again_when_its_object_is_deleted(api: Caller, resource: str) -> None:
    body = {**await body_of(api, resource), "reference": "r"}
    first = await api.post(f"/v1/{resource}", body)
    await api.delete(f"/v1/{resource}/{first['id']}")
    second = await api.post(f"/v1/{resource}", body)
    assert [one["id"] for one in await api.every(f"/v1/{resource}", reference="r")] == [second["id"]]


async def test_a_reference_is_free_again_when_its_create_was_refused(api: Caller) -> None:
    bad = {"product": "prod_unknown", "unit_amount": 1, "currency": "usd", "reference": "r"}
    await api.refused("POST", "/v1/prices", 422, "stripe_invalid_request", bad)
    assert (await api.price(reference="r"))["reference"] == "r"


async def test_of_two_creates_at_once_one_gets_the_reference(api: Caller, sandbox: Sandbox) -> None:
    body = {"name": "A", "reference": "r"}
    answers = await asyncio.gather(*(api.send("POST", "/v1/products", body) for _ in range(5)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(made) == 1
    assert {answer.json()["code"] for answer in answers if answer.is_error} <= {
        "reference_taken",
        "idempotency_in_progress",
    }
    assert len((await sandbox.state())["product"]) == 1


async def test_a_reference_given_in_the_dashboard_is_taken_here(live: Caller, sandbox: Sandbox) -> None:
    made = await sandbox.dashboard.post("/v1/products", data={"name": "A", "metadata[reference]": "r"})
    await live.settled()
    problem = await live.refused("POST", "/v1/products", 409, "reference_taken", {"name": "B", "reference": "r"})
    assert problem["existing"] == made.json()["id"]


async def test_a_reference_changed_in_the_dashboard_is_free_again(live: Caller, sandbox: Sandbox) -> None:
    made = await live.post("/v1/products", {"name": "A", "reference": "before"})
    await sandbox.dashboard.post(f"/v1/products/{made['id']}", data={"metadata[reference]": "after"})
    await live.settled()
    assert (await live.post("/v1/products", {"name": "B", "reference": "before"}))["reference"] == "before"
    problem = await live.refused("POST", "/v1/products", 409, "reference_taken", {"name": "C", "reference": "after"})
    assert problem["existing"] == made["id"]


async def test_a_reference_taken_away_in_the_dashboard_is_free_again(live: Caller, sandbox: Sandbox) -> None:
    made = await live.post("/v1/products", {"name": "A", "reference": "before"})
    await sandbox.dashboard.post(f"/v1/products/{made['id']}", data={"metadata[reference]": ""})
    await live.settled()
    assert (await live.post("/v1/products", {"name": "B", "reference": "before"}))["reference"] == "before"
