"""The items of a draft through the API: how they come, change and go, and what is never possible."""

import pytest

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import Sandbox


def amounts(invoice: Json) -> list[int]:
    return sorted(item["amount"] for item in invoice["items"])


async def test_one_item_is_added_and_the_totals_follow(api: Caller) -> None:
    invoice = await api.draft(items=[])
    changed = await api.post(f"/v1/invoices/{invoice['id']}/items", {**ITEM, "metadata": {"a": "b"}})
    (item,) = changed["items"]
    assert (item["amount"], item["currency"], item["description"]) == (2000, "usd", "Consulting")
    assert item["metadata"] == {"a": "b"}
    assert item["id"].startswith("ii_")
    assert item["line_item"].startswith("il_")
    assert (changed["subtotal"], changed["total"], changed["amount_due"]) == (2000, 2000, 2000)


async def test_a_list_of_items_is_added_in_one_call_to_stripe(api: Caller, sandbox: Sandbox) -> None:
    price = await api.price(100)
    invoice = await api.draft()
    items = [{"price": price["id"], "quantity": 3}, {**ITEM, "amount": -500}]
    changed = await api.post(f"/v1/invoices/{invoice['id']}/items", {"items": items})
    assert amounts(changed) == [-500, 300, 2000]
    assert changed["total"] == 1800
    calls = await sandbox.requests(path=f"/v1/invoices/{invoice['id']}/add_lines")
    assert [len(call["params"]["lines"]) for call in calls] == [1, 2]


async def test_an_item_is_changed_and_the_totals_follow(api: Caller) -> None:
    invoice = await api.draft()
    (item,) = invoice["items"]
    path = f"/v1/invoices/{invoice['id']}/items/{item['id']}"
    changed = await api.patch(path, {"amount": 700, "description": "Less", "metadata": {"a": "b"}})
    (now,) = changed["items"]
    assert (now["id"], now["amount"], now["description"]) == (item["id"], 700, "Less")
    assert now["metadata"] == {"a": "b"}
    assert changed["total"] == 700
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["items"] == [now]


async def test_the_quantity_of_an_item_is_changed(api: Caller) -> None:
    price = await api.price(100)
    invoice = await api.draft(items=[{"price": price["id"], "quantity": 1}])
    path = f"/v1/invoices/{invoice['id']}/items/{invoice['items'][0]['id']}"
    changed = await api.patch(path, {"quantity": 5})
    assert (changed["items"][0]["quantity"], changed["total"]) == (5, 500)


async def test_an_item_gets_another_price(api: Caller) -> None:
    first, second = await api.price(100), await api.price(250)
    invoice = await api.draft(items=[{"price": first["id"], "quantity": 2}])
    path = f"/v1/invoices/{invoice['id']}/items/{invoice['items'][0]['id']}"
    changed = await api.patch(path, {"price": second["id"]})
    assert (changed["items"][0]["price"], changed["total"]) == (second["id"], 500)


async def test_an_item_is_taken_off(api: Caller) -> None:
    invoice = await api.draft(items=[ITEM, {**ITEM, "amount": 1}])
    gone = next(item for item in invoice["items"] if item["amount"] == 1)
    path = f"/v1/invoices/{invoice['id']}/items/{gone['id']}"
    changed = await api.delete(path)
    assert (amounts(changed), changed["total"]) == ([2000], 2000)
    await api.refused("DELETE", path, 404, "not_found")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_an_item_that_the_invoice_does_not_have_is_not_found(api: Caller, method: str) -> None:
    invoice, other = await api.draft(), await api.draft()
    body = {"amount": 1} if method == "PATCH" else None
    for item in ("ii_unknown", other["items"][0]["id"]):
        problem = await api.refused(method, f"/v1/invoices/{invoice['id']}/items/{item}", 404, "not_found", body)
        assert item in problem["detail"]


async def test_more_than_250_items_in_one_call_are_refused_before_stripe_is_asked(
    api: Caller, sandbox: Sandbox
) -> None:
    customer = await api.customer()
    body = {"customer": customer["id"], "days_until_due": 1, "items": [ITEM] * 251}
    problem = await api.refused("POST", "/v1/invoices", 422, "validation_error", body)
    assert problem["param"] == "items"
    assert await sandbox.requests(path="/v1/invoices") == []


async def test_the_251st_item_of_an_invoice_is_refused_however_the_others_came(api: Caller) -> None:
    invoice = await api.draft(items=[ITEM] * 249)
    path = f"/v1/invoices/{invoice['id']}/items"
    problem = await api.refused("POST", path, 422, "validation_error", {"items": [ITEM, ITEM]})
    assert problem["param"] == "items"
    assert "249" in problem["detail"]
    assert len((await api.post(path, ITEM))["items"]) == 250
    await api.refused("POST", path, 422, "validation_error", ITEM)


async def test_items_of_two_currencies_are_refused_naming_the_item(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer()
    body = {"customer": customer["id"], "days_until_due": 1, "items": [ITEM, {**ITEM, "currency": "eur"}]}
    problem = await api.refused("POST", "/v1/invoices", 422, "validation_error", body)
    assert problem["param"] == "items[1]"
    assert await sandbox.requests(path="/v1/invoices") == []


async def test_a_price_of_another_currency_than_the_invoices_is_refused_naming_the_item(
    api: Caller, sandbox: Sandbox
) -> None:
    dollars, euros = await api.price(100), await api.price(100, "eur")
    customer = await api.customer()
    for items, named in (
        ([{"price": dollars["id"]}, {"price": euros["id"]}], "items[1]"),
        ([{"price": euros["id"]}, ITEM], "items[1]"),
        (
            [ITEM, {"price_data": {"product": euros["product"], "currency": "eur", "unit_amount": 1}, "quantity": 1}],
            "items[1]",
        ),
    ):
        body = {"customer": customer["id"], "days_until_due": 1, "items": items}
        problem = await api.refused("POST", "/v1/invoices", 422, "validation_error", body)
        assert problem["param"] == named
    stated = {"customer": customer["id"], "days_until_due": 1, "currency": "eur", "items": [{"price": dollars["id"]}]}
    assert (await api.refused("POST", "/v1/invoices", 422, "validation_error", stated))["param"] == "items[0]"
    assert await sandbox.requests(path="/v1/invoices") == []


async def test_an_item_of_another_currency_is_neither_added_to_nor_put_on_a_draft(api: Caller) -> None:
    invoice = await api.draft()
    euros = await api.price(100, "eur")
    path = f"/v1/invoices/{invoice['id']}/items"
    added = await api.refused("POST", path, 422, "validation_error", {**ITEM, "currency": "eur"})
    assert added["param"] == "items[0]"
    changed = await api.refused(
        "PATCH", f"{path}/{invoice['items'][0]['id']}", 422, "validation_error", {"price": euros["id"]}
    )
    assert changed["param"] == "price"


async def test_an_invoice_takes_the_currency_of_its_first_item(api: Caller) -> None:
    euros = await api.price(100, "eur")
    invoice = await api.draft(items=[{"price": euros["id"], "quantity": 1}])
    assert invoice["currency"] == "eur"


async def test_items_keep_their_order_over_changes(api: Caller) -> None:
    invoice = await api.draft(items=[{**ITEM, "amount": n} for n in (1, 2, 3)])
    ids = [item["id"] for item in invoice["items"]]
    middle = invoice["items"][1]
    changed = await api.patch(f"/v1/invoices/{invoice['id']}/items/{middle['id']}", {"amount": 9})
    assert [item["id"] for item in changed["items"]] == ids


async def test_a_change_of_an_item_must_not_null_what_an_item_needs(api: Caller) -> None:
    invoice = await api.draft()
    path = f"/v1/invoices/{invoice['id']}/items/{invoice['items'][0]['id']}"
    for name in ("price", "price_data", "amount", "quantity"):
        problem = await api.refused("PATCH", path, 422, "validation_error", {name: None})
        assert name in problem["detail"]
    assert (await api.patch(path, {"description": None}))["items"][0]["description"] != "Consulting"


async def test_an_amount_of_three_decimals_must_be_a_multiple_of_ten_in_a_change_as_well(api: Caller) -> None:
    invoice = await api.draft(items=[{"amount": 5120, "currency": "kwd"}])
    path = f"/v1/invoices/{invoice['id']}/items/{invoice['items'][0]['id']}"
    problem = await api.refused("PATCH", path, 422, "validation_error", {"amount": 5125})
    assert problem["param"] == "amount"


async def test_a_change_of_an_item_that_stripe_does_not_show_on_the_first_page_arrives(
    live: Caller, sandbox: Sandbox
) -> None:
    invoice = await live.draft(items=[{**ITEM, "amount": 100 + n} for n in range(25)])
    last = invoice["items"][-1]
    for amount in (7, 8):
        path = f"/v1/invoices/{invoice['id']}/lines/{last['line_item']}"
        assert (await sandbox.dashboard.post(path, data={"amount": amount})).is_success
        await live.settled()
        shown = await live.get(f"/v1/invoices/{invoice['id']}")
        assert [item["amount"] for item in shown["items"] if item["id"] == last["id"]] == [amount]
        assert shown["total"] == sum(item["amount"] for item in shown["items"])


async def test_a_change_whose_item_went_meanwhile_is_answered_all_the_same(live: Caller, sandbox: Sandbox) -> None:
    """It was done at Stripe, and its answer was lost; then the item was deleted in the Dashboard."""
    invoice = await live.draft(items=[ITEM, ITEM])
    path = f"/v1/invoices/{invoice['id']}"
    item, key = invoice["items"][0], {"Idempotency-Key": "one"}
    await sandbox.fault("POST", f"{path}/update_lines", kind="drop_response")
    change = {"description": "Changed"}
    await live.refused("PATCH", f"{path}/items/{item['id']}", 503, "stripe_unavailable", change, headers=key)
    await sandbox.clear_faults()
    removed = {"lines[0][id]": item["line_item"], "lines[0][behavior]": "delete"}
    assert (await sandbox.dashboard.post(f"{path}/remove_lines", data=removed)).is_success
    await live.settled()
    answer = await live.send("PATCH", f"{path}/items/{item['id']}", change, headers=key)
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["items"]] == [invoice["items"][1]["id"]]
