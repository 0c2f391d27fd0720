"""A customer at their own page: several invoices paid one after another, each once; methods saved and removed."""

from functools import partial
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewPerson, Person
from tests.browser.test_page import AXE
from tests.fixtures.billing import open_invoice, posted
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service
from tests.fixtures.waiting import until

pytestmark = pytest.mark.e2e

GOOD, POOR = "pm_card_visa", "pm_card_chargeCustomerFail"


async def portal(service: Service, *methods: str, invoices: int = 2, **customer: Any) -> tuple[str, list[Any]]:
    client = service.client
    body = {"name": "Jenny Rosen", "email": "jenny.rosen@example.com", **customer}
    made = await posted(client, "/v1/customers", body)
    opened = [await open_invoice(client, customer=made["id"]) for _ in range(invoices)]
    for method in methods:
        saved = {"payment_method": method, "set_default": True}
        await posted(client, f"/v1/customers/{made['id']}/payment-methods", saved)
    return (await posted(client, f"/v1/customers/{made['id']}/portal-link"))["url"], opened


async def paid(service: Service, invoice: Any) -> bool:
    found = (await service.client.get(f"/v1/invoices/{invoice['id']}")).json()
    return bool(found["status"] == "paid")


async def test_several_invoices_are_paid_at_once_each_exactly_once(
    person: Person, service: Service, sandbox: Sandbox
) -> None:
    url, invoices = await portal(service, GOOD, invoices=3)
    await person.open(url)
    await person.page.get_by_label(invoices[2]["number"]).uncheck()
    await expect(person.button).to_have_text("Pay $578.00")
    await person.shot("portal")
    await person.button.dblclick()
    await person.says("Thank you. All selected invoices are paid or on their way.")
    await person.shot("portal-paid")
    for invoice, times in zip(invoices, (1, 1, 0), strict=True):
        assert len(await sandbox.requests(path=f"/v1/payment_intents/{invoice['payment_intent']}/confirm")) == times
    for invoice in invoices[:2]:
        await until(partial(paid, service, invoice))
    assert not await paid(service, invoices[2])
    await person.page.reload()
    await expect(person.button).to_have_text("Pay $289.00")
    await person.says("Earlier invoices")


async def test_what_comes_after_a_payment_that_failed_is_not_tried(
    person: Person, service: Service, sandbox: Sandbox
) -> None:
    url, invoices = await portal(service, POOR)
    await person.open(url)
    await person.pay()
    await person.says("A payment did not go through; the invoices after it were not tried.")
    await person.says("Your card was declined.")
    tried = [len(await sandbox.requests(path=f"/v1/payment_intents/{it['payment_intent']}/confirm")) for it in invoices]
    assert sorted(tried) == [0, 1]
    await expect(person.button).to_be_enabled()


async def test_a_payment_method_is_added_chosen_and_removed_and_a_tax_id_too(person: Person, service: Service) -> None:
    url, _ = await portal(service, GOOD)
    await person.open(url)
    await person.page.get_by_role("button", name="Add a payment method").click()
    await person.card("5555555555554444")
    await person.shot("portal-adding")
    await person.page.get_by_role("button", name="Save").click()
    added = person.page.locator("section", has_text="Your payment methods").locator("p", has_text="4444")
    await added.get_by_role("button", name="Use by default").click()
    await expect(added).to_contain_text("Used by default")
    await added.get_by_role("button", name="Remove").click()
    await expect(added).to_have_count(0)
    await person.page.get_by_label("Number").fill("DE123456789")
    await person.page.get_by_role("button", name="Add a tax ID").click()
    await person.says("EU VAT")
    await person.page.get_by_role("button", name="Remove DE123456789").click()
    await expect(person.page.get_by_text("DE123456789")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "said"), [("de-DE", "Alle ausgewählten Rechnungen sind bezahlt"), ("ja-JP", "お支払い済み")]
)
async def test_the_page_pays_in_the_person_s_language_and_axe_finds_nothing(
    new_person: NewPerson, service: Service, locale: str, said: str
) -> None:
    url, _ = await portal(service, GOOD)
    reader = await new_person(locale=locale)
    await reader.open(url)
    await reader.shot(f"portal-{locale}")
    if AXE.exists():
        await reader.page.evaluate(AXE.read_text())
        found = await reader.page.evaluate("axe.run()")
        assert [problem["id"] for problem in found["violations"]] == []
    await reader.page.locator("#pay").click()
    await reader.says(said)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("de-DE", "Ihre Karte weist keine ausreichende Deckung auf. Bitte versuchen Sie es mit einer anderen Karte."),
        ("ja-JP", "カードの残高が不足しています。別のカードをお試しください。"),
    ],
)
async def test_a_declined_card_is_told_in_the_person_s_language(
    new_person: NewPerson, service: Service, locale: str, said: str
) -> None:
    invoice = await open_invoice(service.client)
    link = await posted(service.client, f"/v1/invoices/{invoice['id']}/payment-link")
    reader = await new_person(locale=locale)
    await reader.open(link["url"])
    button = reader.page.locator("#pay")
    await expect(button).to_be_enabled()
    await reader.shot(f"pay-{locale}")
    for field, typed in (("number", "4000000000009995"), ("expiry", "12 / 34"), ("cvc", "123")):
        await reader.fields.locator(f"#{field}").fill(typed)
    await button.click()
    await expect(reader.page.get_by_role("alert")).to_have_text(said)
