"""One invoice with every parameter that the service passes on, made by one call and read back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.invoices.item_schemas import ItemCreate
from app.invoices.schemas import InvoiceCreate
from tests.fixtures.caller import Caller, Json
from tests.fixtures.sandbox import Sandbox

OTHERWISE = {
    "days_until_due": "excludes due_at",
    "finalize": "the draft is read back as it is",
    "allow_empty": "it has items",
    "on_behalf_of": "the sandbox has no connected accounts",
    "transfer_data": "the sandbox has no connected accounts",
    "application_fee_amount": "the sandbox has no connected accounts",
}
"""Parameters that this invoice cannot have, each with the reason. `test_parameters.py` shows that they are passed on."""
ADDRESS = {
    "line1": "1 Main St",
    "line2": None,
    "city": "Berlin",
    "state": None,
    "postal_code": "10115",
    "country": "DE",
}
METHODS = {"payment_method_types": ["card", "customer_balance"]}
OPTIONS = {"payment_method_options": {"card": {"request_three_d_secure": "any"}}}


def at(days: int) -> str:
    return f"{datetime.now(UTC).replace(microsecond=0) + timedelta(days=days):%Y-%m-%dT%H:%M:%S.000Z}"


async def items(api: Caller, sandbox: Sandbox, customer: str, rate: str, coupon: str) -> list[Json]:
    """One item of each form, which together have every field."""
    pending = await sandbox.dashboard.post(
        "/v1/invoiceitems", data={"customer": customer, "amount": "300", "currency": "eur", "description": "Waited"}
    )
    product = {"name": "Workshop", "unit_label": "day", "tax_code": "txcd_10000000", "metadata": {"a": "1"}}
    return [
        {
            "price": (await api.price(10000, "eur"))["id"], "quantity": 2, "discounts": [{"coupon": coupon}],
            "discountable": True, "metadata": {"line": "1"}, "tax_rates": [rate],
            "period": {"start": at(-30), "end": at(0)},
        },
        {
            "unit_amount_decimal": "12000", "currency": "eur", "quantity_decimal": "3.5", "description": "Consulting",
            "tax_behavior": "exclusive", "tax_code": "txcd_10000000",
        },
        {
            "price_data": {"currency": "eur", "unit_amount": 50000, "product_data": product}, "quantity": 1,
        },
        {"amount": 700, "currency": "eur", "description": "Travel", "discountable": False},
        {"invoice_item": pending.json()["id"]},
    ]  # fmt: skip


async def test_one_call_makes_an_invoice_with_every_parameter_and_shows_them(api: Caller, sandbox: Sandbox) -> None:
    customer = (await api.customer(address=ADDRESS, payment_method="pm_card_visa"))["id"]
    method = (await sandbox.dashboard.get(f"/v1/customers/{customer}/payment_methods")).json()["data"][0]["id"]
    rate = (await api.post("/v1/tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False}))["id"]
    coupon = (await api.post("/v1/coupons", {"percent_off": "10"}))["id"]
    seller = await sandbox.dashboard.post("/v1/tax_ids", data={"type": "eu_vat", "value": "DE123456789"})
    wanted: dict[str, Any] = {
        "customer": customer,
        "currency": "eur",
        "collection_method": "send_invoice",
        "due_at": at(60),
        "auto_advance": True,
        "automatically_finalizes_at": at(2),
        "effective_at": at(1),
        "number": "2026-0042",
        "description": "Consulting in May",
        "footer": "Thank you",
        "statement_descriptor": "ACME ORDER 1042",
        "custom_fields": [{"name": "PO number", "value": "12345"}],
        "rendering": {"amount_tax_display": "include_inclusive_tax", "pdf": {"page_size": "a4"}},
        "automatic_tax": {"enabled": False},
        "default_tax_rates": [rate],
        "account_tax_ids": [seller.json()["id"]],
        "discounts": [{"coupon": coupon}],
        "shipping_cost": {
            "shipping_rate_data": {
                "display_name": "Ground", "fixed_amount": {"amount": 500, "currency": "eur"}, "tax_behavior": "exclusive",
            }
        },
        "shipping_details": {"name": "Jenny Rosen", "address": ADDRESS, "phone": "+49 30 1"},
        "default_payment_method": method,
        "payment_settings": METHODS | OPTIONS,
        "issuer": {"type": "self"},
        "pending_invoice_items_behavior": "exclude",
        "metadata": {"order": "7"},
        "reference": "every",
        "reminders": "off",
        "fulfillment_policy": {"fulfill_on": "processing"},
        "items": await items(api, sandbox, customer, rate, coupon),
    }  # fmt: skip
    assert wanted.keys() | OTHERWISE.keys() == InvoiceCreate.model_fields.keys()
    assert {name for item in wanted["items"] for name in item} == ItemCreate.model_fields.keys() - {"tax_amounts"}

    made = await api.post("/v1/invoices", wanted)
    found = await api.get(f"/v1/invoices/{made['id']}")
    assert found == {name: value for name, value in made.items() if name != "client_secret"}
    as_given = (
        "customer", "currency", "collection_method", "due_at", "auto_advance", "automatically_finalizes_at", "effective_at",
        "number", "description", "footer", "statement_descriptor", "custom_fields", "default_tax_rates", "account_tax_ids",
        "default_payment_method", "reference",
    )  # fmt: skip
    assert {name: found[name] for name in as_given} == {name: wanted[name] for name in as_given}
    assert found["rendering"]["pdf"]["page_size"] == "a4"
    assert found["rendering"]["amount_tax_display"] == "include_inclusive_tax"
    assert found["automatic_tax"]["enabled"] is False
    assert found["issuer"]["type"] == "self"
    assert found["payment_settings"]["payment_method_types"] == METHODS["payment_method_types"]
    assert found["payment_settings"]["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    assert found["shipping_cost"]["amount_subtotal"] == 500
    assert found["shipping_details"]["address"] == ADDRESS
    assert found["metadata"]["order"] == "7"
    assert [discount["amount"] > 0 for discount in found["discounts"]].count(True) >= 1

    by_amount = {item["amount"]: item for item in found["items"]}
    assert by_amount.keys() == {20000, 42000, 50000, 700, 300}
    assert by_amount[42000]["quantity_decimal"] == "3.5"
    assert by_amount[42000]["description"] == "Consulting"
    first = by_amount[20000]
    assert first["period"] == wanted["items"][0]["period"]
    assert first["metadata"] == {"line": "1"}
    assert first["discount_amounts"]
    assert [tax["amount"] for tax in by_amount[50000]["taxes"]] == [8550]  # 19 % of what the discount leaves
    assert by_amount[700]["discountable"] is False
    assert found["subtotal"] == sum(by_amount) - 2000  # the first item's own discount: 10 %
    assert found["total"] == sum(by_amount) - sum(it["amount"] for it in found["discounts"]) + found[
        "amount_shipping"
    ] + sum(tax["amount"] for tax in found["taxes"] if not tax["inclusive"])


async def test_taxes_of_the_callers_own_stand_where_stripe_computes_none(api: Caller) -> None:
    vat = {"display_name": "VAT", "inclusive": False, "percentage": 7.0, "country": "DE", "jurisdiction": "DE",
           "description": "own", "tax_type": "vat", "jurisdiction_level": "country", "state": "BE"}  # fmt: skip
    tax = {"amount": 3500, "taxable_amount": 50000, "tax_rate_data": vat, "taxability_reason": "standard_rated"}
    item = {"amount": 50000, "currency": "eur", "tax_amounts": [tax]}
    made = await api.draft(items=[item])
    assert (made["total"], [it["amount"] for it in made["items"][0]["taxes"]]) == (53500, [3500])
    rate = (await api.post("/v1/tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False}))["id"]
    body = {"customer": made["customer"], "default_tax_rates": [rate], "items": [item]}
    await api.refused("POST", "/v1/invoices", 422, "stripe_invalid_request", body)
