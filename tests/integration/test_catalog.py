"""Products and prices through the API, down to what Stripe then has."""

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox


async def test_a_product_is_created_at_stripe_and_answered_as_it_was_asked_for(api: Caller, sandbox: Sandbox) -> None:
    asked = {"name": "Consulting", "description": "By the hour", "metadata": {"team": "emea"}, "reference": "sku-7"}
    product = await api.post("/v1/products", asked)
    assert {name: product[name] for name in asked} == asked
    assert product["active"] is True
    assert product["livemode"] is False
    (at_stripe,) = (await sandbox.state())["product"]
    assert at_stripe["id"] == product["id"]
    assert at_stripe["metadata"] == {"team": "emea", "reference": "sku-7"}


async def test_a_product_is_read_as_it_was_answered(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "Consulting", "active": False})
    assert product["active"] is False
    assert await api.get(f"/v1/products/{product['id']}") == product


async def test_a_product_is_changed_and_fields_are_unset_by_null(api: Caller, sandbox: Sandbox) -> None:
    product = await api.post("/v1/products", {"name": "A", "description": "b", "metadata": {"x": "1", "y": "2"}})
    changed = await api.patch(
        f"/v1/products/{product['id']}", {"name": "C", "description": None, "metadata": {"x": None, "z": "3"}}
    )
    assert (changed["name"], changed["description"], changed["metadata"]) == ("C", None, {"y": "2", "z": "3"})
    (at_stripe,) = (await sandbox.state())["product"]
    assert (at_stripe["description"], at_stripe["metadata"]) == (None, {"y": "2", "z": "3"})


async def test_a_product_is_archived_and_found_by_whether_it_is_active(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    await api.patch(f"/v1/products/{product['id']}", {"active": False})
    assert [one["id"] for one in await api.every("/v1/products", active="false")] == [product["id"]]
    assert await api.every("/v1/products", active="true") == []


async def test_a_deleted_product_is_gone_here_and_at_stripe(api: Caller, sandbox: Sandbox) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    path = f"/v1/products/{product['id']}"
    assert await api.delete(path) == {"id": product["id"], "deleted": True}
    await api.refused("GET", path, 404, "not_found")
    await api.refused("PATCH", path, 404, "not_found", {"name": "B"})
    await api.refused("DELETE", path, 404, "not_found")
    assert await api.every("/v1/products") == []
    assert (await sandbox.dashboard.get(path)).status_code == 404


async def test_a_product_that_has_prices_is_not_deleted_and_the_answer_says_why(api: Caller) -> None:
    price = await api.price()
    problem = await api.refused("DELETE", f"/v1/products/{price['product']}", 409, "invalid_state")
    assert "price" in problem["detail"]
    assert problem["stripe"]["type"] == "invalid_request_error"
    assert (await api.get(f"/v1/products/{price['product']}"))["active"] is True


async def test_a_product_deleted_at_stripe_behind_our_back_is_deleted_here_by_our_delete(
    api: Caller, sandbox: Sandbox
) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    assert (await sandbox.dashboard.delete(f"/v1/products/{product['id']}")).is_success
    await api.delete(f"/v1/products/{product['id']}")
    await api.refused("GET", f"/v1/products/{product['id']}", 404, "not_found")


async def test_a_price_is_created_with_a_whole_unit_amount(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    asked = {
        "product": product["id"],
        "unit_amount": 1999,
        "currency": "eur",
        "nickname": "standard",
        "lookup_key": "std",
        "metadata": {"a": "b"},
        "reference": "p-1",
    }
    price = await api.post("/v1/prices", asked)
    assert {name: price[name] for name in asked} == asked
    assert price["unit_amount_decimal"] == "1999"
    assert price["active"] is True
    assert await api.get(f"/v1/prices/{price['id']}") == price


async def test_a_price_may_be_a_fraction_of_the_minor_unit(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    asked = {"product": product["id"], "unit_amount_decimal": "0.05", "currency": "usd"}
    price = await api.post("/v1/prices", asked)
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (None, "0.05")


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 500), ("kwd", 5120), ("isk", 500), ("usd", 99_999_999)])
async def test_a_price_may_be_in_a_currency_without_or_with_three_decimals(
    api: Caller, currency: str, amount: int
) -> None:
    price = await api.price(amount, currency)
    assert (price["unit_amount"], price["currency"]) == (amount, currency)


async def test_a_price_is_changed_but_for_its_amount(api: Caller) -> None:
    price = await api.price()
    changed = await api.patch(
        f"/v1/prices/{price['id']}", {"nickname": "old", "active": False, "lookup_key": "k", "metadata": {"a": "b"}}
    )
    assert (changed["nickname"], changed["active"], changed["lookup_key"]) == ("old", False, "k")
    assert changed["metadata"] == {"a": "b"}
    assert (await api.patch(f"/v1/prices/{price['id']}", {"nickname": None}))["nickname"] is None
    await api.refused("PATCH", f"/v1/prices/{price['id']}", 422, "validation_error", {"unit_amount": 1})


async def test_prices_are_listed_by_their_product(api: Caller) -> None:
    first, second = await api.price(100), await api.price(200)
    found = await api.every("/v1/prices", product=first["product"])
    assert found == [first]
    assert {one["id"] for one in await api.every("/v1/prices")} == {first["id"], second["id"]}


async def test_a_price_of_an_unknown_product_is_refused_with_stripes_words(api: Caller) -> None:
    body = {"product": "prod_unknown", "unit_amount": 1, "currency": "usd"}
    problem = await api.refused("POST", "/v1/prices", 422, "stripe_invalid_request", body)
    assert problem["param"] == "product"
    assert problem["stripe"]["code"] == "resource_missing"
    assert problem["stripe"]["request_id"].startswith("req_")
    assert "prod_unknown" in problem["detail"]


async def test_a_currency_that_does_not_exist_is_refused(api: Caller) -> None:
    product = await api.post("/v1/products", {"name": "A"})
    body = {"product": product["id"], "unit_amount": 1, "currency": "zzz"}
    problem = await api.refused("POST", "/v1/prices", 422, "stripe_invalid_request", body)
    assert problem["param"] == "currency"


async def test_a_product_whose_id_somebody_chose_at_stripe_can_be_sold(live: Caller, sandbox: Sandbox) -> None:
    form = {"id": "consulting-hour", "name": "Consulting"}
    assert (await sandbox.dashboard.post("/v1/products", data=form)).is_success
    await live.settled()
    price = await live.post("/v1/prices", {"product": form["id"], "currency": "usd", "unit_amount": 500})
    data = {"product": form["id"], "currency": "usd", "unit_amount": 700}
    assert (await live.draft(items=[{"price": price["id"]}, {"price_data": data}]))["total"] == 1200
    coupon = {"percent_off": "50", "duration": "once", "applies_to": {"products": [form["id"]]}}
    assert (await live.post("/v1/coupons", coupon))["percent_off"] == "50"
