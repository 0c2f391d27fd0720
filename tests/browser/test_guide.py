"""The page that docs/front-end.md shows, as it stands there, and a person who pays on it."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import PROJECT, Bill, Person
from tests.browser.shopping import Shopper
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service

pytestmark = pytest.mark.e2e

SHOP = "http://127.0.0.1:9"
"""Nothing listens there: the shop's answers are given below."""
PAGE, THANKS = re.findall(
    r"^```html\n(.*?)^```$", (PROJECT / "docs/front-end.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture
async def shop(person: Person, sandbox: Sandbox, service: Service, bill: Bill) -> Shopper:
    """A shop with the two pages, and the two routes of its server that they ask."""

    async def answer(route: Route) -> None:
        name = httpx.URL(route.request.url).path.strip("/")
        if name in {"client-secret", "fulfillment"}:
            found = await service.client.get(f"/v1/invoices/{bill.invoice['id']}/{name}")
            await route.fulfill(status=found.status_code, body=found.text, content_type="application/json")
        else:
            await route.fulfill(body=THANKS if name == "thanks" else PAGE, content_type="text/html; charset=utf-8")

    shopper = Shopper(person, SHOP, sandbox, [])
    await shopper.serves_stripe()
    await person.context.route(f"{SHOP}/**", answer)
    await shopper.visit("pay")
    return shopper


async def test_the_page_of_the_guide_takes_a_payment(shop: Shopper, bill: Bill) -> None:
    await shop.types_card("4242424242424242")
    await shop.presses()
    await shop.sees("Thank you, it is paid.")
    assert (await bill.read())["status"] == "paid"


async def test_the_page_of_the_guide_tells_a_decline(shop: Shopper) -> None:
    await shop.types_card("4000000000009995")
    await shop.presses()
    await shop.sees(re.compile("insufficient funds"), "alert")
    await expect(shop.page).to_have_url(f"{SHOP}/pay")
