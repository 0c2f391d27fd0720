"""The operator's console in a browser: what an operator does with it, offline and under its own policy."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from playwright.async_api import Request, expect

from tests.browser.conftest import Bill, Billed, NewPerson, Person
from tests.browser.test_page import no_violations
from tests.fixtures.ports import find_free_port
from tests.fixtures.service import Service, _inherited
from tests.fixtures.waiting import until
from tests.fixtures.warm import start


@pytest.fixture(scope="module")
async def console(service: Service, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Serve the console beside the service, as an operator starts it; its address."""
    folder, port = tmp_path_factory.mktemp("console"), find_free_port()
    environment = {**_inherited(), **service.environment, "CONSOLE_PORT": str(port)}
    child = start("console", "console", env=environment, cwd=folder, log=folder / "log")
    url = f"http://127.0.0.1:{port}/console/"

    async def answers() -> bool:
        assert child.exit_status is None, child.last_lines()
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"{url}login")).is_success
        return False

    await until(answers, within=30)
    yield url
    child.stop()


@pytest.fixture
async def operator(person: Person, console: str, service: Service) -> AsyncIterator[Person]:
    """Somebody who is logged in, in a browser that asks nobody else for anything."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    person.page.on("request", note)
    await person.open(console)
    await person.page.get_by_label("API key").fill(service.api_key)
    await person.page.get_by_role("button", name="Log in").click()
    await person.says("Overview")
    yield person
    assert asked
    assert not [url for url in asked if not url.startswith((console, "data:"))]


async def bury(bill: Bill, kind: str) -> str:
    """Make an event of the bill's invoice dead, as repeated failures would have; its id."""
    connection = await asyncpg.connect(bill.service.environment["DATABASE_URL"])
    try:

        async def arrived() -> str | None:
            found: str | None = await connection.fetchval(
                "SELECT id FROM webhook_events WHERE object_id = $1 AND type = $2 AND status = 'processed'",
                bill.invoice["id"],
                kind,
            )
            return found

        event = str(await until(arrived))
        await connection.execute(
            "UPDATE webhook_events SET status = 'dead', attempts = 12, last_error = 'KeyError: it went wrong',"
            " next_attempt_at = NULL WHERE id = $1",
            event,
        )
    finally:
        await connection.close()
    return event


async def test_an_operator_finds_a_dead_letter_and_has_it_processed_again(operator: Person, billed: Billed) -> None:
    bill = await billed()
    event = await bury(bill, "invoice.finalized")
    page = operator.page
    await page.locator("a.brand").click()
    await operator.shot("console-front")
    await page.get_by_role("link", name="dead letters").click()
    await operator.shot("console-inbox")
    await page.get_by_role("link", name=event).click()
    await operator.says("KeyError: it went wrong")
    await operator.shot("console-event")
    await page.get_by_role("button", name="Replay this event").click()
    await operator.says("1 event queued to be processed again.")

    async def processed() -> bool:  # by the worker, whenever it gets to it
        await page.reload()
        return await page.locator("dd .badge").first.inner_text() == "processed"

    await until(processed)


async def test_an_operator_replays_all_dead_letters_after_being_asked(operator: Person, billed: Billed) -> None:
    bill = await billed()
    await bury(bill, "invoice.finalized")
    page = operator.page
    await page.get_by_role("link", name="Inbox", exact=True).click()
    await page.get_by_role("link", name="dead", exact=True).click()
    button = page.get_by_role("button", name="Replay all dead letters")
    await expect(button).to_be_hidden()
    await page.get_by_text("Replay all dead letters …").click()
    await button.click()
    await operator.says("1 event queued to be processed again.")


async def test_an_operator_reads_why_an_invoice_is_unpaid(operator: Person, billed: Billed) -> None:
    bill = await billed()
    page = operator.page
    await page.get_by_role("link", name="Invoices", exact=True).click()
    await operator.shot("console-invoices")
    await page.get_by_role("link", name=bill.invoice["id"]).click()
    await operator.says("Timeline")
    await operator.says("create_invoice")
    await operator.shot("console-invoice")


VIEWS = ["Reports", "Fulfillments", "Changes", "Payment links", "Customers", "Products", "Prices", "Operations",
         "Fulfillment actions", "Endpoints", "Deliveries", "API keys", "Audit log", "Rate limits"]  # fmt: skip


async def test_every_view_opens_from_the_menu(operator: Person, bill: Bill) -> None:
    for name in VIEWS:
        await operator.page.get_by_role("navigation", name="Views").get_by_role("link", name=name, exact=True).click()
        await expect(operator.page.get_by_role("heading", level=1, name=name)).to_be_visible()
        await operator.shot(f"console-{name.lower().replace(' ', '-')}")


async def test_the_console_fits_a_phone_and_axe_finds_nothing(
    new_person: NewPerson, console: str, service: Service, bill: Bill
) -> None:
    for dark in (False, True):
        person = await new_person(viewport=(375, 800), dark=dark)
        await person.open(console)
        await person.page.get_by_label("API key").fill(service.api_key)
        await person.page.get_by_label("API key").press("Enter")
        await person.says("Overview")
        paths = {
            "front": "", "reports": "reports", "invoices": "invoice/list", "find": "find?q=jenny",
            "invoice": f"invoice/details/{bill.invoice['id']}", "inbox": "webhook-event/list",
        }  # fmt: skip
        for name, path in paths.items():
            await person.open(f"{console}{path}")
            await person.shot(f"console-phone-{name}{'-dark' if dark else ''}")
            assert await person.page.evaluate("document.documentElement.scrollWidth") <= 375, path
            await no_violations(person)
        await person.page.get_by_role("button", name="Log out").click()
        await person.says("API key")


async def test_times_are_those_of_the_viewer_s_zone_and_of_utc_without_a_script(
    new_person: NewPerson, console: str, service: Service, bill: Bill
) -> None:
    for scripts, zone in ((True, "GMT+5:30"), (False, "UTC")):
        person = await new_person(scripts=scripts, timezone="Asia/Kolkata")
        await person.open(console)
        await person.page.get_by_label("API key").fill(service.api_key)
        await person.page.get_by_role("button", name="Log in").click()
        await person.open(f"{console}invoice/details/{bill.invoice['id']}")
        time = person.page.locator("time").first
        utc = datetime.fromisoformat(str(await time.get_attribute("datetime")))
        there = utc + timedelta(hours=5, minutes=30) if scripts else utc
        assert await time.inner_text() == f"{there:%Y-%m-%d %H:%M:%S} {zone}"


async def test_an_operator_credits_an_invoice_after_being_asked(operator: Person, billed: Billed) -> None:
    bill = await billed()
    page = operator.page
    field = page.get_by_role("searchbox", name="Find invoices by number, name, email or id")
    await field.fill(bill.invoice["number"])
    await field.press("Enter")
    await page.get_by_role("link", name=bill.invoice["number"]).click()
    button = page.get_by_role("button", name="Credit", exact=True)
    await expect(button).to_be_hidden()
    await page.get_by_text("Credit …").click()
    await page.get_by_label("Amount in the currency's minor unit").last.fill("100")
    await button.click()
    await operator.says("1 invoice credited.")
    await page.get_by_text("Void …").click()
    await page.get_by_role("button", name="Void", exact=True).click()
    await operator.says("1 invoice voided.")
    await operator.shot("console-voided")


async def test_a_wrong_key_is_told_beside_the_field(person: Person, console: str) -> None:
    await person.open(console)
    await person.page.get_by_label("API key").fill("ik_test_wrong")
    await person.page.get_by_role("button", name="Log in").click()
    await expect(person.page.get_by_role("alert")).to_have_text("This is not an API key of this service.")
    await person.shot("console-login")


def test_the_picture_in_the_documentation_is_there() -> None:
    picture = Path(__file__).resolve().parents[2] / "docs" / "images" / "console.png"
    assert 10_000 < picture.stat().st_size < 200_000
