"""The payment pages in a merchant's own color, with its logo."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Bill, Billed, NewPerson
from tests.browser.test_page import no_violations
from tests.fixtures.service import MakeService, Service

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="40"><rect width="40" height="40" rx="8" fill="#ffd400"/>'
    '<text x="52" y="28" font-family="sans-serif" font-size="22">Sandbox</text></svg>'
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
async def service(make_lasting_service: MakeService) -> Service:
    """Serve pages with a color that is illegible on white."""
    return await make_lasting_service(
        PAYMENT_PAGE_LOGO_URL="https://cdn.example/logo.svg",
        PAYMENT_PAGE_APPEARANCE='{"variables": {"colorPrimary": "#ffd400"}}',
    )


@pytest.mark.parametrize("dark", [False, True])
async def test_a_bright_color_stays_legible(new_person: NewPerson, billed: Billed, dark: bool) -> None:  # noqa: FBT001
    bill: Bill = await billed(footer="Sandbox Ltd, 1 Main Street", link={"return_url": "http://localhost:3000/order"})
    person = await new_person(dark=dark)
    await person.context.route(
        "https://cdn.example/**", lambda route: route.fulfill(body=LOGO, content_type="image/svg+xml")
    )
    await person.open(bill.url)
    await person.ready()
    assert await person.page.locator(".logo").evaluate("it => it.naturalWidth") == 160
    await person.shot(f"brand-{'dark' if dark else 'light'}")
    await no_violations(person)
    await person.card("4242424242424242")
    await person.pay()
    await person.says("Visa ending in 4242")
    await expect(person.page.get_by_role("link", name="Back to Sandbox Ltd")).to_be_visible()
    await person.shot(f"brand-paid-{'dark' if dark else 'light'}")
    await no_violations(person)
