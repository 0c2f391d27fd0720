"""Money: what is discounted, applied, returned, overpaid, captured and rounded, to the last unit."""

import signal
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import PUBLISHABLE_KEY, RunningSandbox


def balance(box: RunningSandbox, customer: str) -> list[tuple[str, int, int]]:
    """Each entry of the customer's balance, oldest first: its type, its amount and what it left."""
    listed = box.v1.customers.balance_transactions.list(customer).data
    return [(str(it.type), it.amount, it.ending_balance) for it in reversed(listed)]


def product_and_price(box: RunningSandbox, amount: int, **more: Any) -> tuple[str, str]:
    product = box.v1.products.create({"name": "Widget"}).id
    sent: Any = {"product": product, "unit_amount": amount, "currency": "usd", **more}
    return product, box.v1.prices.create(sent).id


def intent_of(invoice: stripe.Invoice) -> str:
    assert invoice.payments is not None
    return str(invoice.payments.data[0].payment.payment_intent)


# The customer's balance


def test_voiding_returns_the_balance_that_was_applied(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    box.v1.customers.update(customer.id, {"balance": -300})
    invoice = box.v1.invoices.finalize_invoice(draft(1000, currency="usd").id)
    assert (invoice.amount_due, invoice.starting_balance, invoice.ending_balance) == (700, -300, 0)
    box.v1.invoices.void_invoice(invoice.id)
    assert box.v1.customers.retrieve(customer.id).balance == -300
    assert balance(box, customer.id) == [
        ("adjustment", -300, -300),
        ("applied_to_invoice", 300, 0),
        ("unapplied_from_invoice", -300, -300),
    ]


def test_voiding_returns_a_debt_too(box: RunningSandbox, customer: stripe.Customer, draft: Drafting) -> None:
    box.v1.customers.update(customer.id, {"balance": 250})
    invoice = box.v1.invoices.finalize_invoice(draft(1000, currency="usd").id)
    assert invoice.amount_due == 1250
    box.v1.invoices.void_invoice(invoice.id)
    assert box.v1.customers.retrieve(customer.id).balance == 250


def test_a_revision_takes_over_what_was_applied(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    box.v1.customers.update(customer.id, {"balance": -300})
    original = box.v1.invoices.finalize_invoice(draft(1000, currency="usd").id)
    revision = box.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": original.id}})
    assert (revision.starting_balance, revision.amount_due) == (-300, 700)
    final = box.v1.invoices.finalize_invoice(revision.id)
    assert (final.starting_balance, final.ending_balance, final.amount_due) == (-300, 0, 700)
    assert box.v1.invoices.retrieve(original.id).status == "void"
    assert box.v1.customers.retrieve(customer.id).balance == 0


def test_all_that_was_paid_elsewhere_is_counted(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    custom: Any = {"type": "custom", "custom": {"display_name": "Cheque"}}
    amount: Any = {"value": 300, "currency": "usd"}
    record = box.v1.payment_records.report_payment(
        {"amount_requested": amount, "initiated_at": 1, "payment_method_details": custom, "outcome": "guaranteed",
         "guaranteed": {"guaranteed_at": 1}}
    )  # fmt: skip
    box.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    paid = box.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 1000, 1000)


def test_an_overpayment_is_credited_to_the_customer(
    box: RunningSandbox, customer: stripe.Customer, opened: Drafting
) -> None:
    invoice = opened(1000)
    intents = [
        box.v1.payment_intents.create({"amount": 800, "currency": "usd", "customer": customer.id}).id for _ in range(2)
    ]
    for intent in intents:
        box.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent})
    for intent in intents:
        box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"})
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_overpaid, paid.amount_remaining) == ("paid", 1600, 600, 0)
    assert balance(box, customer.id) == [("invoice_overpaid", -600, -600)]
    assert "invoice.overpaid" in box.event_types()
    with pytest.raises(stripe.InvalidRequestError, match="greater than what can be credited"):
        box.v1.credit_notes.create({"invoice": invoice.id, "amount": 1001, "out_of_band_amount": 1001})


# Coupons and prices


def test_a_coupon_takes_off_the_products_it_applies_to_alone(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    product, price = product_and_price(box, 1000)
    _, other = product_and_price(box, 5000)
    coupon = box.v1.coupons.create({"percent_off": 50, "applies_to": {"products": [product]}, "expand": ["applies_to"]})
    assert coupon.applies_to is not None
    assert coupon.applies_to.products == [product]
    invoice = draft(None, discounts=[{"coupon": coupon.id}])
    lines: Any = [{"pricing": {"price": price}, "quantity": 2}, {"pricing": {"price": other}}]
    invoice = box.v1.invoices.add_lines(invoice.id, {"lines": lines})
    assert (invoice.subtotal, invoice.total) == (7000, 6000)
    discount = str(invoice.discounts[0])
    assert [[it.amount for it in line.discount_amounts or []] for line in invoice.lines.data] == [[1000], []]
    shown = [[it.to_dict() for it in line.pretax_credit_amounts or []] for line in invoice.lines.data]
    assert shown == [[{"amount": 1000, "discount": discount, "type": "discount"}], []]
    assert invoice.total_pretax_credit_amounts is not None
    assert [it.to_dict() for it in invoice.total_pretax_credit_amounts] == shown[0]


def test_a_coupon_that_applies_to_an_unknown_product_is_refused(box: RunningSandbox) -> None:
    answer = box.post("/v1/coupons", "percent_off=5&applies_to[products][0]=prod_none")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "resource_missing")


def test_a_coupon_takes_off_its_amount_in_the_invoices_currency(box: RunningSandbox, draft: Drafting) -> None:
    options: Any = {"eur": {"amount_off": 400}}
    coupon = box.v1.coupons.create({"amount_off": 500, "currency": "usd", "currency_options": options})
    invoice = draft(1000, currency="eur", discounts=[{"coupon": coupon.id}])
    assert invoice.total == 600
    expanded: Any = box.v1.coupons.retrieve(coupon.id, {"expand": ["currency_options"]}).currency_options
    assert {name: option["amount_off"] for name, option in expanded.to_dict().items()} == {"usd": 500, "eur": 400}


def test_a_price_costs_what_it_says_in_the_invoices_currency(box: RunningSandbox, draft: Drafting) -> None:
    _, price = product_and_price(box, 1000, currency_options={"eur": {"unit_amount": 900}})
    invoice = draft(None, currency="eur")
    line: Any = {"pricing": {"price": price}, "quantity": 3}
    invoice = box.v1.invoices.add_lines(invoice.id, {"lines": [line]})
    assert invoice.total == 2700
    changed: Any = {"lines": [{"id": invoice.lines.data[0].id, "quantity": 2}]}
    assert box.v1.invoices.update_lines(invoice.id, changed).total == 1800
    expanded: Any = box.v1.prices.retrieve(price, {"expand": ["currency_options"]}).currency_options
    assert {name: option["unit_amount"] for name, option in expanded.to_dict().items()} == {"usd": 1000, "eur": 900}
    with pytest.raises(stripe.InvalidRequestError, match="only supports `usd`"):
        box.v1.invoices.add_lines(draft(None, currency="gbp").id, {"lines": [line]})


def test_shipping_costs_what_its_rate_says_in_the_invoices_currency(box: RunningSandbox, draft: Drafting) -> None:
    fixed: Any = {"amount": 700, "currency": "usd", "currency_options": {"eur": {"amount": 600}}}
    cost = {"shipping_rate_data": {"display_name": "Post", "fixed_amount": fixed}}
    invoice = draft(1000, currency="eur", shipping_cost=cost)
    assert (invoice.amount_shipping, invoice.total) == (600, 1600)
    with pytest.raises(stripe.InvalidRequestError, match="only supports `usd`"):
        draft(1000, currency="gbp", shipping_cost=cost)


# Manual capture


def authorized(box: RunningSandbox, amount: int = 1000, **more: Any) -> stripe.PaymentIntent:
    sent: Any = {"amount": amount, "currency": "usd", "capture_method": "manual", "confirm": True, "return_url": "https://example.com/",
                 "payment_method": "pm_card_visa", **more}  # fmt: skip
    return box.v1.payment_intents.create(sent)


def charge_of(box: RunningSandbox, intent: stripe.PaymentIntent) -> stripe.Charge:
    return box.v1.charges.retrieve(str(intent.latest_charge))


def test_manual_capture_holds_the_money_first(box: RunningSandbox) -> None:
    intent = authorized(box)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 1000, 0)
    charge = charge_of(box, intent)
    assert (charge.paid, charge.captured, charge.amount_captured, charge.balance_transaction) == (True, False, 0, None)
    assert box.event_types()[-2:] == ["charge.succeeded", "payment_intent.amount_capturable_updated"]


def test_a_capture_takes_the_money_in_part(box: RunningSandbox) -> None:
    intent = authorized(box)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1001})
    assert caught.value.code == "amount_too_large"
    captured = box.v1.payment_intents.capture(intent.id, {"amount_to_capture": 600})
    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 600)
    charge = charge_of(box, intent)
    assert (charge.captured, charge.amount_captured) == (True, 600)
    entry = box.v1.balance_transactions.retrieve(str(charge.balance_transaction))
    assert entry.amount == 600
    assert box.event_types()[-3:] == ["charge.captured", "payment_intent.succeeded", "charge.updated"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.payment_intents.capture(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_canceling_releases_an_authorization(box: RunningSandbox) -> None:
    intent = authorized(box)
    canceled = box.v1.payment_intents.cancel(intent.id)
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
    assert charge_of(box, intent).refunded is True


def test_an_authorization_ends_after_seven_days(box: RunningSandbox) -> None:
    intent = authorized(box)
    box.advance(7 * 86_400 - 60)
    assert box.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    box.advance(120)
    assert box.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert "charge.expired" in box.event_types()


def test_a_captured_payment_pays_its_invoice(box: RunningSandbox, customer: stripe.Customer, opened: Drafting) -> None:
    invoice = opened(1000)
    intent = authorized(box, customer=customer.id)
    box.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
    assert box.v1.invoices.retrieve(invoice.id).status == "open"
    box.v1.payment_intents.capture(intent.id)
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_capture_whose_answer_was_lost_took_the_money_once(box: RunningSandbox) -> None:
    intent = authorized(box)
    box.fault("drop_response", "/v1/payment_intents/*/capture", times=1)
    client = box.client_with("sk_test_sandbox", max_network_retries=2)
    captured = client.v1.payment_intents.capture(intent.id)
    assert (captured.status, captured.amount_received) == ("succeeded", 1000)
    assert box.event_types().count("charge.captured") == 1


@pytest.mark.parametrize("kind", ["status", "drop_request", "timeout"])
def test_a_capture_that_never_arrived_takes_nothing(box: RunningSandbox, kind: str) -> None:
    intent = authorized(box)
    more: Any = {"delay_ms": 50} if kind == "timeout" else {}
    box.fault(kind, "/v1/payment_intents/*/capture", times=1, **more)
    with pytest.raises(stripe.StripeError):
        box.v1.payment_intents.capture(intent.id)
    assert box.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    assert box.v1.payment_intents.capture(intent.id).amount_received == 1000


def test_an_authorization_survives_death(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    first = RunningSandbox(*state)
    intent = authorized(first)
    first.stop(signal.SIGKILL)
    second = RunningSandbox(*state)
    try:
        assert second.v1.payment_intents.capture(intent.id, {"amount_to_capture": 300}).amount_received == 300
        assert second.violations() == []
    finally:
        second.stop()


def test_a_bank_debit_cannot_be_captured_manually(box: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="captured manually"):
        authorized(box, payment_method="pm_usBankAccount_success")


# Confirmation


def test_manual_confirmation_asks_the_server_again_after_authentication(box: RunningSandbox) -> None:
    intent = authorized(
        box, capture_method="automatic", confirmation_method="manual", payment_method="pm_card_threeDSecure2Required"
    )
    assert intent.status == "requires_action"
    box.control("POST", f"payment_intents/{intent.id}/authenticate")
    assert box.v1.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    refused = box.post(
        f"/v1/payment_intents/{intent.id}/confirm", f"client_secret={intent.client_secret}", key=PUBLISHABLE_KEY
    )
    assert (refused.status_code, "publishable" in refused.json()["error"]["message"]) == (400, True)
    assert box.v1.payment_intents.confirm(intent.id).status == "succeeded"


def test_three_d_secure_can_be_asked_for(box: RunningSandbox) -> None:
    options = {"card": {"request_three_d_secure": "any"}}
    intent = authorized(box, capture_method="automatic", payment_method_options=options)
    assert intent.status == "requires_action"
    with pytest.raises(stripe.CardError) as caught:
        authorized(box, capture_method="automatic", payment_method_options=options, error_on_requires_action=True)
    assert caught.value.code == "authentication_required"


def test_other_types_than_the_allowed_ones_are_refused(box: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="not allowed"):
        authorized(box, capture_method="automatic", allowed_payment_method_types=["us_bank_account"])


def test_a_charge_carries_what_its_payment_says(box: RunningSandbox) -> None:
    shipping = {"name": "Ada", "address": {"line1": "1 Road", "city": "Rome", "country": "IT"}}
    intent = authorized(
        box, capture_method="automatic", metadata={"order": "1"}, receipt_email="a@b.example", shipping=shipping,
        statement_descriptor_suffix="ORDER", transfer_group="group",
    )  # fmt: skip
    charge = charge_of(box, intent)
    assert charge.metadata.to_dict() == {"order": "1"}
    assert charge.shipping is not None
    assert (charge.receipt_email, charge.shipping.name) == ("a@b.example", "Ada")
    assert (charge.statement_descriptor_suffix, charge.transfer_group) == ("ORDER", "group")


@pytest.mark.parametrize(
    "sent", ["transfer_data[destination]=acct_1", "application_fee_amount=5", "on_behalf_of=acct_1"]
)
def test_what_connect_would_do_with_the_money_is_refused(box: RunningSandbox, sent: str) -> None:
    answer = box.post("/v1/payment_intents", f"amount=1000&currency=usd&{sent}")
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "sandbox_not_simulated"


# Currencies


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (0, "usd", "parameter_invalid_integer"),
        (49, "usd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1_000_000_000_000, "idr", "amount_too_large"),
        (1050, "isk", "invalid_charge_amount_no_decimal_compatible"),
        (1050, "ugx", "invalid_charge_amount_no_decimal_compatible"),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused(
    box: RunningSandbox, amount: int, currency: str, code: str
) -> None:
    for path, more in (("/v1/payment_intents", "currency"), (f"/v1/payment_intents/{held(box, currency)}", "")):
        sent = f"amount={amount}" + (f"&{more}={currency}" if more else "")
        assert box.post(path, sent).json()["error"]["code"] == code


def held(box: RunningSandbox, currency: str) -> str:
    return box.v1.payment_intents.create({"amount": 10_000, "currency": currency}).id


def test_the_largest_amounts_are_taken(box: RunningSandbox) -> None:
    for amount, currency in ((99_999_999, "usd"), (999_999_999_999, "idr"), (100, "isk")):
        assert box.v1.payment_intents.create({"amount": amount, "currency": currency}).amount == amount


@pytest.mark.parametrize(("amount", "due", "left"), [(1049, 1000, 49), (1050, 1100, -50), (1000, 1000, 0)])
def test_whole_units_are_charged_and_the_rest_is_booked_to_the_balance(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting, amount: int, due: int, left: int
) -> None:
    invoice = box.v1.invoices.finalize_invoice(draft(amount, currency="isk").id)
    assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (amount, due, left)
    assert box.v1.customers.retrieve(customer.id).balance == left
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).amount_paid == due


def test_tax_is_rounded_to_whole_units(box: RunningSandbox, draft: Drafting) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 24})
    invoice = draft(1100, currency="isk", default_tax_rates=[rate.id])
    assert invoice.total_taxes is not None
    assert [tax.amount for tax in invoice.total_taxes] == [300]
