"""Shipping rates: made, changed, and what they cost on an invoice, with tax."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def rate_of(box: RunningSandbox, amount: int = 500, currency: str = "usd", **more: Any) -> stripe.ShippingRate:
    fixed: Any = {"amount": amount, "currency": currency, **more.pop("fixed", {})}
    sent: Any = {"display_name": "Post", "type": "fixed_amount", "fixed_amount": fixed, **more}
    return box.v1.shipping_rates.create(sent)


def in_germany(box: RunningSandbox) -> str:
    address: Any = {"line1": "1 Road", "country": "DE"}
    return box.v1.customers.create({"email": "ada@example.com", "address": address}).id


def test_a_rate_adds_to_an_invoice(box: RunningSandbox, draft: Drafting) -> None:
    estimate: Any = {"minimum": {"unit": "day", "value": 1}, "maximum": {"unit": "day", "value": 3}}
    rate = rate_of(box, delivery_estimate=estimate, metadata={"a": "b"})
    assert rate.delivery_estimate is not None
    assert (rate.active, rate.delivery_estimate.maximum and rate.delivery_estimate.maximum.value) == (True, 3)
    invoice = draft(1000, shipping_cost={"shipping_rate": rate.id})
    assert invoice.shipping_cost is not None
    assert (invoice.shipping_cost.shipping_rate, invoice.shipping_cost.amount_total) == (rate.id, 500)
    assert (invoice.amount_shipping, invoice.total) == (500, 1500)
    assert "shipping_rate.created" not in box.event_types()


def test_a_rate_described_with_the_invoice_is_kept(box: RunningSandbox, draft: Drafting) -> None:
    data: Any = {"display_name": "Courier", "fixed_amount": {"amount": 700, "currency": "usd"}}
    invoice = draft(1000, shipping_cost={"shipping_rate_data": data})
    assert invoice.shipping_cost is not None
    rate = box.v1.shipping_rates.retrieve(str(invoice.shipping_cost.shipping_rate))
    assert (rate.display_name, invoice.total) == ("Courier", 1700)


def test_the_invoices_currency_counts(box: RunningSandbox, draft: Drafting) -> None:
    both = rate_of(box, fixed={"currency_options": {"eur": {"amount": 450}}})
    payer = in_germany(box)
    assert draft(1000, customer=payer, currency="eur", shipping_cost={"shipping_rate": both.id}).total == 1450
    with pytest.raises(stripe.InvalidRequestError, match="only supports `usd`"):
        draft(1000, customer=payer, currency="eur", shipping_cost={"shipping_rate": rate_of(box).id})
    box.v1.shipping_rates.update(both.id, {"fixed_amount": {"currency_options": {"eur": {"amount": 400}}}})
    assert draft(1000, customer=payer, currency="eur", shipping_cost={"shipping_rate": both.id}).total == 1400


@pytest.mark.parametrize(
    ("behavior", "tax", "total"), [("exclusive", 95, 12_495), ("inclusive", 80, 12_400), ("unspecified", 95, 12_495)]
)
def test_automatic_tax_taxes_the_shipping(
    box: RunningSandbox, draft: Drafting, behavior: str, tax: int, total: int
) -> None:
    rate = rate_of(box, tax_behavior=behavior)
    invoice = draft(
        10_000, customer=in_germany(box), automatic_tax={"enabled": True}, shipping_cost={"shipping_rate": rate.id}
    )
    assert invoice.shipping_cost is not None
    assert (invoice.shipping_cost.amount_subtotal, invoice.shipping_cost.amount_tax) == (500, tax)
    assert invoice.total == total
    assert sum(it.amount for it in invoice.total_taxes or []) == 1900 + tax


def test_a_rate_is_archived_and_listed(box: RunningSandbox, draft: Drafting) -> None:
    rate, other = rate_of(box), rate_of(box, currency="eur")
    assert box.v1.shipping_rates.update(rate.id, {"active": False, "metadata": {"a": "b"}}).active is False
    assert [it.id for it in box.v1.shipping_rates.list({"active": True}).data] == [other.id]
    assert [it.id for it in box.v1.shipping_rates.list({"currency": "usd"}).data] == [rate.id]
    with pytest.raises(stripe.InvalidRequestError, match="is not active"):
        draft(1000, shipping_cost={"shipping_rate": rate.id})


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ("display_name=Post", "fixed_amount"),
        ("display_name=Post&fixed_amount[amount]=-1&fixed_amount[currency]=usd", "fixed_amount[amount]"),
        ("display_name=Post&fixed_amount[amount]=1&fixed_amount[currency]=xyz", "fixed_amount[currency]"),
        ("fixed_amount[amount]=1&fixed_amount[currency]=usd", "display_name"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(box: RunningSandbox, form: str, param: str) -> None:
    answer = box.post("/v1/shipping_rates", form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_what_is_fixed_stays(box: RunningSandbox) -> None:
    rate = rate_of(box, tax_behavior="exclusive")
    changes: list[Any] = [
        {"tax_behavior": "inclusive"},
        {"fixed_amount": {"currency_options": {"usd": {"amount": 1}}}},
        {"fixed_amount": {"currency_options": {"eur": {"tax_behavior": "inclusive"}}}},
    ]
    for change in changes:
        with pytest.raises(stripe.InvalidRequestError):
            box.v1.shipping_rates.update(rate.id, change)
    assert box.get("/v1/shipping_rates/shr_none").status_code == 404
