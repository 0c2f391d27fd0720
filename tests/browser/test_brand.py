"""The payment pages in a merchant's own color, with its logo."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from playwright.async_api import expect

from dev.postgres import PostgresServer
from tests.browser.conftest import Bill, Billed, NewPerson
from tests.browser.test_page import no_violations
from tests.fixtures.postgres import databases
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service, services

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="40"><rect width="40" height="40" rx="8" fill="#ffd400"/>'
    '<text x="52" y="28" font-family="sans-serif" font-size="22">Sandbox</text></svg>'
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
async def service(
    shared_postgres: PostgresServer,
    _administrator: asyncpg.Connection[asyncpg.Record],
    running_sandbox: Sandbox,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    """Serve pages with a color that is illegible on white."""
    async with (
        databases(shared_postgres, _administrator) as make_database,
        services(make_database, running_sandbox, api_port, tmp_path_factory.mktemp("service")) as make,
    ):
        yield await make(
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
