"""A payer enters a promotion code at the link of a draft, and sees tax and discount before paying."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service

pytestmark = pytest.mark.e2e


async def test_a_payer_enters_a_code_sees_tax_and_discount_and_pays(
    person: Person, service: Service, sandbox: Sandbox
) -> None:
    client = service.client
    ours = (await sandbox.dashboard.post("/v1/tax_ids", data={"type": "eu_vat", "value": "DE111222333"})).json()["id"]
    rate = await posted(client, "/v1/tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False})
    await posted(client, "/v1/coupons", {"id": "SPRING-SALE", "percent_off": "10", "name": "Spring sale"})
    await posted(client, "/v1/promotion-codes", {"promotion": {"coupon": "SPRING-SALE"}, "code": "SPRING"})
    customer = await posted(client, "/v1/customers", {"name": "Jenny Rosen", "email": "jenny.rosen@example.com"})
    await posted(client, f"/v1/customers/{customer['id']}/tax-ids", {"type": "eu_vat", "value": "FR12345678901"})
    taxed = {
        "default_tax_rates": [rate["id"]],
        "account_tax_ids": [ours],
        "custom_fields": [{"name": "PO number", "value": "4711"}],
    }
    draft = await open_invoice(client, customer=customer["id"], finalize=False, **taxed)
    link = await payment_link(client, draft["id"], allow_promotion_codes=True)

    await person.open(link["url"])
    await person.page.get_by_label("Promotion code").fill("spring")
    await person.shot("draft-with-code")
    await person.page.get_by_role("button", name="Apply").click()
    await expect(person.page.get_by_role("status")).to_have_text("The promotion code is applied.")
    await person.page.get_by_role("button", name="Continue to payment").click()
    await person.ready()
    text = await person.page.locator("main").inner_text()
    said = ("Spring sale", "-$28.90", "VAT 19% on $260.10", "$49.42", "$309.52", "DE111222333", "FR12345678901")
    assert not [words for words in said if words not in text]
    await person.shot("pay-tax")
    await person.card("4242424242424242")
    await person.pay()
    await expect(person.page.locator("#outcome")).to_have_attribute("data-view", "fulfilled")
