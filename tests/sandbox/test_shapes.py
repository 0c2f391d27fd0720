"""Every object shows exactly the keys that the installed SDK's resource classes declare."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe import StripeObject
from stripe._object_classes import get_object_class

from tests.sandbox.process import RunningSandbox

ON_REQUEST = {
    "invoice": {"confirmation_secret", "payments"},
    "customer": {"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"},
    "price": {"currency_options", "tiers"},
    "coupon": {"applies_to", "currency_options"},
    "charge": {"refunds"},
    "webhook_endpoint": {"secret"},
    "event": {"account", "context"},
}
"""Fields that are absent until they are expanded (or, for the last two, until they apply)."""
BY_KIND = {"payment_method"}
"""Objects that show one of many keys, named by their `type`."""
OPTIONAL = {
    "payment", "payment_method_details", "payment_method_options", "next_action", "last_payment_error", "tip",
    "amount_details", "fraud_details", "radar_options", "destination_details", "card", "us_bank_account",
    "status_details", "capabilities", "controller", "settings", "credited_items", "data", "rendering",
    "last_finalization_error", "transfer_data", "us_bank_transfer", "three_d_secure", "installments",
}  # fmt: skip
"""Nested hashes of which Stripe shows only the keys that apply."""


def declared(cls: type) -> dict[str, Any]:
    names = {**cls.__annotations__}
    return {name: kind for name, kind in names.items() if "ClassVar" not in str(kind) and name != "deleted"}


def nested_class(annotation: Any) -> type | None:
    """The StripeObject subclass inside an annotation, if it names one that is nested (no top-level object)."""
    for part in (annotation, *typing.get_args(annotation)):
        if inspect.isclass(part) and issubclass(part, StripeObject) and part.__annotations__:
            return None if hasattr(part, "OBJECT_NAME") else part
        if part is not annotation and (found := nested_class(part)) is not None:
            return found
    return None


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from objects_in(item)
    elif isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        for item in value.values():
            yield from objects_in(item)


def compare(shown: dict[str, Any], cls: type, path: str, *, partly: bool, absent: set[str]) -> list[str]:
    wanted = declared(cls)
    wrong = [f"{path}.{name}: not declared" for name in shown.keys() - wanted.keys()]
    if not partly:
        wrong += [f"{path}.{name}: missing" for name in wanted.keys() - shown.keys() - absent]
    for name, value in shown.items():
        inner = nested_class(wanted.get(name))
        for item in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(item, dict) and "object" not in item:
                wrong += compare(item, inner, f"{path}.{name}", partly=name in OPTIONAL, absent=set())
    return wrong


@pytest.fixture
def everything(box: RunningSandbox) -> list[dict[str, Any]]:
    """One of each object, taken through its life, as answers and as event payloads."""
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
    v1.payment_intents.confirm(challenged.id, {"payment_method": "pm_card_threeDSecure2Required"})
    v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["charge.refund.updated"]})
    kinds = box.control("GET", "state")["objects"]
    found = [item for items in kinds.values() for item in items]
    found += [box.get(f"/v1/invoices/{invoice.id}").json(), box.get("/v1/account").json()]
    notes = box.get("/v1/credit_notes", **{"expand[]": "data.customer_balance_transaction"}).json()
    events = box.get("/v1/events", limit="100").json()
    return list(objects_in([found, notes, events]))


def test_objects_show_what_the_sdk_declares_no_more_and_no_less(everything: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    wrong: set[str] = set()
    for shown in everything:
        kind = shown["object"]
        if kind in {"list", "search_result"}:
            continue
        seen.add(kind)
        absent = ON_REQUEST.get(kind, set()) | ({"lines"} if "lines" not in shown else set())
        wrong.update(compare(shown, get_object_class("V1", kind), kind, partly=kind in BY_KIND, absent=absent))
    assert not wrong, "\n".join(sorted(wrong))
    assert seen >= {
        "account", "balance_transaction", "charge", "coupon", "credit_note", "credit_note_line_item", "customer",
        "customer_balance_transaction", "discount", "event", "invoice", "invoice_payment", "invoiceitem", "line_item",
        "payment_intent", "payment_method", "price", "product", "refund", "tax_rate", "webhook_endpoint",
    }  # fmt: skip


def test_an_invoice_shows_its_lines_inline(box: RunningSandbox, everything: list[dict[str, Any]]) -> None:
    listed = box.get("/v1/invoices").json()["data"]
    assert all(set(invoice["lines"]) == {"object", "data", "has_more", "url"} for invoice in listed)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("invoices", {"confirmation_secret", "payments"}),
        ("customers", {"sources", "subscriptions", "tax_ids", "tax", "cash_balance", "invoice_credit_balance"}),
        ("prices", {"tiers", "currency_options"}),
        ("charges", {"refunds"}),
    ],
)
def test_includable_fields_are_absent_unless_expanded(
    box: RunningSandbox, everything: list[dict[str, Any]], path: str, fields: set[str]
) -> None:
    plain = box.get(f"/v1/{path}").json()["data"][0]
    assert not fields & plain.keys()
    expanded = box.get(f"/v1/{path}", **{f"expand[{n}]": f"data.{name}" for n, name in enumerate(fields)}).json()
    assert expanded["data"][0].keys() - plain.keys() == fields
