"""Bank transfers: the cash balance, partial funding, reconciliation with invoices, refunds."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.test_payments import intent_of

BY_TRANSFER: Any = {
    "payment_method_types": ["customer_balance"],
    "payment_method_options": {
        "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
    },
}


def fund(box: RunningSandbox, customer: str, amount: int, **more: Any) -> stripe.CustomerCashBalanceTransaction:
    sent: Any = {"amount": amount, "currency": "usd", **more}
    return box.v1.test_helpers.customers.fund_cash_balance(customer, sent)


def cash(box: RunningSandbox, customer: str) -> dict[str, int]:
    available = box.get(f"/v1/customers/{customer}/cash_balance").json()["available"]
    return dict(available or {})


def moves(box: RunningSandbox, customer: str) -> list[tuple[str, int, int]]:
    found = box.v1.customers.cash_balance_transactions.list(customer).data
    return [(str(it.type), it.net_amount, it.ending_balance) for it in found[::-1]]


def waiting(box: RunningSandbox, customer: str, amount: int) -> stripe.PaymentIntent:
    sent: Any = {
        "amount": amount,
        "currency": "usd",
        "customer": customer,
        "confirm": True,
        "return_url": "https://example.com/",
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": BY_TRANSFER["payment_method_options"],
    }
    return box.v1.payment_intents.create(sent)


def remaining(intent: stripe.PaymentIntent) -> int | None:
    assert intent.next_action is not None
    shown = intent.next_action.display_bank_transfer_instructions
    assert shown is not None
    return shown.amount_remaining


def test_a_payment_says_where_to_send_the_money(box: RunningSandbox, customer: stripe.Customer) -> None:
    intent = waiting(box, customer.id, 1000)
    assert (intent.status, remaining(intent)) == ("requires_action", 1000)
    assert intent.next_action is not None
    shown = intent.next_action.display_bank_transfer_instructions
    assert shown is not None
    assert (shown.type, shown.currency, len(shown.reference or "")) == ("us_bank_transfer", "usd", 12)
    assert [address.type for address in shown.financial_addresses or []] == ["aba"]
    assert box.event_types()[-1] == "payment_intent.requires_action"


def test_money_in_parts_completes_a_payment(box: RunningSandbox, customer: stripe.Customer) -> None:
    intent = waiting(box, customer.id, 1000)
    fund(box, customer.id, 400)
    assert remaining(box.v1.payment_intents.retrieve(intent.id)) == 600
    assert cash(box, customer.id) == {}
    fund(box, customer.id, 700)
    done = box.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (done.status, done.amount_received, done.next_action) == ("succeeded", 1000, None)
    assert isinstance(done.latest_charge, stripe.Charge)
    assert done.latest_charge.payment_method_details is not None
    assert done.latest_charge.payment_method_details.type == "customer_balance"
    assert cash(box, customer.id) == {"usd": 100}
    assert moves(box, customer.id) == [
        ("funded", 400, 400),
        ("applied_to_payment", -400, 0),
        ("funded", 700, 700),
        ("applied_to_payment", -600, 100),
    ]
    told = [kind for kind in box.event_types() if kind.startswith(("cash", "payment_intent"))]
    assert told == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.partially_funded",
        "payment_intent.succeeded",
        "cash_balance.funds_available",
    ]


def test_money_that_is_there_pays_at_once(box: RunningSandbox, customer: stripe.Customer) -> None:
    fund(box, customer.id, 1500)
    assert waiting(box, customer.id, 1000).status == "succeeded"
    assert cash(box, customer.id) == {"usd": 500}


def test_an_invoice_is_paid_by_transfers(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000, payment_settings=BY_TRANSFER)
    payer, intent = str(invoice.customer), intent_of(invoice)
    assert remaining(box.v1.payment_intents.retrieve(intent)) == 5000
    fund(box, payer, 2000)
    assert box.v1.invoices.retrieve(invoice.id).status == "open"
    told = len(box.event_types())
    fund(box, payer, 3000)
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 5000, 0)
    assert {"payment_intent.succeeded", "invoice.paid", "invoice_payment.paid"} <= set(box.event_types()[told:])


def test_a_transfer_pays_an_invoice_that_offers_it_besides_cards(box: RunningSandbox, opened: Drafting) -> None:
    settings: Any = {**BY_TRANSFER, "payment_method_types": ["card", "customer_balance"]}
    invoice = opened(5000, payment_settings=settings)
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "requires_payment_method"
    fund(box, str(invoice.customer), 5000)
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_reference_then_the_amount_then_age_decide(box: RunningSandbox, opened: Drafting) -> None:
    first, second, third = (opened(amount, payment_settings=BY_TRANSFER) for amount in (1000, 2000, 3000))
    payer = str(first.customer)

    def statuses() -> list[str | None]:
        return [box.v1.invoices.retrieve(it.id).status for it in (first, second, third)]

    fund(box, payer, 2000)
    assert statuses() == ["open", "paid", "open"]
    action = box.v1.payment_intents.retrieve(intent_of(third)).next_action
    assert action is not None
    assert action.display_bank_transfer_instructions is not None
    fund(box, payer, 3000, reference=action.display_bank_transfer_instructions.reference)
    assert statuses() == ["open", "paid", "paid"]
    fund(box, payer, 400)
    assert remaining(box.v1.payment_intents.retrieve(intent_of(first))) == 600


def test_voiding_returns_what_was_sent(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000, payment_settings=BY_TRANSFER)
    payer = str(invoice.customer)
    fund(box, payer, 2000)
    assert box.v1.invoices.void_invoice(invoice.id).status == "void"
    assert cash(box, payer) == {"usd": 2000}
    assert moves(box, payer)[-1] == ("unapplied_from_payment", 2000, 2000)


@pytest.mark.parametrize(("credited", "left"), [(3000, 0), (3500, 500)])
def test_what_was_sent_may_cover_what_a_credit_note_leaves(
    box: RunningSandbox, opened: Drafting, credited: int, left: int
) -> None:
    invoice = opened(5000, payment_settings=BY_TRANSFER)
    fund(box, str(invoice.customer), 2000)
    box.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    assert remaining(box.v1.payment_intents.retrieve(intent_of(invoice))) == 2000
    box.v1.credit_notes.create({"invoice": invoice.id, "amount": credited - 1000})
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 5000 - credited, 0)
    assert cash(box, str(invoice.customer)) == ({"usd": left} if left else {})


def test_a_card_pays_what_transfers_began(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000, payment_settings=BY_TRANSFER)
    payer = str(invoice.customer)
    fund(box, payer, 2000)
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).amount_paid == 5000
    assert cash(box, payer) == {"usd": 2000}


def test_a_refund_goes_to_the_cash_balance(box: RunningSandbox, customer: stripe.Customer) -> None:
    intent = waiting(box, customer.id, 1000)
    fund(box, customer.id, 1000)
    refund = box.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert refund.destination_details is not None
    assert (refund.status, refund.destination_details.type) == ("succeeded", "customer_cash_balance")
    assert cash(box, customer.id) == {"usd": 300}
    assert moves(box, customer.id)[-1] == ("refunded_from_payment", 300, 300)


# By hand


def test_money_is_applied_by_hand_where_that_is_chosen(box: RunningSandbox, customer: stripe.Customer) -> None:
    cash_balance = box.v1.customers.cash_balance
    changed = cash_balance.update(customer.id, {"settings": {"reconciliation_mode": "manual"}})
    assert (changed.settings.reconciliation_mode, changed.settings.using_merchant_default) == ("manual", False)
    intent = waiting(box, customer.id, 1000)
    fund(box, customer.id, 1000)
    assert cash(box, customer.id) == {"usd": 1000}
    for amount in (0, 1001):
        with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
            box.v1.payment_intents.apply_customer_balance(intent.id, {"amount": amount})
    assert remaining(box.v1.payment_intents.apply_customer_balance(intent.id, {"amount": 400})) == 600
    assert box.v1.payment_intents.apply_customer_balance(intent.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="does not wait for a bank transfer"):
        box.v1.payment_intents.apply_customer_balance(intent.id)
    default = cash_balance.update(customer.id, {"settings": {"reconciliation_mode": "merchant_default"}})
    assert default.settings.using_merchant_default is True


# What cannot be


def test_what_has_no_bank_transfer_is_refused(box: RunningSandbox, customer: stripe.Customer) -> None:
    confirmed = "confirm=true&return_url=https://example.com/&amount=1000&payment_method_data[type]=customer_balance"
    wrong_type = "&payment_method_options[customer_balance][bank_transfer][type]=eu_bank_transfer"
    for form in (
        f"{confirmed}&currency=usd",
        f"{confirmed}&currency=jpy&customer={customer.id}",
        f"{confirmed}&currency=usd&customer={customer.id}{wrong_type}",
    ):
        assert box.post("/v1/payment_intents", form).status_code == 400
    for amount, currency in ((0, "usd"), (5, "jpy")):
        with pytest.raises(stripe.InvalidRequestError):
            fund(box, customer.id, amount, currency=currency)
    assert moves(box, customer.id) == []


@pytest.mark.parametrize(
    "path", ["customers/cus_none/cash_balance", "customers/{customer}/cash_balance_transactions/ccsbtxn_none"]
)
def test_an_unknown_id_is_missing(box: RunningSandbox, customer: stripe.Customer, path: str) -> None:
    assert box.get(f"/v1/{path.format(customer=customer.id)}").json()["error"]["code"] == "resource_missing"


def test_instructions_can_be_had_before_any_payment(box: RunningSandbox, customer: stripe.Customer) -> None:
    sent: Any = {
        "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}},
        "currency": "eur",
        "funding_type": "bank_transfer",
    }
    made = box.v1.customers.funding_instructions.create(customer.id, sent)
    assert (made.bank_transfer.country, made.bank_transfer.financial_addresses[0].type) == ("DE", "iban")
    shown = box.v1.customers.retrieve(customer.id, {"expand": ["cash_balance"]})
    assert shown.cash_balance is not None
    assert shown.cash_balance.available is None


def test_a_transfer_whose_answer_was_lost_counts_once(box: RunningSandbox, customer: stripe.Customer) -> None:
    path = f"/v1/test_helpers/customers/{customer.id}/fund_cash_balance"
    box.fault("drop_response", path, "POST", times=1)
    key = {"Idempotency-Key": "fund-1"}
    with pytest.raises(httpx.TransportError):
        box.post(path, "amount=500&currency=usd", **key)
    box.post(path, "amount=500&currency=usd", **key)
    assert cash(box, customer.id) == {"usd": 500}
