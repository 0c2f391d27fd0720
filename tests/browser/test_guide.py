"""The page that docs/front-end.md shows, as it stands there, and a person who pays on it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from playwright.async_api import expect

from tests.browser.conftest import PROJECT, Bill, Person
from tests.browser.shopping import Shopper
from tests.fixtures.ports import find_free_port
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service

pytestmark = pytest.mark.e2e

PAGE, THANKS = re.findall(
    r"^```html\n(.*?)^```$", (PROJECT / "docs/front-end.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture
async def shop(person: Person, sandbox: Sandbox, service: Service, bill: Bill) -> AsyncIterator[Shopper]:
    """A shop with the two pages, and the two routes of its server that they ask."""

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in {"pay", "thanks"}:
            return web.Response(text=PAGE if name == "pay" else THANKS, content_type="text/html")
        found = await service.client.get(f"/v1/invoices/{bill.invoice['id']}/{name}")
        return web.json_response(text=found.text, status=found.status_code)

    application = web.Application()
    application.router.add_get("/{name}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = find_free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    shopper = Shopper(person, f"http://127.0.0.1:{port}", sandbox, [])
    await shopper.serves_stripe()
    await shopper.visit("pay")
    yield shopper
    await runner.cleanup()


async def test_the_page_of_the_guide_takes_a_payment(shop: Shopper, bill: Bill) -> None:
    await shop.types_card("4242424242424242")
    await shop.presses()
    await shop.sees("Thank you, it is paid.")
    assert (await bill.read())["status"] == "paid"


async def test_the_page_of_the_guide_tells_a_decline(shop: Shopper) -> None:
    await shop.types_card("4000000000009995")
    await shop.presses()
    await shop.sees(re.compile("insufficient funds"), "alert")
    await expect(shop.page).to_have_url(f"{shop.url}/pay")
