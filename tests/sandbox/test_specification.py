"""What the sandbox says and takes is what Stripe's own OpenAPI document says.

Every test of this folder is held to it (the fixture `box`); here an invoice and all that surrounds it live their lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import stripe

from dev import specification
from tests.sandbox.process import RunningSandbox
from tests.sandbox.since import PROPERTIES
from tests.sandbox.specification import violations

JSON = dict[str, Any]
MOST_SINCE = 25


def objects_in(value: Any) -> Iterator[JSON]:
    if isinstance(value, list):
        for item in value:
            yield from objects_in(item)
    elif isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        for item in value.values():
            yield from objects_in(item)


@pytest.fixture
def everything(box: RunningSandbox) -> list[JSON]:
    """One of each object, taken through its life: every object that an answer or an event showed."""
    v1 = box.v1
    product = v1.products.create(
        {"name": "Widget", "package_dimensions": {"height": 1, "length": 2, "weight": 3, "width": 4}}
    )
    price = v1.prices.create({"product": product.id, "unit_amount": 1000, "currency": "usd"})
    rate = v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 20})
    coupon = v1.coupons.create({"percent_off": 10})
    address: Any = {"line1": "1 Road", "city": "Rome", "country": "IT"}
    customer = v1.customers.create(
        {
            "email": "a@b.example",
            "payment_method": "pm_card_visa",
            "balance": -100,
            "address": address,
            "shipping": {"name": "Ada", "address": address},
            "invoice_settings": {
                "default_payment_method": "pm_card_visa",
                "rendering_options": {"amount_tax_display": "include_inclusive_tax"},
            },
        }
    )
    v1.payment_methods.attach(v1.payment_methods.retrieve("pm_usBankAccount_success").id, {"customer": customer.id})
    invoice = v1.invoices.create(
        {
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 3,
            "default_tax_rates": [rate.id],
            "discounts": [{"coupon": coupon.id}],
            "custom_fields": [{"name": "PO", "value": "1"}],
            "shipping_cost": {
                "shipping_rate_data": {"display_name": "Post", "fixed_amount": {"amount": 100, "currency": "usd"}}
            },
        }
    )
    v1.invoice_items.create(
        {"customer": customer.id, "invoice": invoice.id, "pricing": {"price": price.id}, "quantity": 2}
    )
    v1.invoices.finalize_invoice(invoice.id)
    with pytest.raises(stripe.CardError):
        v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    v1.credit_notes.create({"invoice": invoice.id, "amount": 100})
    v1.invoices.pay(invoice.id)
    v1.credit_notes.create({"invoice": invoice.id, "amount": 200, "refund_amount": 200})
    debit = v1.invoices.create({"customer": customer.id})
    v1.invoices.add_lines(debit.id, {"lines": [{"amount": 5000}]})
    debit = v1.invoices.finalize_invoice(debit.id, {"expand": ["payments"]})
    assert debit.payments is not None
    v1.payment_intents.confirm(
        str(debit.payments.data[0].payment.payment_intent), {"payment_method": "pm_usBankAccount_success"}
    )
    challenged = v1.payment_intents.create({"amount": 500, "currency": "usd"})
    v1.payment_intents.confirm(
        challenged.id, {"payment_method": "pm_card_threeDSecure2Required", "return_url": "https://example.com/"}
    )
    v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["charge.refund.updated"]})
    v1.charges.list({"customer": customer.id, "expand": ["data.balance_transaction", "data.refunds"]})
    v1.invoices.list({"expand": ["data.payments", "data.confirmation_secret", "data.customer", "data.discounts"]})
    v1.customers.balance_transactions.list(customer.id)
    v1.invoice_payments.list()
    box.get("/v1/account")
    return box.recorded()


def test_the_whole_life_is_as_stripes_document_has_it(everything: list[JSON]) -> None:
    assert sorted({each for exchange in everything for each in violations(exchange)}) == []
    assert {found["object"] for found in objects_in(everything)} >= {
        "account", "balance_transaction", "charge", "coupon", "credit_note", "credit_note_line_item", "customer",
        "customer_balance_transaction", "discount", "event", "invoice", "invoice_payment", "invoiceitem", "line_item",
        "payment_intent", "payment_method", "price", "product", "refund", "tax_rate", "webhook_endpoint",
    }  # fmt: skip


def _answer_to(everything: list[JSON], path: str) -> JSON:
    return deepcopy(next(each for each in everything if each.get("path") == path and each["status"] == 200))


def _with(change: Callable[[JSON], object]) -> Callable[[JSON], JSON]:
    def changed(exchange: JSON) -> JSON:
        change(exchange)
        return exchange

    return changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_with(lambda it: it["answer"].update(colour="red")), "'colour' was unexpected"),
        (_with(lambda it: it["answer"].pop("livemode")), '"livemode" is a required property'),
        (_with(lambda it: it["answer"].update(email=1)), "email: 1 is not of types"),
        (_with(lambda it: it["answer"].update(tax_exempt="maybe")), "tax_exempt: "),
        (_with(lambda it: it.update(sent=f"{it['sent']}&colour=red")), "parameters : "),
        (_with(lambda it: it.update(sent=f"{it['sent']}&balance=much")), "parameters balance: "),
    ],
)
def test_what_differs_from_the_document_is_told(
    everything: list[JSON], change: Callable[[JSON], JSON], told: str
) -> None:
    found = violations(change(_answer_to(everything, "/v1/customers")))
    assert len(found) == 1
    assert told in found[0]


def test_an_event_about_an_unknown_attribute_is_told(everything: list[JSON]) -> None:
    events = (each for each in everything if "previous_attributes" in each.get("event", {}).get("data", {}))
    event = deepcopy(next(events))
    event["event"]["data"]["previous_attributes"]["colour"] = "red"
    assert [each.split(" ", 1)[1] for each in violations(event)] == ["previous_attributes.colour: unknown"]


@pytest.mark.parametrize("place", [place for place, _, _ in PROPERTIES])
def test_what_came_since_is_not_in_the_document(place: str) -> None:
    name, _, key = place.partition(".")
    assert key not in specification.document()["components"]["schemas"][name]["properties"]


def test_the_list_of_what_came_since_is_short() -> None:
    assert len(PROPERTIES) <= MOST_SINCE


def test_an_invoice_shows_its_lines_inline(box: RunningSandbox, everything: list[JSON]) -> None:
    listed = box.get("/v1/invoices").json()["data"]
    assert all(set(invoice["lines"]) == {"object", "data", "has_more", "total_count", "url"} for invoice in listed)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("invoices", {"confirmation_secret", "payments"}),
        ("customers", {"sources", "subscriptions", "tax_ids", "tax", "cash_balance", "invoice_credit_balance"}),
        ("prices", {"currency_options"}),
        ("charges", {"refunds"}),
    ],
)
def test_includable_fields_are_absent_unless_expanded(
    box: RunningSandbox, everything: list[JSON], path: str, fields: set[str]
) -> None:
    plain = box.get(f"/v1/{path}").json()["data"][0]
    assert not fields & plain.keys()
    expanded = box.get(f"/v1/{path}", **{f"expand[{n}]": f"data.{name}" for n, name in enumerate(fields)}).json()
    assert expanded["data"][0].keys() - plain.keys() == fields
