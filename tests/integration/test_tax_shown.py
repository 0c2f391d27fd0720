"""Taxes and discounts as payers read them: rate, base and amount, both tax ids, notes, and what a discount is called."""

import re
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

PARIS = {"line1": "1 rue de Rivoli", "city": "Paris", "postal_code": "75001", "country": "FR"}


async def made(sandbox: Sandbox, path: str, **form: str) -> dict[str, Any]:
    """What a person makes in Stripe's Dashboard."""
    answer = await sandbox.dashboard.post(path, data=form)
    assert answer.is_success, answer.text
    return dict(answer.json())


async def page_of(live: Caller, sandbox: Sandbox, customer: str, **form: str) -> str:
    """The words of the payment page of an open invoice over 100.00 EUR of `customer`."""
    invoice = await made(sandbox, "/v1/invoices", customer=customer, currency="eur", **form)
    await made(sandbox, "/v1/invoiceitems", customer=customer, invoice=invoice["id"], amount="10000", currency="eur")
    await made(sandbox, f"/v1/invoices/{invoice['id']}/finalize")
    await live.settled()
    link = await live.post(f"/v1/invoices/{invoice['id']}/payment-link")
    page = await live.client.get(link["url"])
    assert page.status_code == 200
    return " ".join(re.sub("<[^>]+>", " ", page.text.replace("\xa0", " ")).split())


async def test_the_page_shows_rate_base_and_amount_both_tax_ids_and_the_coupons_name(
    live: Caller, sandbox: Sandbox
) -> None:
    ours = await made(sandbox, "/v1/tax_ids", type="eu_vat", value="DE111222333")
    rate = await live.post("/v1/tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False})
    await live.post("/v1/coupons", {"id": "TEN", "percent_off": "10", "name": "Spring sale"})
    customer = (await live.customer())["id"]
    await live.post(f"/v1/customers/{customer}/tax-ids", {"type": "eu_vat", "value": "FR12345678901"})
    form = {
        "default_tax_rates[0]": rate["id"], "discounts[0][coupon]": "TEN", "account_tax_ids[0]": ours["id"],
        "collection_method": "send_invoice", "days_until_due": "30",
    }  # fmt: skip
    words = await page_of(live, sandbox, customer, **form)
    for said in (
        "Discount: Spring sale -€10.00", "VAT 19% on €90.00 €17.10", "Total €107.10", "Seller\u2019s tax ID DE111222333",
        "Tax ID FR12345678901",
    ):  # fmt: skip
        assert said in words
    assert "Reverse charge" not in words


async def test_the_page_names_a_coupon_of_an_item_beyond_the_first_page_of_stripes_list(
    live: Caller, sandbox: Sandbox
) -> None:
    await live.post("/v1/coupons", {"id": "TEN", "percent_off": "10", "name": "Spring sale"})
    item = {"amount": 1000, "currency": "eur"}
    items = [item | {"description": str(n)} for n in range(12)]
    items += [item | {"description": "last", "discounts": [{"coupon": "TEN"}]}]
    invoice = await live.open(items=items)
    await live.settled()
    link = await live.post(f"/v1/invoices/{invoice['id']}/payment-link")
    page = await live.client.get(link["url"])
    assert "Spring sale" in page.text


@pytest.mark.parametrize(
    ("tax_exempt", "vat_id", "said", "total"),
    [
        ("none", None, "VAT 20% on €83.33 (included) €16.67", "Total €100.00"),
        ("none", "FR12345678901", "VAT (included) €0.00 Total €100.00 Reverse charge: the recipient owes the tax.", ""),
        ("reverse", None, "Reverse charge: the recipient owes the tax.", "Total €100.00"),
        ("exempt", None, "No tax is charged: the recipient is exempt.", "Total €100.00"),
    ],
)
async def test_automatic_tax_is_named_by_the_rate_that_stripe_made_and_notes_say_why_there_is_none(
    live: Caller, sandbox: Sandbox, tax_exempt: str, vat_id: str | None, said: str, total: str
) -> None:
    customer = (await live.customer(address=PARIS))["id"]
    await made(sandbox, f"/v1/customers/{customer}", tax_exempt=tax_exempt)
    if vat_id:
        await live.post(f"/v1/customers/{customer}/tax-ids", {"type": "eu_vat", "value": vat_id})
    form = {"automatic_tax[enabled]": "true", "collection_method": "send_invoice", "days_until_due": "30"}
    words = await page_of(live, sandbox, customer, **form)
    assert said in words
    assert total in words
    assert [rate["percentage"] for rate in await live.every("/v1/tax-rates")] == ["20"]


async def test_a_draft_whose_customer_is_nowhere_is_refused_with_what_to_do_and_finalized_after_that(
    live: Caller, sandbox: Sandbox
) -> None:
    customer = (await live.customer())["id"]
    form = {"automatic_tax[enabled]": "true", "collection_method": "send_invoice", "days_until_due": "30"}
    draft = (await made(sandbox, "/v1/invoices", customer=customer, currency="eur", **form))["id"]
    await made(sandbox, "/v1/invoiceitems", customer=customer, invoice=draft, amount="10000", currency="eur")
    await live.settled()
    for act in ("finalize", "send", "pay"):
        problem = await live.refused("POST", f"/v1/invoices/{draft}/{act}", 409, "automatic_tax_failed")
        assert problem["param"] == "automatic_tax"
        assert problem["stripe"]["code"] == "customer_tax_location_invalid"
        assert "Set the customer's address" in problem["detail"]
    await live.settled()
    found = await live.get(f"/v1/invoices/{draft}")
    assert (found["status"], found["last_finalization_error"]["code"]) == ("draft", "customer_tax_location_invalid")
    assert "Correct the customer's address" in (await live.get(f"/v1/invoices/{draft}/timeline"))["unpaid_because"]
    await live.patch(f"/v1/customers/{customer}", {"address": PARIS})
    finalized = await live.post(f"/v1/invoices/{draft}/finalize")
    assert (finalized["status"], finalized["last_finalization_error"]) == ("open", None)
    assert [(tax["amount"], tax["taxable_amount"], tax["inclusive"]) for tax in finalized["taxes"]] == [
        (1667, 8333, True)
    ]
    assert [tax["amount"] for tax in finalized["items"][0]["taxes"]] == [1667]
