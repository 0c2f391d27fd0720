"""`PUT /v1/invoices/{id}/items`: all items of a draft are replaced, in as few calls as Stripe allows."""

from collections import Counter
from typing import Any

import pytest

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import Sandbox


def one(amount: int, **more: Any) -> Json:
    return {"amount": amount, "currency": "usd", **more}


async def calls(sandbox: Sandbox) -> Counter[str]:
    """The calls that change lines, by their names."""
    entries = await sandbox.requests(method="POST", limit="20000")
    return Counter(
        name for entry in entries if (name := entry["path"].rpartition("/")[2]) in {"add_lines", "remove_lines"}
    )


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [
        ([ITEM, ITEM], [one(5), one(7)], ["add_lines", "remove_lines"]),
        ([], [one(5)], ["add_lines"]),
        ([ITEM], [], ["remove_lines"]),
        ([], [], []),
        ([one(1)] * 240, [one(2)] * 200, ["remove_lines", "add_lines"]),
    ],
)
async def test_the_items_are_the_new_ones_after_at_most_two_calls(
    api: Caller, sandbox: Sandbox, before: list[Json], after: list[Json], made: list[str]
) -> None:
    invoice = await api.draft(items=before)
    known = await calls(sandbox)
    found = await api.call("PUT", f"/v1/invoices/{invoice['id']}/items", {"items": after})
    assert [item["amount"] for item in found["items"]] == [item["amount"] for item in after]
    assert found["total"] == sum(item["amount"] for item in after)
    assert await api.get(f"/v1/invoices/{invoice['id']}") == found
    assert await calls(sandbox) - known == Counter(made)


async def test_items_that_were_added_in_the_dashboard_are_replaced_too(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft(items=[ITEM])
    await sandbox.mode(hold=True)
    await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/add_lines", data={"lines[0][amount]": "900"})
    found = await api.call("PUT", f"/v1/invoices/{invoice['id']}/items", {"items": [one(5)]})
    assert [item["amount"] for item in found["items"]] == [5]


async def test_a_refusal_leaves_the_former_items_and_names_the_field(api: Caller) -> None:
    invoice = await api.draft(items=[ITEM])
    path = f"/v1/invoices/{invoice['id']}/items"
    problem = await api.refused(
        "PUT", path, 422, "stripe_invalid_request", {"items": [one(5), {"price": "price_none"}]}
    )
    assert problem["param"] == "items[1].price"
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["total"] == invoice["total"]
    problem = await api.refused("PUT", path, 422, "validation_error", {"items": [{"amount": 1, "currency": "eur"}]})
    assert problem["param"] == "items[0]"


async def test_items_of_a_finalized_invoice_stay(api: Caller) -> None:
    invoice = await api.open()
    await api.refused("PUT", f"/v1/invoices/{invoice['id']}/items", 409, "invalid_state", {"items": []})


async def test_a_price_with_an_option_in_the_currency_of_the_invoice_is_taken_and_another_is_not(api: Caller) -> None:
    price = await api.price(1000, "usd", currency_options={"eur": {"unit_amount": 900}})
    invoice = await api.draft(items=[one(5) | {"currency": "eur"}])
    path = f"/v1/invoices/{invoice['id']}/items"
    found = await api.call("PUT", path, {"items": [{"price": price["id"], "quantity": 2}]})
    assert (found["currency"], found["total"]) == ("eur", 1800)
    other = await api.price(1000, "usd")
    problem = await api.refused("PUT", path, 422, "validation_error", {"items": [{"price": other["id"]}]})
    assert problem["param"] == "items[0]"
