"""What an invoice says is true and whole: quantities, discounts, taxes, whom it was for, and why it is still a draft."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from app.domain.actions import Moment
from app.domain.mailbox import Mailbox
from app.fulfillment.mail.letters import MailWriter
from app.fulfillment.mail.sample import FULFILLMENT
from tests.fixtures.stage import Stage

Json = dict[str, Any]
TIMES = "\N{MULTIPLICATION SIGN}"


async def draft(stage: Stage, *items: Json, customer: Json | None = None, **form: Any) -> Json:
    """A draft made in the Dashboard with `items`, which are forms of invoice items."""
    made = await stage.dashboard("customers", name="Jenny Rosen", email="jenny@example.com", **(customer or {}))
    terms = {"collection_method": "send_invoice", "days_until_due": 30, "customer": made["id"]} | form
    invoice = await stage.dashboard("invoices", **terms)
    for item in items:
        await stage.dashboard("invoiceitems", customer=made["id"], invoice=invoice["id"], **item)
    return invoice


async def finalized(stage: Stage, invoice: Json) -> Json:
    """The invoice as the API shows it once Stripe has finalized it and told so."""
    await stage.dashboard(f"invoices/{invoice['id']}/finalize")
    await stage.tell(*await stage.events())
    return await shown(stage, invoice)


async def shown(stage: Stage, invoice: Json) -> Json:
    answer: Json = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()
    return answer


async def page(stage: Stage, invoice: Json) -> str:
    """The payment page's text, without needless blanks."""
    link = (await stage.client.post(f"/v1/invoices/{invoice['id']}/payment-link")).json()
    return " ".join((await stage.client.get(urlsplit(link["url"]).path)).text.split())


def mail(invoice: Json, kind: str) -> str:
    letters = MailWriter(Mailbox("Shop", "orders@shop.example"))
    invoice = invoice | {"account_name": "Shop"}
    message = letters.write(Moment.FULFILLED, Mailbox("", "jenny@example.com"), "act_1", FULFILLMENT, invoice)
    part = message.get_body((kind,))
    assert part is not None
    return " ".join(str(part.get_content()).split())


# Quantities


@pytest.mark.parametrize(("quantity", "amount"), [("0.5", 10000), ("2.5", 50000)])
async def test_a_part_of_a_unit_is_shown_wherever_quantities_are(stage: Stage, quantity: str, amount: int) -> None:
    product = await stage.dashboard("products", name="Hour")
    price = await stage.dashboard("prices", product=product["id"], unit_amount=20000, currency="usd")
    line = {"pricing[price]": price["id"], "quantity_decimal": quantity}
    invoice = await finalized(stage, await draft(stage, line, currency="usd"))
    [item] = invoice["items"]
    assert (item["quantity_decimal"], item["amount"]) == (quantity, amount)
    assert f"{TIMES} {quantity}" in await page(stage, invoice)
    assert f"{TIMES} {quantity}" in mail(invoice, "plain")
    assert f"{TIMES} {quantity}" in mail(invoice, "html")


# Discounts and taxes


async def test_every_discount_and_tax_has_a_line_and_they_add_up_to_the_total(stage: Stage) -> None:
    coupon = await stage.dashboard("coupons", percent_off=10)
    rate = await stage.dashboard("tax_rates", display_name="VAT", inclusive="false", percentage=19)
    terms = {"discounts[0][coupon]": coupon["id"], "default_tax_rates[0]": rate["id"], "currency": "usd"}
    invoice = await finalized(stage, await draft(stage, {"amount": 10000, "currency": "usd"}, **terms))
    [discount], [tax] = invoice["discounts"], invoice["taxes"]
    assert discount["amount"] == 1000
    assert (tax["amount"], tax["inclusive"], tax["label"], tax["percentage"]) == (1710, False, "VAT", "19")
    assert invoice["total"] == 10000 - 1000 + 1710
    text = await page(stage, invoice)
    assert f'Discount: {coupon["id"]}</th><td class="wide"></td><td class="number">-$10.00<' in text
    assert 'VAT 19% on $90.00</th><td class="wide"></td><td class="number">$17.10<' in text
    assert "Discount: -$10.00 VAT 19% on $90.00: $17.10 Total: $107.10" in mail(invoice, "plain")
    assert "VAT 19%" in mail(invoice, "html")


async def test_a_tax_that_is_included_is_shown_where_the_total_is_the_subtotal(stage: Stage) -> None:
    rate = await stage.dashboard("tax_rates", display_name="VAT", inclusive="true", percentage=25)
    terms = {"default_tax_rates[0]": rate["id"], "currency": "usd"}
    invoice = await finalized(stage, await draft(stage, {"amount": 12500, "currency": "usd"}, **terms))
    assert (invoice["subtotal"], invoice["total"]) == (12500, 12500)
    assert [(tax["amount"], tax["inclusive"]) for tax in invoice["taxes"]] == [(2500, True)]
    assert "VAT 25% on $100.00 (included)" in await page(stage, invoice)
    assert "VAT 25% on $100.00 (included): $25.00 Total: $125.00" in mail(invoice, "plain")


# Whom it was for


async def test_an_issued_invoice_keeps_whom_it_was_for_when_the_customer_is_renamed(stage: Stage) -> None:
    address = {"address[line1]": "Main Street 1", "address[city]": "Berlin", "address[country]": "DE"}
    invoice = await finalized(stage, await draft(stage, {"amount": 900, "currency": "usd"}, customer=address))
    await stage.dashboard(f"customers/{invoice['customer']}", name="Another Name", email="other@example.com")
    await stage.tell(*await stage.events())
    invoice = await shown(stage, invoice)
    assert (invoice["customer_name"], invoice["customer_email"]) == ("Jenny Rosen", "jenny@example.com")
    assert invoice["customer_address"]["city"] == "Berlin"
    assert invoice["customer_tax_ids"] == []
    text = await page(stage, invoice)
    assert "<dd>Jenny Rosen</dd>" in text
    assert "<dd>Main Street 1, Berlin, DE</dd>" in text
    assert "Another Name" not in text


async def test_erasure_wins_over_what_an_invoice_froze(stage: Stage) -> None:
    invoice = await finalized(stage, await draft(stage, {"amount": 900, "currency": "usd"}))
    await stage.sandbox.dashboard.delete(f"/v1/customers/{invoice['customer']}")
    await stage.tell(await stage.event("customer.deleted"))
    await stage.container.documents().scrub()
    invoice = await shown(stage, invoice)
    assert (invoice["customer_name"], invoice["customer_email"], invoice["customer_address"]) == (None, None, None)
    assert "Jenny" not in await page(stage, invoice)


# A draft that Stripe does not finalize


async def test_a_refusal_to_finalize_is_shown_told_and_explained(stage: Stage) -> None:
    invoice = await draft(stage, *[{"amount": 60_000_000, "currency": "usd"}] * 2)
    await stage.tell(*await stage.events())
    refused = await stage.client.post(f"/v1/invoices/{invoice['id']}/finalize")
    assert (refused.status_code, refused.json()["stripe"]["code"]) == (422, "amount_too_large")
    await stage.tell(*await stage.events())
    said = (await shown(stage, invoice))["last_finalization_error"]
    assert said["code"] == "amount_too_large"
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert timeline["last_finalization_error"] == said
    assert timeline["unpaid_because"] == (
        "It is still a draft, because Stripe refused to finalize it: Amount must be no more than $999,999.99. Lower its "
        "items or split them among several invoices, then finalize it again."
    )
    [event] = (await stage.client.get("/v1/events", params={"types": "invoice.finalization_failed"})).json()["data"]
    assert event["data"]["previous_status"] == "draft"
    assert event["data"]["invoice"]["last_finalization_error"] == said
    assert event["data"]["invoice"]["status"] == "draft"


async def test_a_refusal_that_is_the_first_heard_of_a_draft_is_told_after_it(stage: Stage) -> None:
    invoice = await draft(stage, *[{"amount": 60_000_000, "currency": "usd"}] * 2)
    await stage.client.post(f"/v1/invoices/{invoice['id']}/finalize")
    await stage.sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/finalize")
    await stage.tell(await stage.event("invoice.finalization_failed"))
    told = (await stage.client.get("/v1/events", params={"invoice": invoice["id"]})).json()["data"]
    assert [event["type"] for event in told] == ["invoice.created", "invoice.finalization_failed"]


# Rupiah


async def test_rupiah_have_more_digits_and_too_many_dollars_are_refused_by_name(stage: Stage) -> None:
    customer = (await stage.client.post("/v1/customers", json={"name": "A", "email": "a@example.com"})).json()
    terms = {"customer": customer["id"], "days_until_due": 3, "finalize": True}
    item = {"amount": 150_000_000, "currency": "idr"}
    made = await stage.client.post("/v1/invoices", json=terms | {"items": [item]})
    assert (made.status_code, made.json()["total"], made.json()["status"]) == (201, 150_000_000, "open")
    refused = await stage.client.post("/v1/invoices", json=terms | {"items": [item | {"currency": "usd"}]})
    assert (refused.status_code, "99999999 in the minor unit of usd" in refused.text) == (422, True)
