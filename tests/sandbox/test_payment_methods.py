"""Payment methods: attached, changed, renewed by their issuer and detached, each with its event."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def changes(box: RunningSandbox) -> list[tuple[str, dict[str, Any]]]:
    """The events about payment methods, oldest first, with what changed."""
    told = [event.to_dict() for event in box.v1.events.list({"type": "payment_method.*"}).data]
    return [(str(event["type"]), event["data"].get("previous_attributes", {})) for event in told[::-1]]


def test_each_change_of_a_card_is_told(box: RunningSandbox, customer: stripe.Customer) -> None:
    methods = box.v1.payment_methods
    card = methods.attach("pm_card_visa", {"customer": customer.id})
    assert card.card is not None
    old = {"exp_month": card.card.exp_month, "exp_year": card.card.exp_year}
    methods.update(card.id, {"card": {"exp_month": 3, "exp_year": 2040}, "billing_details": {"name": "Ada"}})
    renewed = box.control("POST", f"payment_methods/{card.id}/renew", exp_month=4, exp_year=2044)
    assert (renewed["card"]["exp_month"], renewed["card"]["exp_year"]) == (4, 2044)
    assert methods.detach(card.id).customer is None
    assert changes(box) == [
        ("payment_method.attached", {}),
        ("payment_method.updated", {"billing_details": {"name": None}, "card": old}),
        ("payment_method.automatically_updated", {"card": {"exp_month": 3, "exp_year": 2040}}),
        ("payment_method.detached", {"customer": customer.id}),
    ]


def test_a_bank_account_says_whose_it_is(box: RunningSandbox) -> None:
    account: Any = {"account_number": "000123456789", "routing_number": "110000000", "account_holder_type": "company"}
    made = box.v1.payment_methods.create({"type": "us_bank_account", "us_bank_account": account})
    assert made.us_bank_account is not None
    assert (made.us_bank_account.account_holder_type, made.us_bank_account.account_type) == ("company", "checking")
    changed = box.v1.payment_methods.update(made.id, {"us_bank_account": {"account_type": "savings"}})
    assert changed.us_bank_account is not None
    assert changed.us_bank_account.account_type == "savings"


def test_only_a_customers_card_is_renewed(box: RunningSandbox, customer: stripe.Customer) -> None:
    loose = box.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id
    debit = box.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": customer.id}).id
    for method in (loose, debit, "pm_none"):
        answer = box.http.post(f"/_sandbox/payment_methods/{method}/renew", json={"exp_year": 2044})
        assert answer.status_code in {400, 404}


def test_methods_are_listed_by_customer_and_type(box: RunningSandbox, customer: stripe.Customer) -> None:
    card = box.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    box.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": customer.id})
    assert [it.id for it in box.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data] == [card.id]
    assert box.get("/v1/payment_methods", customer="cus_none").json()["error"]["code"] == "resource_missing"
    refused = box.post("/v1/payment_methods", "type=card&card[token]=tok_visa&radar_options[session]=rse_1")
    assert (refused.status_code, refused.json()["error"]["code"]) == (501, "sandbox_not_simulated")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("4000002500000003", ("FR", "pass", None)),
        ("4000000000000101", ("US", "fail", None)),
        ("4000000000000010", ("US", "pass", "fail")),
        ("6205500000000000004", ("US", "pass", None)),
    ],
)
def test_stripes_cards_show_their_country_and_their_checks(
    box: RunningSandbox, number: str, shown: tuple[str, str, str | None]
) -> None:
    sent: Any = {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}}
    card = box.v1.payment_methods.create(sent).card
    assert card is not None
    assert card.checks is not None
    assert (card.country, card.checks.cvc_check, card.checks.address_line1_check) == shown
    assert card.last4 == number[-4:]


def test_a_card_that_is_set_up_already_asks_the_payer_alone(box: RunningSandbox, opened: Drafting) -> None:
    token = {"payment_method": "pm_card_authenticationRequiredSetupForOffSession"}
    first, second = opened(), opened()
    assert second.payments is not None
    asked = box.v1.payment_intents.confirm(str(second.payments.data[0].payment.payment_intent), token)  # type: ignore[arg-type]
    assert (box.v1.invoices.pay(first.id, token).status, asked.status) == ("paid", "requires_action")  # type: ignore[arg-type]


def test_a_card_may_be_refused_after_its_challenge(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    with pytest.raises(stripe.CardError):
        box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_threeDSecureRequiredChargeDeclined"})
    assert invoice.payments is not None
    intent = invoice.payments.data[0].payment.payment_intent
    error = box.control("POST", f"payment_intents/{intent}/authenticate")["last_payment_error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
