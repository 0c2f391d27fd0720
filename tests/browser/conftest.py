"""A person with a browser: Debian's chromium (its shell without windows), driven by Playwright, against the service as processes.

`person`       a fresh browser profile as `Person`: `.open(url)`, `.card(number)`, `.pay()`, `.says(text)`, `.shot(name)`;
               `.page` is Playwright's. Fails the test when a page broke its own policy or a script failed.
`new_person`   the same with choices: `await new_person(viewport=(320, 640), locale="de-DE", dark=True)`.
`service`      as everywhere, but one for a whole module.
`bill`         an open invoice and the address of its payment page: `.invoice`, `.url`, `.link`.
`billed`       for tests that need several or others: `await billed(due=…)`.
`shopper`      a person on the pages of examples/react, as `Shopper` of `shopping.py`.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, FrameLocator, Page, async_playwright, expect

from dev.chromium import CHROMIUM
from dev.postgres import PostgresServer
from tests.browser.shopping import Shopper, answers, build, served
from tests.fixtures.billing import open_invoice, payment_link
from tests.fixtures.image import run_folder
from tests.fixtures.postgres import databases, locked
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, Service, services
from tests.fixtures.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / ".screenshots"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]  # fmt: skip
PATIENCE_MS = 20_000
EXPECTED_IN_CONSOLE = re.compile(r"Failed to load resource")
"""What the browser logs by itself of an answer that is an error, e.g. of a decline."""


@dataclass
class Person:
    """Somebody at a browser."""

    context: BrowserContext
    page: Page
    broken: list[str]

    async def open(self, url: str) -> None:
        await self.page.goto(url)

    @property
    def fields(self) -> FrameLocator:
        """Stripe's frame."""
        return self.page.frame_locator("#element iframe")

    async def card(self, number: str, *, expiry: str = "12 / 34", cvc: str = "123") -> None:
        await self.fields.get_by_label("Card number").fill(number)
        await self.fields.get_by_label("Expiration date").fill(expiry)
        await self.fields.get_by_label("Security code").fill(cvc)

    async def bank_account(self, number: str) -> None:
        await self.fields.get_by_role("tab", name="US bank account").click()
        await self.fields.get_by_label("Full name").fill("Jenny Rosen")
        await self.fields.get_by_label("Routing number").fill("110000000")
        await self.fields.get_by_label("Account number").fill(number)

    async def answer_challenge(self, answer: str) -> None:
        """Press `Complete` or `Fail` in the bank's frame, which Stripe.js shows in the page."""
        await self.page.frame_locator("dialog iframe").get_by_role("button", name=answer).click()

    @property
    def button(self) -> Any:
        return self.page.get_by_role("button", name=re.compile("^Pay "))

    async def pay(self) -> None:
        await self.button.click()

    async def ready(self) -> None:
        await expect(self.button).to_be_enabled()

    async def says(self, text: str) -> None:
        """Wait until `text` is to be seen."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def shot(self, name: str) -> None:
        """With SCREENSHOTS=1, take a picture to be looked at."""
        if os.environ.get("SCREENSHOTS"):
            SCREENSHOTS.mkdir(exist_ok=True)
            await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, animations="disabled")


@dataclass(frozen=True)
class Bill:
    """An invoice and the link to its payment page."""

    invoice: dict[str, Any]
    link: dict[str, Any]
    service: Service
    sandbox: Sandbox

    @property
    def url(self) -> str:
        return str(self.link["url"])

    @property
    def intent(self) -> str:
        return str(self.invoice["payment_intent"])

    async def read(self) -> Any:
        return (await self.service.client.get(f"/v1/invoices/{self.invoice['id']}")).json()

    async def fulfillment(self) -> Any:
        return (await self.service.client.get(f"/v1/invoices/{self.invoice['id']}/fulfillment")).json()

    async def confirmations(self) -> int:
        """How often the payment was confirmed at Stripe."""
        return len(await self.sandbox.requests(path=f"/v1/payment_intents/{self.intent}/confirm"))


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium-headless-shell, or make test as root")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


NewPerson = Callable[..., Awaitable[Person]]


@pytest.fixture
async def new_person(browser: Browser) -> AsyncIterator[NewPerson]:
    people: list[Person] = []

    async def make(
        viewport: tuple[int, int] = (1100, 800),
        *,
        locale: str = "en-US",
        dark: bool = False,
        scripts: bool = True,
        timezone: str | None = None,
    ) -> Person:
        context = await browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            locale=locale,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            timezone_id=timezone,
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        person = Person(context, page, [])

        def listen(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not EXPECTED_IN_CONSOLE.search(message.text):
                person.broken.append(message.text)

        page.on("console", listen)
        page.on("pageerror", lambda error: person.broken.append(str(error)))
        people.append(person)
        return person

    yield make
    for person in people:
        await person.context.close()
    assert not [problem for person in people for problem in person.broken]


@pytest.fixture
async def person(new_person: NewPerson) -> Person:
    return await new_person()


@pytest.fixture(scope="module")
async def make_lasting_service(
    shared_postgres: PostgresServer,
    _administrator: asyncpg.Connection[asyncpg.Record],
    running_sandbox: Sandbox,
    api_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[MakeService]:
    folder = tmp_path_factory.mktemp("service")
    async with (
        databases(shared_postgres, _administrator) as make_database,
        services(make_database, running_sandbox, api_port, folder) as make,
    ):
        yield make


@pytest.fixture(scope="module")
async def service(make_lasting_service: MakeService) -> Service:
    """Serve all the tests of a module: each has an invoice of its own, and starting costs more than paying."""
    return await make_lasting_service()


Billed = Callable[..., Awaitable[Bill]]


@pytest.fixture
def billed(service: Service, sandbox: Sandbox) -> Billed:
    async def make(*, link: dict[str, Any] | None = None, **changes: Any) -> Bill:
        invoice = await open_invoice(service.client, **changes)
        params = link or {}
        return Bill(invoice, await payment_link(service.client, invoice["id"], **params), service, sandbox)

    return make


@pytest.fixture
async def bill(billed: Billed) -> Bill:
    return await billed()


@pytest.fixture(autouse=True, scope="session")
def _patience() -> None:
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def built_shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of examples/react, checked and built once for all tests of a run. Only for development StrictMode mounts twice."""
    folder = run_folder(request.config, tmp_path_factory, "react")
    with locked(folder / "lock", fcntl.LOCK_EX):  # another worker may build it now
        if not (folder / "built").exists():
            build("npm", "run", "build", "--", folder=folder / "dist", NODE_ENV="development")
            (folder / "built").touch()
    return folder / "dist"


@pytest.fixture(scope="module")
def react_environment(running_sandbox: Sandbox) -> dict[str, str]:
    """What the server of the pages is told."""
    return {**os.environ, "STRIPE_API_URL": running_sandbox.url}


@pytest.fixture(scope="module")
async def shop(
    built_shop: Path, react_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    with served(built_shop, react_environment, tmp_path_factory.mktemp("react-server") / "log") as url:
        await until(lambda: answers(url), within=30)
        yield url


@pytest.fixture
async def shopper(person: Person, shop: str, sandbox: Sandbox) -> Shopper:
    shopper = Shopper(person, shop, sandbox, [])
    await shopper.serves_stripe()
    return shopper
