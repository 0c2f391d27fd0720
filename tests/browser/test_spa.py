"""The example of a single-page application, built as its README says and used by a person."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from dev.processes import Child
from tests.browser.conftest import PROJECT, Person
from tests.fixtures.billing import ITEMS, open_invoice, posted
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.image import run_folder
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import locked
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, Service
from tests.fixtures.waiting import until

SPA = PROJECT / "examples/spa"
VITE = SPA / "node_modules/vite/bin/vite.js"
SOMEWHERE = "http://stripe.invalid/stripe.js"

pytestmark = pytest.mark.e2e


@pytest.fixture
async def service(
    make_service: MakeService, identity_provider: IdentityProvider, request: pytest.FixtureRequest
) -> Service:
    """Take the identity provider's tokens."""
    return await make_service(**identity_provider.settings, **getattr(request, "param", {}))


@pytest.fixture
def environment(service: Service) -> dict[str, str]:
    return {**os.environ, "API_URL": service.url}


@pytest.fixture(scope="session")
def built_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of examples/spa, checked and built once for all tests of a run."""
    if not VITE.exists():
        pytest.skip("vite is not installed: npm ci --prefix examples/spa")
    folder = run_folder(request.config, tmp_path_factory, "spa")
    with locked(folder / "lock", fcntl.LOCK_EX):  # another worker may build it now
        if not (folder / "built").exists():
            build = ["npm", "run", "build", "--", "--outDir", str(folder / "dist")]
            told = {**os.environ, "VITE_STRIPE_JS_URL": SOMEWHERE}
            done = subprocess.run(build, cwd=SPA, env=told, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / "built").touch()
    return folder / "dist"


@pytest.fixture
def built(built_once: Path, sandbox: Sandbox, tmp_path: Path) -> Path:
    """The same, with Stripe.js of this worker's sandbox."""
    folder = shutil.copytree(built_once, tmp_path / "dist")
    scripts = [(path, path.read_text()) for path in folder.rglob("*.js")]
    assert any(SOMEWHERE in text for _, text in scripts)
    for path, text in scripts:
        path.write_text(text.replace(SOMEWHERE, f"{sandbox.url}/stripe.js"))
    return folder


@pytest.fixture
async def spa(built: Path, environment: dict[str, str], tmp_path: Path) -> AsyncIterator[str]:
    port = find_free_port()
    command = ["node", str(VITE), "preview", "--outDir", str(built), "--port", str(port), "--host", "127.0.0.1"]
    child = Child("spa", [*command, "--strictPort"], cwd=SPA, env=environment, log=tmp_path / "spa.log")
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(url)).is_success
        except httpx.TransportError:
            return False

    await until(answers, within=30)
    yield url
    child.stop()


async def signed_in(person: Person, spa: str, token: str) -> Page:
    await person.open(spa)
    await person.page.get_by_label("Access token").fill(token)
    await person.page.get_by_role("button", name="Sign in").click()
    return person.page


async def test_a_customer_signs_in_pays_an_invoice_and_sees_it_fulfilled(
    person: Person, spa: str, service: Service, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(
        service.client, "/v1/customers", {"name": "Jenny", "email": "j@example.com", "reference": "jenny"}
    )
    terms = {"days_until_due": 30, "items": ITEMS, "finalize": True}
    invoice = await posted(service.client, "/v1/invoices", {"customer": theirs["id"], **terms})
    foreign = await open_invoice(service.client)

    page = person.page
    await person.open(spa)
    await page.get_by_label("Access token").fill("not a token")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await page.get_by_label("Access token").fill(identity_provider.token("jenny"))
    await page.get_by_role("button", name="Sign in").click()
    row = page.locator(f"#{invoice['id']}")
    await expect(row).to_contain_text("$289.00")
    await expect(page.locator(f"#{foreign['id']}")).to_have_count(0)

    await page.set_viewport_size({"width": 320, "height": 420})
    await row.get_by_role("button", name=f"Pay {invoice['number']}").click()
    await expect(page.locator("#paying")).to_be_in_viewport()
    await expect(page.locator("#paying")).to_be_focused()
    await person.card("4000000000000002")
    pay = page.get_by_role("button", name="Pay", exact=True)
    await pay.click()
    await expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    await expect(page.get_by_role("alert")).to_be_in_viewport()
    await person.card("4242424242424242")
    await expect(pay).to_be_enabled()
    await pay.click()
    await expect(row).to_contain_text("Paid and fulfilled")
    await expect(row).to_be_in_viewport()
    await person.shot("spa")

    more = [await posted(service.client, "/v1/invoices", {"customer": theirs["id"], **terms}) for _ in range(2)]
    await page.reload()
    await page.get_by_label("Access token").fill(identity_provider.token("jenny"))
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Save a payment method").click()
    fields = page.frame_locator("#method-element iframe")
    for label, typed in (("Card number", "4242424242424242"), ("Expiration date", "12 / 34"), ("Security code", "123")):
        await fields.get_by_label(label).fill(typed)
    await page.get_by_role("button", name="Save", exact=True).dblclick()
    await expect(page.locator("#methods")).to_contain_text("visa 4242")
    await page.get_by_label("Number").fill("DE123456789")
    await page.get_by_role("button", name="Add", exact=True).dblclick()
    await expect(page.get_by_label("Number")).to_have_value("")
    await expect(page.locator("#tax-ids")).to_have_text("DE123456789")
    for one in more:
        await page.get_by_label(f"Select {one['number']}").check()
    await page.get_by_role("button", name="Pay selected").click()
    for one in more:
        await expect(page.locator(f"#{one['id']}")).to_contain_text("Paid and fulfilled")
    await person.shot("spa-account")
    await page.get_by_role("button", name="Remove this one").click()
    await expect(page.locator("#methods option")).to_have_count(0)
    fulfillment = (await service.client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()
    assert fulfillment["status"] == "fulfilled"


async def test_nothing_appears_above_a_payment_that_can_be_begun(
    person: Person, spa: str, service: Service, sandbox: Sandbox, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(service.client, "/v1/customers", {"email": "jill@example.com", "reference": "jill"})
    invoice = await posted(service.client, "/v1/invoices", {"customer": theirs["id"], "items": ITEMS, "finalize": True})
    cheque = {"payment_record_data": {"display_name": "Cheque", "amount": 8_900}}
    await posted(service.client, f"/v1/invoices/{invoice['id']}/attach-payment", cheque)
    terms = {"customer": theirs["id"], "collection_method": "send_invoice", "days_until_due": 3}
    other = (await sandbox.dashboard.post("/v1/invoices", data=terms)).json()["id"]
    await sandbox.dashboard.post("/v1/invoiceitems", data={"customer": theirs["id"], "invoice": other, "amount": 900})
    await sandbox.dashboard.post(f"/v1/invoices/{other}/finalize")
    asked, answered = asyncio.Event(), asyncio.Event()
    watched = list[str]()
    person.page.on("request", lambda request: watched.append(request.url))

    async def slowly(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.continue_()

    await person.page.route("**/payment-methods", slowly)
    page = await signed_in(person, spa, identity_provider.token("jill"))
    await asyncio.wait_for(asked.wait(), 20)
    row = page.locator(f"#{invoice['id']}")
    await expect(row).to_have_count(0)
    answered.set()
    await expect(row).to_contain_text("$200.00")
    await expect(page.locator("#account")).to_be_visible()
    await page.set_viewport_size({"width": 320, "height": 420})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await expect(page.locator(f"#{other}").get_by_role("button")).to_be_visible()
    assert not [url for url in watched if url.endswith("/fulfillment")]  # nobody came back from a bank


async def test_the_invoice_that_was_chosen_last_is_paid_and_its_form_stays(
    person: Person, spa: str, service: Service, sandbox: Sandbox, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(service.client, "/v1/customers", {"email": "jack@example.com", "reference": "jack"})
    terms = {"customer": theirs["id"], "items": ITEMS, "finalize": True}
    first, second = [await posted(service.client, "/v1/invoices", terms) for _ in range(2)]

    async def one_by_one(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=100", "limit=1"))

    await person.page.route("**/v1/invoices?*", one_by_one)
    page = await signed_in(person, spa, identity_provider.token("jack"))
    held = asyncio.Queue[Route]()
    await page.route(f"**/{first['id']}/client-secret", held.put)
    await page.get_by_role("button", name=f"Pay {first['number']}").click()
    await page.get_by_role("button", name=f"Pay {second['number']}").click()
    await person.card("4242424242424242")
    await (await held.get()).continue_()
    await page.wait_for_timeout(500)
    await expect(page.locator("#paying")).to_contain_text(second["number"])
    await expect(person.fields.get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    await page.unroute(f"**/{first['id']}/client-secret")

    await page.route("**/confirm", held.put)
    await page.get_by_role("button", name="Pay", exact=True).click()
    confirming = await held.get()
    await page.get_by_role("button", name="Not now").click()
    await page.get_by_role("button", name=f"Pay {first['number']}").click()
    await expect(page.get_by_role("alert")).to_contain_text("Please wait")
    await expect(page.locator("#paying")).to_contain_text(second["number"])
    secret = (await service.client.get(f"/v1/invoices/{second['id']}/client-secret")).json()["client_secret"]
    await sandbox.mode(hold=True)
    await confirming.continue_()
    row = page.locator(f"#{second['id']}")
    await expect(row).to_contain_text("Payment received")
    await expect(page.locator("#payment")).to_be_hidden()

    # The page is loaded again, by a bank that sends the person back or by themselves, and Stripe's event is on its way.
    back = f"payment_intent={second['payment_intent']}&payment_intent_client_secret={secret}&redirect_status="
    page = await signed_in(person, f"{spa}/?{back}succeeded", identity_provider.token("jack"))
    await page.route("**/fulfillment", lambda route: route.abort(), times=2)
    async with page.expect_event("requestfailed"), page.expect_response("**/fulfillment"):
        await expect(row).to_contain_text("Payment received")
    await expect(page.get_by_role("alert")).to_be_empty()
    assert "secret" not in page.url
    page = await signed_in(person, f"{spa}/?{back}failed", identity_provider.token("jack"))
    await expect(page.get_by_role("alert")).to_have_text("It did not go through. Please try again.")
    await page.get_by_role("button", name=f"Pay {second['number']}").click()
    await expect(row).to_contain_text("Paid and fulfilled")
    await expect(page.get_by_role("alert")).to_be_empty()


async def test_several_invoices_are_paid_with_the_method_that_was_chosen(
    person: Person, spa: str, service: Service, sandbox: Sandbox, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(service.client, "/v1/customers", {"email": "jane@example.com", "reference": "jane"})
    saved = f"/v1/customers/{theirs['id']}/payment-methods"
    await posted(service.client, saved, {"payment_method": "pm_card_visa", "set_default": True})
    chosen = await posted(service.client, saved, {"payment_method": "pm_card_mastercard"})
    terms = {"customer": theirs["id"], "items": ITEMS, "finalize": True}
    invoices = [await posted(service.client, "/v1/invoices", terms) for _ in range(3)]
    page = await signed_in(person, spa, identity_provider.token("jane"))
    await page.locator("#methods").select_option(label="mastercard 4444")
    for one in invoices:
        await page.get_by_label(f"Select {one['number']}").check()
    await page.get_by_role("button", name="Pay selected").click()
    for one in invoices:
        await expect(page.locator(f"#{one['id']}")).to_contain_text("Paid and fulfilled")
    intents = {it["id"]: it["payment_method"] for it in (await sandbox.state())["payment_intent"]}
    assert [intents[one["payment_intent"]] for one in invoices] == [chosen["id"]] * 3


async def test_a_debit_that_takes_days_keeps_nobody_from_paying_the_next_invoice(
    person: Person, spa: str, service: Service, sandbox: Sandbox, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(service.client, "/v1/customers", {"email": "joan@example.com", "reference": "joan"})
    saved = {"payment_method": "pm_usBankAccount_processing", "set_default": True}
    await posted(service.client, f"/v1/customers/{theirs['id']}/payment-methods", saved)
    terms = {"customer": theirs["id"], "items": ITEMS, "finalize": True}
    first, second, third, last = [await posted(service.client, "/v1/invoices", terms) for _ in range(4)]
    page = await signed_in(person, spa, identity_provider.token("joan"))
    for one in (first, second):
        await page.get_by_label(f"Select {one['number']}").check()
    await page.get_by_role("button", name="Pay selected").click()
    for one in (first, second):
        await expect(page.locator(f"#{one['id']}")).to_contain_text("Payment on its way")
    await page.get_by_role("button", name=f"Pay {third['number']}").click()
    await person.card("4242424242424242")
    await page.get_by_role("button", name="Pay", exact=True).click()
    await expect(page.locator(f"#{third['id']}")).to_contain_text("Paid and fulfilled")
    await page.get_by_label(f"Select {last['number']}").check()
    await sandbox.fail(first["payment_intent"])  # the debit comes back: it can be paid once more
    await expect(page.locator(f"#{first['id']}")).to_contain_text("Payment failed")
    await expect(page.get_by_role("button", name=f"Pay {first['number']}")).to_be_visible()
    await expect(page.get_by_label(f"Select {last['number']}")).to_be_checked()
    await expect(page.get_by_label(f"Select {last['number']}")).to_be_focused()


@pytest.mark.parametrize("service", [{"FULFILL_ON": "processing"}], indirect=True)
async def test_an_invoice_that_a_debit_under_way_fulfilled_is_not_paid_again(
    person: Person, spa: str, service: Service, identity_provider: IdentityProvider
) -> None:
    theirs = await posted(service.client, "/v1/customers", {"email": "jim@example.com", "reference": "jim"})
    saved = {"payment_method": "pm_usBankAccount_processing", "set_default": True}
    await posted(service.client, f"/v1/customers/{theirs['id']}/payment-methods", saved)
    terms = {"customer": theirs["id"], "items": ITEMS, "finalize": True}
    first, second = [await posted(service.client, "/v1/invoices", terms) for _ in range(2)]
    page = await signed_in(person, spa, identity_provider.token("jim"))
    await page.get_by_label(f"Select {first['number']}").check()
    await page.get_by_role("button", name="Pay selected").click()
    await expect(page.locator(f"#{first['id']}")).to_contain_text("Paid and fulfilled")
    page = await signed_in(person, spa, identity_provider.token("jim"))
    await expect(page.get_by_role("button", name=f"Pay {second['number']}")).to_be_visible()
    await expect(page.get_by_role("button", name=f"Pay {first['number']}")).to_have_count(0)


@pytest.mark.parametrize(("currency", "amount", "shown"), [("huf", 490_000, "4,900.00"), ("jpy", 4900, "4,900")])
async def test_an_amount_is_shown_with_the_decimals_that_stripe_counts(
    person: Person, spa: str, service: Service, identity_provider: IdentityProvider,
    currency: str, amount: int, shown: str,
) -> None:  # fmt: skip
    theirs = await posted(service.client, "/v1/customers", {"email": "jo@example.com", "reference": f"jo-{currency}"})
    items = [{"amount": amount, "currency": currency, "description": "Travel"}]
    terms = {"customer": theirs["id"], "items": items, "finalize": True}
    invoice = await posted(service.client, "/v1/invoices", terms)
    page = await signed_in(person, spa, identity_provider.token(f"jo-{currency}"))
    await expect(page.locator(f"#{invoice['id']} td").nth(1)).to_have_text(re.compile(rf"\D{shown}$"))
