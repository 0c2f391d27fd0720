"""Invoice items and lines: adding, changing, moving, limits; discounts, taxes and totals."""

from decimal import Decimal
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from offline_stripe.billing.pricing import amount_for
from offline_stripe.billing.totals import _spread
from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def test_pending_items_wait_until_an_invoice_includes_them(box: RunningSandbox, customer: stripe.Customer) -> None:
    for amount in (100, 200):
        box.v1.invoice_items.create({"customer": customer.id, "amount": amount, "currency": "usd"})
    assert box.v1.invoices.create({"customer": customer.id}).total == 0
    assert len(box.v1.invoice_items.list({"customer": customer.id, "pending": True}).data) == 2
    included = box.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    assert included.total == 300
    box.v1.invoices.add_lines(included.id, {"lines": [{"amount": 400}, {"amount": 500}]})
    lines = box.v1.invoices.line_items.list(included.id).data
    assert [line.amount for line in lines] == [200, 100, 400, 500]
    assert box.v1.invoice_items.list({"pending": True}).data == []


def test_lines_can_be_switched_to_newest_first(box: RunningSandbox, draft: Drafting) -> None:
    box.switch(lines_newest_first=True)
    invoice = draft(100)
    changed = box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 200}]})
    assert [line.amount for line in changed.lines.data] == [200, 100]


@pytest.mark.parametrize(
    ("sent", "amount", "quantity", "unit"),
    [
        ("amount=700", 700, "1", "700"),
        ("unit_amount_decimal=33.335&quantity=3", 100, "3", "33.335"),
        ("unit_amount_decimal=0.5&quantity_decimal=2.5", 1, "2.5", "0.5"),
        ("amount=-300", -300, "1", "-300"),
    ],
)  # fmt: skip
def test_an_item_costs_its_unit_amount_times_its_quantity(
    box: RunningSandbox, customer: stripe.Customer, sent: str, amount: int, quantity: str, unit: str
) -> None:
    item = box.post("/v1/invoiceitems", f"customer={customer.id}&currency=usd&{sent}").json()
    assert (item["amount"], item["quantity_decimal"]) == (amount, quantity)
    assert item["pricing"]["unit_amount_decimal"] == unit
    assert item["discountable"] is (amount > 0)


def test_price_data_mints_an_archived_price(box: RunningSandbox, customer: stripe.Customer) -> None:
    product = box.v1.products.create({"name": "Widget"})
    item = box.v1.invoice_items.create(
        {
            "customer": customer.id,
            "price_data": {"currency": "usd", "product": product.id, "unit_amount": 250},
            "quantity": 4,
        }
    )
    assert (item.amount, item.description) == (1000, "Widget")
    assert item.pricing is not None
    assert item.pricing.price_details is not None
    price = box.v1.prices.retrieve(str(item.pricing.price_details.price))
    assert (price.active, price.unit_amount, price.product) == (False, 250, product.id)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"active": False}, "only accepts active prices"),
        ({"recurring": {"interval": "month"}}, "only accepts prices with `type=one_time`"),
        ({"currency": "eur"}, "only supports `eur`"),
    ],
)
def test_a_price_that_does_not_fit_is_refused(
    box: RunningSandbox, draft: Drafting, change: dict[str, Any], message: str
) -> None:
    sent: Any = {"currency": "usd", "unit_amount": 1, "product_data": {"name": "W"}, **change}
    price = box.v1.prices.create(sent)
    invoice = draft(None, currency="usd")
    with pytest.raises(stripe.InvalidRequestError, match=message):
        box.v1.invoice_items.create(
            {"customer": str(invoice.customer), "invoice": invoice.id, "pricing": {"price": price.id}}
        )


def test_one_invoice_has_one_currency(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(None, currency="usd")
    error = box.post(
        "/v1/invoiceitems", f"customer={invoice.customer}&invoice={invoice.id}&amount=1&currency=eur"
    ).json()["error"]
    assert error["type"] == "invalid_request_error"
    assert box.v1.invoice_items.list().data == []


def test_the_two_hundred_and_fifty_first_item_is_refused(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(None, currency="usd")
    full = box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1}] * 250})
    assert (full.total, len(full.lines.data), full.lines.has_more) == (250, 10, True)
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 250"):
        box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1}]})
    assert len(list(box.v1.invoices.line_items.list(invoice.id, {"limit": 100}).auto_paging_iter())) == 250


def test_a_changed_item_keeps_its_line(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(1000)
    (line,) = invoice.lines.data
    assert line.parent is not None
    assert line.parent.invoice_item_details is not None
    item = line.parent.invoice_item_details.invoice_item
    box.v1.invoice_items.update(item, {"amount": 2000, "description": "Twice"})
    changed = box.v1.invoices.retrieve(invoice.id)
    assert [(entry.id, entry.amount, entry.description) for entry in changed.lines.data] == [(line.id, 2000, "Twice")]
    answer = box.v1.invoices.line_items.update(invoice.id, line.id, {"description": "Again", "metadata": {"a": "b"}})
    assert (answer.object, answer.description) == ("line_item", "Again")
    assert box.v1.invoice_items.retrieve(item).description == "Again"


def test_several_lines_change_at_once(box: RunningSandbox, draft: Drafting) -> None:
    invoice = box.v1.invoices.add_lines(draft(100).id, {"lines": [{"amount": 200}]})
    first, second = invoice.lines.data
    changed = box.v1.invoices.update_lines(
        invoice.id,
        {"lines": [{"id": first.id, "amount": 1}, {"id": second.id, "amount": 2}], "invoice_metadata": {"done": "yes"}},
    )
    assert (changed.total, changed.to_dict()["metadata"]) == (3, {"done": "yes"})


def test_a_removed_line_is_deleted_or_becomes_pending_again(box: RunningSandbox, draft: Drafting) -> None:
    invoice = box.v1.invoices.add_lines(draft(100).id, {"lines": [{"amount": 200}]})
    first, second = invoice.lines.data
    emptied = box.v1.invoices.remove_lines(
        invoice.id,
        {"lines": [{"id": first.id, "behavior": "delete"}, {"id": second.id, "behavior": "unassign"}]},
    )
    assert (emptied.total, emptied.lines.data) == (0, [])
    (pending,) = box.v1.invoice_items.list({"pending": True}).data
    assert pending.amount == 200
    back = box.v1.invoices.add_lines(invoice.id, {"lines": [{"invoice_item": pending.id}]})
    assert back.total == 200


def test_a_failing_line_changes_nothing_at_all(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(100)
    before = box.event_types()
    with pytest.raises(stripe.InvalidRequestError):
        box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 200}, {"pricing": {"price": "price_none"}}]})
    assert box.v1.invoices.retrieve(invoice.id).total == 100
    assert box.event_types() == before


def test_discounts_come_before_taxes(box: RunningSandbox, customer: stripe.Customer) -> None:
    coupon = box.v1.coupons.create({"percent_off": 10})
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 20})
    invoice = box.v1.invoices.create(
        {"customer": customer.id, "discounts": [{"coupon": coupon.id}], "default_tax_rates": [rate.id]}
    )
    invoice = box.v1.invoices.add_lines(
        invoice.id, {"lines": [{"amount": 1000}, {"amount": 500, "discountable": False}]}
    )
    assert (invoice.subtotal, invoice.total, invoice.total_excluding_tax) == (1500, 1680, 1400)
    assert invoice.total_discount_amounts is not None
    assert [entry.amount for entry in invoice.total_discount_amounts] == [100]
    assert invoice.total_taxes is not None
    assert [(tax.amount, tax.taxable_amount, tax.tax_behavior) for tax in invoice.total_taxes] == [
        (280, 1400, "exclusive")
    ]


def test_an_inclusive_tax_does_not_raise_the_total(box: RunningSandbox, customer: stripe.Customer) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": True, "percentage": 19})
    invoice = box.v1.invoices.create({"customer": customer.id})
    invoice = box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 11900, "tax_rates": [rate.id]}]})
    assert (invoice.total, invoice.total_excluding_tax, invoice.subtotal_excluding_tax) == (11900, 10000, 10000)


def test_an_exempt_customer_pays_no_tax(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"tax_exempt": "reverse"})
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19})
    invoice = box.v1.invoices.create({"customer": customer.id, "default_tax_rates": [rate.id]})
    invoice = box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1000}]})
    assert invoice.total == 1000
    assert invoice.total_taxes is not None
    assert invoice.total_taxes[0].taxability_reason == "reverse_charge"


def test_an_amount_off_is_spread_to_the_last_cent(box: RunningSandbox, customer: stripe.Customer) -> None:
    coupon = box.v1.coupons.create({"amount_off": 100, "currency": "usd"})
    invoice = box.v1.invoices.create({"customer": customer.id, "discounts": [{"coupon": coupon.id}]})
    invoice = box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 333}] * 3})
    amounts = [line.discount_amounts[0].amount for line in invoice.lines.data if line.discount_amounts]
    assert (sum(amounts), invoice.total) == (100, 899)


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**8), min_size=1, max_size=50))
def test_a_spread_amount_is_never_lost_nor_exceeds_a_share(amount: int, weights: list[int]) -> None:
    shares = _spread(amount, weights)
    assert sum(shares) == min(amount, sum(weights))
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_tiers_are_counted_graduated_or_by_volume(box: RunningSandbox) -> None:
    tiers = "tiers[0][up_to]=10&tiers[0][unit_amount]=100&tiers[1][up_to]=inf&tiers[1][unit_amount]=50&tiers[1][flat_amount]=7"
    sent = f"currency=usd&product_data[name]=W&billing_scheme=tiered&{tiers}"
    graduated = box.post("/v1/prices", f"{sent}&tiers_mode=graduated&expand[]=tiers").json()
    volume = box.post("/v1/prices", f"{sent}&tiers_mode=volume&expand[]=tiers").json()
    assert amount_for({**graduated, "_tiers": graduated["tiers"]}, Decimal(12)) == 1107
    assert amount_for({**volume, "_tiers": volume["tiers"]}, Decimal(12)) == 607


def test_a_preview_shows_totals_and_keeps_nothing(box: RunningSandbox, customer: stripe.Customer) -> None:
    box.v1.invoice_items.create({"customer": customer.id, "amount": 100, "currency": "usd"})
    price = box.v1.prices.create({"currency": "usd", "unit_amount": 50, "product_data": {"name": "W"}})
    before = box.control("GET", "state")
    preview = box.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "invoice_items": [{"price": price.id, "quantity": 3}, {"amount": 5, "currency": "usd"}],
        }
    )
    assert preview.id.startswith("upcoming_in")
    assert (preview.total, preview.billing_reason, len(preview.lines.data)) == (255, "upcoming", 3)
    assert box.control("GET", "state") == before


def test_a_draft_mirrors_its_customers_balance(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(1000)
    box.v1.customers.update(str(invoice.customer), {"balance": -250})
    shown = box.v1.invoices.retrieve(invoice.id)
    assert (shown.starting_balance, shown.amount_due, shown.total) == (-250, 750, 1000)


def test_shipping_adds_to_the_total(box: RunningSandbox, customer: stripe.Customer) -> None:
    sent = "shipping_cost[shipping_rate_data][display_name]=Post&shipping_cost[shipping_rate_data][fixed_amount][amount]=300"
    sent += "&shipping_cost[shipping_rate_data][fixed_amount][currency]=usd"
    invoice = box.post("/v1/invoices", f"customer={customer.id}&{sent}").json()
    assert (invoice["amount_shipping"], invoice["total"]) == (300, 300)


def test_a_pending_item_changes_and_is_deleted_alone(box: RunningSandbox, customer: stripe.Customer) -> None:
    item = box.v1.invoice_items.create({"customer": customer.id, "amount": 100, "currency": "usd"})
    assert box.v1.invoice_items.update(item.id, {"quantity": 3}).amount == 300
    assert box.v1.invoice_items.update(item.id, {"unit_amount_decimal": Decimal("1.5")}).amount == 5
    assert box.v1.invoice_items.delete(item.id).deleted is True
    assert box.event_types()[-1] == "invoiceitem.deleted"


def test_an_item_deleted_from_a_draft_takes_its_line_along(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(100)
    box.v1.invoice_items.delete(box.v1.invoice_items.list({"invoice": invoice.id}).data[0].id)
    assert box.v1.invoices.retrieve(invoice.id).total == 0
    assert box.event_types()[-2:] == ["invoiceitem.deleted", "invoice.updated"]


def test_a_discounted_item_lowers_the_subtotal(box: RunningSandbox, draft: Drafting) -> None:
    coupon = box.v1.coupons.create({"percent_off": 25})
    invoice = draft(None, currency="usd")
    changed = box.v1.invoices.add_lines(
        invoice.id, {"lines": [{"amount": 1000, "discounts": [{"coupon": coupon.id}]}, {"amount": 500}]}
    )
    assert (changed.subtotal, changed.total) == (1250, 1250)
    line = changed.lines.data[0]
    plain = box.v1.invoices.line_items.update(invoice.id, line.id, {"discounts": ""})
    assert plain.discounts == []
    assert box.v1.invoices.retrieve(invoice.id).total == 1500


def test_taxes_may_be_given_as_amounts(box: RunningSandbox, draft: Drafting) -> None:
    rate: Any = {"display_name": "GST", "inclusive": False, "percentage": 5}
    tax: Any = {"amount": 50, "taxable_amount": 1000, "tax_rate_data": rate}
    changed = box.v1.invoices.add_lines(
        draft(None, currency="usd").id, {"lines": [{"amount": 1000, "tax_amounts": [tax]}]}
    )
    assert (changed.total, changed.total_excluding_tax) == (1050, 1000)
    again: Any = {"lines": [{"amount": 500, "tax_amounts": [{**tax, "amount": 25, "taxable_amount": 500}]}]}
    taxes = [line.taxes or [] for line in box.v1.invoices.add_lines(changed.id, again).lines.data]
    assert len({it.tax_rate_details and it.tax_rate_details.tax_rate for each in taxes for it in each}) == 1


STATED: Any = {"amount": 50, "taxable_amount": 1000,
               "tax_rate_data": {"display_name": "GST", "inclusive": False, "percentage": 5}}  # fmt: skip


@pytest.mark.parametrize("other", ["default", "line", "automatic"])
def test_stated_taxes_go_with_no_other_tax(box: RunningSandbox, draft: Drafting, other: str) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19}).id
    more: dict[str, Any] = {"default": {"default_tax_rates": [rate]}, "automatic": {"automatic_tax": {"enabled": True}}}
    invoice = draft(None, currency="usd", **more.get(other, {}))
    rated: list[Any] = [{"amount": 1, "tax_rates": [rate]}] if other == "line" else []
    with pytest.raises(stripe.InvalidRequestError, match="cannot set tax amounts"):
        box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1000, "tax_amounts": [STATED]}, *rated]})
    assert box.v1.invoices.retrieve(invoice.id).lines.data == []


@pytest.mark.parametrize("incompatible", ["rate", "negative"])
def test_automatic_tax_takes_no_rates_and_no_negative_items(
    box: RunningSandbox, draft: Drafting, incompatible: str
) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19}).id
    line: Any = {"rate": {"amount": 1, "tax_rates": [rate]}, "negative": {"amount": -1}}[incompatible]
    invoice = draft(1000, currency="usd", automatic_tax={"enabled": True})
    with pytest.raises(stripe.InvalidRequestError, match="automatic tax"):
        box.v1.invoices.add_lines(invoice.id, {"lines": [line]})


def test_an_archived_tax_rate_stays_but_is_not_added(box: RunningSandbox, draft: Drafting) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19}).id
    invoice = draft(1000, currency="usd", default_tax_rates=[rate])
    box.v1.tax_rates.update(rate, {"active": False})
    assert box.v1.invoices.update(invoice.id, {"default_tax_rates": [rate]}).total == 1190
    with pytest.raises(stripe.InvalidRequestError, match="archived") as caught:
        draft(1000, currency="usd", default_tax_rates=[rate])
    assert caught.value.param == "default_tax_rates"
    stated = box.v1.invoices.add_lines(
        draft(None, currency="usd").id, {"lines": [{"amount": 1000, "tax_amounts": [STATED]}]}
    )
    (tax,) = stated.total_taxes or []
    assert tax.tax_rate_details
    line: Any = {"amount": 1000, "tax_rates": [tax.tax_rate_details.tax_rate]}
    with pytest.raises(stripe.InvalidRequestError, match="archived"):
        box.v1.invoices.add_lines(draft(None, currency="usd").id, {"lines": [line]})


def test_a_period_does_not_end_before_it_starts(box: RunningSandbox, draft: Drafting) -> None:
    period: Any = {"start": 2, "end": 1}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.invoices.add_lines(draft(None, currency="usd").id, {"lines": [{"amount": 1, "period": period}]})
    assert caught.value.param == "period[end]"


def test_none_of_an_item_stays_none_at_another_price(box: RunningSandbox, customer: stripe.Customer) -> None:
    item = box.v1.invoice_items.create(
        {"customer": customer.id, "currency": "usd", "unit_amount_decimal": Decimal(5), "quantity": 0}
    )
    changed = box.v1.invoice_items.update(item.id, {"unit_amount_decimal": Decimal(7)})
    assert (changed.quantity, changed.amount) == (0, 0)


def test_a_coupon_in_another_currency_takes_nothing_off(box: RunningSandbox, customer: stripe.Customer) -> None:
    coupon = box.v1.coupons.create({"amount_off": 100, "currency": "eur"})
    draft = box.v1.invoices.create({"customer": customer.id, "currency": "usd", "discounts": [{"coupon": coupon.id}]})
    assert box.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 1000}]}).total == 1000


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "amount=1&unit_amount_decimal=1&currency=usd",
        "amount=1&quantity=2&currency=usd",
        "unit_amount_decimal=1&quantity=1&quantity_decimal=1&currency=usd",
        "unit_amount_decimal=1&quantity=-1&currency=usd",
        "pricing[price]=",
        "amount=1",
        "price_data[currency]=usd&price_data[product]=prod_none&price_data[unit_amount]=1",
    ],
)
def test_an_item_needs_exactly_one_way_of_costing_something(box: RunningSandbox, sent: str) -> None:
    nobody = box.v1.customers.create({})
    assert box.post("/v1/invoiceitems", f"customer={nobody.id}&{sent}").status_code == 400


def test_an_item_needs_a_customer(box: RunningSandbox, draft: Drafting) -> None:
    assert box.post("/v1/invoiceitems", f"invoice={draft().id}&amount=1").json()["error"]["param"] == "customer"


def test_quantities_may_be_transformed(box: RunningSandbox, customer: stripe.Customer) -> None:
    price = box.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 100,
            "product_data": {"name": "Pack"},
            "transform_quantity": {"divide_by": 6, "round": "up"},
        }
    )
    item = box.v1.invoice_items.create({"customer": customer.id, "pricing": {"price": price.id}, "quantity": 7})
    assert item.amount == 200


def test_a_preview_may_invent_its_customer_and_change_pending_items(
    box: RunningSandbox, customer: stripe.Customer
) -> None:
    address: Any = {"country": "IT"}
    invented = box.v1.invoices.create_preview(
        {
            "currency": "usd",
            "customer_details": {"address": address, "tax_exempt": "exempt"},
            "invoice_items": [{"unit_amount": 100, "quantity": 2}],
        }
    )
    assert (invented.total, invented.customer_tax_exempt) == (200, "exempt")
    item = box.v1.invoice_items.create({"customer": customer.id, "amount": 100, "currency": "usd"})
    changed = box.v1.invoices.create_preview(
        {"customer": customer.id, "invoice_items": [{"invoiceitem": item.id, "amount": 700, "currency": "usd"}]}
    )
    assert changed.total == 700
    assert box.v1.invoice_items.retrieve(item.id).amount == 100
    for sent in ("invoice_items[0][invoiceitem]=ii_none", "subscription=sub_1"):
        assert box.post("/v1/invoices/create_preview", f"customer={customer.id}&{sent}").status_code == 400
