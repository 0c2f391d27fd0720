"""What a payment page shows once the invoice is paid: when and with what, the receipt, and the way back to the shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fixtures.billing import payment_link
from tests.fixtures.caller import Caller, Json
from tests.fixtures.sandbox import Sandbox

MakeApp = Callable[..., Awaitable[Caller]]
SHOP = "https://shop.example"
ORDER = f"{SHOP}/orders/4711?from=invoice"


async def page_of(api: Caller, invoice: Json, **params: Any) -> str:
    link: Json = await payment_link(api.client, invoice["id"], **params)
    return urlsplit(link["url"]).path


async def paid_page(api: Caller, **params: Any) -> str:
    invoice = await api.open()
    page = await page_of(api, invoice, **params)
    await api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    return page


async def test_a_paid_page_says_when_and_with_what_and_leads_to_the_receipt(api: Caller) -> None:
    page = await paid_page(api)
    said = (await api.client.get(f"{page}/payment", headers={"Accept-Language": "de"})).json()
    (on, day), paid_with = said["facts"]
    assert (on, paid_with) == ("Bezahlt am", ["Bezahlt mit", "Visa mit Endziffern 4242"])
    assert day in (await api.client.get(page, headers={"Accept-Language": "de"})).text
    assert said["receipt"] is True
    receipt = await api.client.get(f"{page}/receipt")
    assert (receipt.status_code, receipt.headers["Cache-Control"]) == (302, "no-store")
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert "4242" in (await browser.get(receipt.headers["Location"])).text


@pytest.mark.parametrize("status", ["open", "void", "out_of_band"])
async def test_what_stripe_did_not_charge_has_no_receipt(api: Caller, status: str) -> None:
    invoice = await api.open()
    page = await page_of(api, invoice)
    if status == "void":
        await api.post(f"/v1/invoices/{invoice['id']}/void")
    if status == "out_of_band":
        await api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})
    assert (await api.client.get(f"{page}/payment")).json() == {"facts": [], "receipt": False}
    assert (await api.client.get(f"{page}/receipt")).status_code == 404
    assert ("Paid on" in (await api.client.get(page)).text) == (status == "out_of_band")


async def test_a_receipt_needs_the_link_and_stripe(api: Caller, sandbox: Sandbox) -> None:
    page = await paid_page(api)
    for wanted in ("payment", "receipt"):
        assert (await api.client.get(f"{page[:-2]}/{wanted}")).status_code == 404
        await sandbox.fault("GET", "/v1/payment_intents/*", status=500)
        assert (await api.client.get(f"{page}/{wanted}")).status_code == 502
        assert "This invoice is paid" in (await api.client.get(page)).text
        await sandbox.clear_faults()


async def test_a_paid_page_leads_back_to_the_shop(make_app: MakeApp) -> None:
    api = await make_app(payment_link_return_origins=(SHOP,))
    invoice = await api.open()
    page = await page_of(api, invoice, return_url=ORDER)
    assert ORDER not in (await api.client.get(page)).text
    assert (
        f'<p id="back" hidden><a class="button second" href="{ORDER}">'
        in (await api.client.get(f"{page}/complete")).text
    )
    await api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    assert (
        f'<p id="back"><a class="button second" href="{ORDER}">Back to Sandbox Ltd</a>'
        in (await api.client.get(page)).text
    )
    narrower = await make_app()
    assert ORDER not in (await narrower.client.get(page)).text


@pytest.mark.parametrize("address", ["https://evil.example/", f"{SHOP}.evil.example/", f"{SHOP}@evil.example/"])
async def test_a_page_leads_nowhere_else(make_app: MakeApp, address: str) -> None:
    api = await make_app(payment_link_return_origins=(SHOP,))
    problem = await api.refused(
        "POST", "/v1/invoices/in_x/payment-link", 422, "validation_error", {"return_url": address}
    )
    assert problem["param"] == "return_url"


@pytest.mark.parametrize(("environment", "status"), [("development", 201), ("production", 422)])
async def test_only_a_developer_s_machine_is_led_back_to_unasked(
    make_app: MakeApp, environment: str, status: int
) -> None:
    api = await make_app(environment=environment)
    invoice = await api.open()
    answer = await api.client.post(
        f"/v1/invoices/{invoice['id']}/payment-link", json={"return_url": "http://localhost:3000/"}
    )
    assert answer.status_code == status


async def test_pages_have_the_merchant_s_logo_color_and_footer(make_app: MakeApp) -> None:
    logo = "https://cdn.example/logo.svg"
    yellow = {"variables": {"colorPrimary": "#ffd400"}}
    api = await make_app(payment_page_logo_url=logo, payment_page_appearance=yellow)
    page = await api.client.get(await page_of(api, await api.open(footer="Sandbox Ltd, HRB 4711")))
    assert "Sandbox Ltd, HRB 4711" in page.text
    assert f'src="{logo}"' in page.text
    assert "img-src 'self' data: https://*.stripe.com https://cdn.example;" in page.headers["Content-Security-Policy"]
    address = page.text.partition('<link rel="stylesheet" href="/pay/brand')[2].partition('"')[0]
    styles = await api.client.get(f"/pay/brand{address}")
    light, _, dark = styles.text.partition("dark")
    assert "--button: #ffd400; --on-accent: #000000; --accent: #856e00;" in light
    assert "--button: #ffd400; --on-accent: #000000; --accent: #ffd400;" in dark
    assert "immutable" in styles.headers["Cache-Control"]
    assert (await api.client.get("/pay/brand/older.css")).headers["Cache-Control"] == "no-cache"


async def test_pages_without_a_brand_are_as_strict_as_before(api: Caller) -> None:
    page = await api.client.get(await page_of(api, await api.open()))
    assert "img-src 'self' data: https://*.stripe.com;" in page.headers["Content-Security-Policy"]
    assert "/pay/brand" not in page.text
    assert "<img" not in page.text
