"""A payer enters a promotion code at the link of a draft, has the draft finalized, and pays what is left."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

ALLOWED = {"allow_promotion_codes": True}


@pytest.fixture
async def code(live: Caller) -> dict[str, Any]:
    await live.post("/v1/coupons", {"id": "HALF", "percent_off": "50", "name": "Half off"})
    return await live.post("/v1/promotion-codes", {"promotion": {"coupon": "HALF"}, "code": "SPRING"})


async def entered(live: Caller, address: str, code: str) -> str:
    """What the page says after `code` was entered."""
    answer = await live.client.post(f"{address}/promotion-code", data={"code": code})
    assert answer.status_code == 303, answer.text
    page = await live.client.get(answer.headers["Location"])
    assert page.status_code == 200
    return page.text


async def test_a_payer_enters_a_code_and_pays_what_is_left(
    live: Caller, sandbox: Sandbox, code: dict[str, Any]
) -> None:
    draft = await live.draft()
    address = (await live.post(f"/v1/invoices/{draft['id']}/payment-link", ALLOWED))["url"]
    assert "Promotion code" in (await live.client.get(address)).text
    assert (await live.get(f"/v1/invoices/{draft['id']}"))["status"] == "draft"  # a look finalizes nothing
    assert "The promotion code is applied." in await entered(live, address, " spring ")
    assert "Discount: Half off" in (await live.client.get(address)).text
    both = await asyncio.gather(*(live.client.post(f"{address}/finalize") for _ in range(2)))
    assert {answer.status_code for answer in both} <= {303, 429}
    found = await live.get(f"/v1/invoices/{draft['id']}")
    assert (found["status"], found["amount_due"]) == ("open", 1000)
    assert "Pay $10.00" in (await live.client.get(address)).text
    finalized = await sandbox.requests(method="POST", path=f"/v1/invoices/{draft['id']}/finalize")
    assert len([it for it in finalized if it["executed"] and it["status"] == 200]) == 1


@pytest.mark.parametrize("wrong", ["NONE", "OTHERS", "two words", "'; drop", ""])
async def test_a_code_that_cannot_be_used_says_no_more_than_that(
    live: Caller, code: dict[str, Any], wrong: str
) -> None:
    other = await live.customer()
    body = {"promotion": {"coupon": "HALF"}, "code": "OTHERS", "customer": other["id"]}
    await live.post("/v1/promotion-codes", body)
    draft = await live.draft()
    address = (await live.post(f"/v1/invoices/{draft['id']}/payment-link", ALLOWED))["url"]
    assert "This promotion code cannot be used here." in await entered(live, address, wrong)
    assert (await live.get(f"/v1/invoices/{draft['id']}"))["discounts"] == []


async def test_a_payers_own_code_is_found_among_those_of_more_customers_than_a_page_of_stripes_list_has(
    live: Caller, sandbox: Sandbox, code: dict[str, Any]
) -> None:
    draft = await live.draft()
    others = [(await sandbox.dashboard.post("/v1/customers")).json()["id"] for _ in range(100)]
    for payer in [draft["customer"], *others]:
        form = {"promotion[type]": "coupon", "promotion[coupon]": "HALF", "code": "WELCOME", "customer": payer}
        assert (await sandbox.dashboard.post("/v1/promotion_codes", data=form)).is_success
    address = (await live.post(f"/v1/invoices/{draft['id']}/payment-link", ALLOWED))["url"]
    assert "The promotion code is applied." in await entered(live, address, "WELCOME")


async def test_codes_cannot_be_guessed_at_a_link(live: Caller, code: dict[str, Any]) -> None:
    draft = await live.draft()
    made = await live.post(f"/v1/invoices/{draft['id']}/payment-link", ALLOWED)
    async with live.container.database.connection() as connection:
        await connection.execute("UPDATE payment_links SET code_attempts = 20 WHERE id = $1", made["id"])
    assert "Too many promotion codes were tried." in await entered(live, made["url"], "SPRING")
    assert (await live.get(f"/v1/invoices/{draft['id']}"))["discounts"] == []


async def test_a_link_takes_codes_only_where_it_was_made_so(live: Caller, code: dict[str, Any]) -> None:
    draft = await live.draft()
    await live.refused("POST", f"/v1/invoices/{draft['id']}/payment-link", 409, "invalid_state")
    await live.refused(
        "POST", f"/v1/invoices/{draft['id']}/payment-link", 409, "invalid_state", {"allow_promotion_codes": False}
    )
    opened = await live.open()
    address = (await live.post(f"/v1/invoices/{opened['id']}/payment-link"))["url"]
    assert (await live.client.post(f"{address}/finalize")).status_code == 403
    forged = address[:-4] + "AAAA"
    assert (await live.client.post(f"{forged}/finalize")).status_code == 404
    assert (await live.client.post(f"{forged}/promotion-code", data={"code": "SPRING"})).status_code == 404


async def test_a_draft_that_stripe_does_not_finalize_asks_to_contact_its_sender(live: Caller) -> None:
    draft = await live.draft(items=[])
    address = (await live.post(f"/v1/invoices/{draft['id']}/payment-link", ALLOWED))["url"]
    answer = await live.client.post(f"{address}/finalize")
    assert answer.headers["Location"].endswith("?said=unfinished")
    page = await live.client.get(answer.headers["Location"])
    assert "This invoice cannot be paid yet." in page.text
    assert (await live.get(f"/v1/invoices/{draft['id']}"))["status"] == "draft"
