"""Coupons and promotion codes through the API, down to what Stripe then has, and from Stripe's events."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

MAY = f"{datetime.now(UTC).year + 1}-05-01T00:00:00.000Z"
TEN = {"percent_off": "10", "name": "Spring sale"}


async def test_a_coupon_is_created_renamed_and_deleted_at_stripe(api: Caller, sandbox: Sandbox) -> None:
    product = await api.post("/v1/products", {"name": "Consulting"})
    asked = {
        "id": "SPRING-26", "name": "Spring sale", "amount_off": 500, "currency": "eur", "max_redemptions": 5,
        "redeem_by": MAY, "metadata": {"a": "b"}, "reference": "c-1",
    }  # fmt: skip
    coupon = await api.post("/v1/coupons", asked | {"applies_to": {"products": [product["id"]]}})
    path = "/v1/coupons/SPRING-26"
    assert {name: coupon[name] for name in asked} == asked
    assert (coupon["percent_off"], coupon["duration"], coupon["times_redeemed"], coupon["valid"]) == (
        None,
        "once",
        0,
        True,
    )
    at_stripe = await sandbox.dashboard.get("/v1/coupons/SPRING-26", params={"expand[]": "applies_to"})
    assert at_stripe.json()["applies_to"]["products"] == [product["id"]]
    assert (await api.patch(path, {"name": "Summer"}))["name"] == "Summer"
    assert [one["name"] for one in await api.every("/v1/coupons", reference="c-1")] == ["Summer"]
    assert await api.delete(path) == {"id": "SPRING-26", "deleted": True}
    await api.refused("GET", path, 404, "not_found")
    assert "coupon" not in await sandbox.state()


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"percent_off": "0"}, "percent_off"),
        ({"percent_off": "101"}, "percent_off"),
        ({"amount_off": 5, "currency": "eur"}, "percent_off"),
        ({"percent_off": None, "amount_off": 5}, "currency"),
        ({"percent_off": None, "amount_off": 1005, "currency": "kwd"}, "amount_off"),
        ({"duration": "repeating"}, "duration_in_months"),
        ({"duration_in_months": 3}, "duration_in_months"),
        ({"redeem_by": "2020-01-01T00:00:00Z"}, "redeem_by"),
        ({"redeem_by": "2050-01-01T00:00:00Z"}, "redeem_by"),
        ({"currency_options": {}}, "currency_options"),
    ],
)
async def test_a_coupon_that_cannot_be_is_refused_by_name(api: Caller, wrong: dict[str, Any], param: str) -> None:
    problem = await api.refused("POST", "/v1/coupons", 422, "validation_error", TEN | wrong)
    assert problem["param"] == param


async def test_the_id_of_a_deleted_coupon_may_be_used_again(live: Caller) -> None:
    """In the same second, too, and whatever Stripe's events say afterwards."""
    for name in ("one", "two"):
        await live.post("/v1/coupons", {"id": "AGAIN", "percent_off": "10", "name": name})
        if name == "one":
            await live.delete("/v1/coupons/AGAIN")
    assert (await live.get("/v1/coupons/AGAIN"))["name"] == "two"
    await live.settled()
    assert (await live.get("/v1/coupons/AGAIN"))["name"] == "two"


async def test_a_coupon_that_somebody_made_and_deleted_in_the_dashboard_follows(live: Caller, sandbox: Sandbox) -> None:
    older = await live.post("/v1/coupons", TEN)
    made = await sandbox.dashboard.post("/v1/coupons", data={"id": "50% off", "percent_off": "50"})
    assert made.is_success
    await live.settled()
    page = await live.get("/v1/coupons", limit=1)  # which ends with an id that has a space
    rest = await live.get("/v1/coupons", limit=1, cursor=page["next_cursor"])
    assert [one["id"] for one in (*page["data"], *rest["data"])] == ["50% off", older["id"]]
    assert (await live.get("/v1/coupons/50%25%20off"))["percent_off"] == "50"
    assert (await live.patch("/v1/coupons/50%25%20off", {"name": "Half"}))["name"] == "Half"
    code = await live.post("/v1/promotion-codes", {"promotion": {"coupon": "50% off"}, "code": "SPRING"})
    for discount in ({"coupon": "50% off"}, {"promotion_code": code["id"]}):
        assert (await live.draft(discounts=[discount]))["total"] == 1000
    assert (await sandbox.dashboard.delete("/v1/coupons/50%25%20off")).is_success
    await live.settled()
    assert [one["id"] for one in await live.every("/v1/coupons")] == [older["id"]]


async def test_a_promotion_code_is_created_found_and_turned_off(api: Caller, sandbox: Sandbox) -> None:
    coupon, customer = await api.post("/v1/coupons", TEN), await api.customer()
    asked = {
        "promotion": {"type": "coupon", "coupon": coupon["id"]}, "code": "SPRING", "customer": customer["id"],
        "expires_at": MAY, "max_redemptions": 5, "metadata": {"a": "b"}, "reference": "p-1",
        "restrictions": {"first_time_transaction": True, "minimum_amount": 1000, "minimum_amount_currency": "usd"},
    }  # fmt: skip
    code = await api.post("/v1/promotion-codes", asked)
    path = f"/v1/promotion-codes/{code['id']}"
    assert {name: code[name] for name in asked} == asked
    assert await api.get(path) == code
    other = await api.post("/v1/promotion-codes", {"promotion": {"coupon": coupon["id"]}})
    assert other["restrictions"] == {
        "first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None
    }  # fmt: skip
    for query in ({"code": "SPRING"}, {"customer": customer["id"]}, {"reference": "p-1"}):
        assert await api.every("/v1/promotion-codes", **query) == [code]
    assert len(await api.every("/v1/promotion-codes", coupon=coupon["id"])) == 2
    changed = await api.patch(path, {"active": False})
    assert changed["active"] is False
    assert await api.every("/v1/promotion-codes", active="true") == [other]
    assert [it["active"] for it in (await sandbox.state())["promotion_code"]] == [False, True]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"code": "two words"}, "code"),
        ({"promotion": {"type": "gift", "coupon": "x"}}, "promotion.type"),
        ({"restrictions": {"minimum_amount": 5}}, "restrictions.minimum_amount"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
async def test_a_promotion_code_that_cannot_be_is_refused_by_name(
    api: Caller, wrong: dict[str, Any], param: str
) -> None:
    body = {"promotion": {"coupon": "x"}} | wrong
    assert (await api.refused("POST", "/v1/promotion-codes", 422, "validation_error", body))["param"] == param


async def test_what_a_promotion_code_redeems_must_exist_at_stripe(api: Caller) -> None:
    body = {"promotion": {"coupon": "none"}}
    problem = await api.refused("POST", "/v1/promotion-codes", 422, "stripe_invalid_request", body)
    assert problem["param"] == "promotion.coupon"
