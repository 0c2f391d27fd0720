"""Payments: every test method's outcome, 3-D Secure, bank debits, Stripe.js's calls, refunds."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe

from offline_stripe.billing.test_methods import TEST_METHODS
from tests.sandbox.conftest import Drafting
from tests.sandbox.process import PUBLISHABLE_KEY, RunningSandbox


def intent_of(invoice: stripe.Invoice) -> str:
    assert invoice.payments is not None
    return str(invoice.payments.data[0].payment.payment_intent)


def secret_of(box: RunningSandbox, invoice: stripe.Invoice) -> str:
    shown = box.v1.invoices.retrieve(invoice.id, {"expand": ["confirmation_secret"]})
    assert shown.confirmation_secret is not None
    return shown.confirmation_secret.client_secret


DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
]


@pytest.mark.parametrize(("token", "code", "decline_code"), DECLINES)
def test_a_declining_card_is_a_402_that_leaves_the_invoice_open(
    box: RunningSandbox, opened: Drafting, token: str, code: str, decline_code: str
) -> None:
    invoice = opened()
    with pytest.raises(stripe.CardError) as caught:
        box.v1.invoices.pay(invoice.id, {"payment_method": token})
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.attempted, after.attempt_count, after.amount_paid) == ("open", True, 1, 0)
    charge = box.v1.charges.retrieve(str(error.charge))
    assert (charge.status, charge.failure_code, charge.paid) == ("failed", code, False)


@pytest.mark.parametrize("token", [m.token for m in TEST_METHODS if m.outcome == "succeeds"])
def test_a_good_card_pays(box: RunningSandbox, opened: Drafting, token: str) -> None:
    invoice = box.v1.invoices.pay(opened(1234).id, {"payment_method": token, "expand": ["payments"]})
    assert (invoice.status, invoice.amount_paid, invoice.attempt_count) == ("paid", 1234, 1)
    intent = box.v1.payment_intents.retrieve(intent_of(invoice), {"expand": ["latest_charge.balance_transaction"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.latest_charge.paid, intent.latest_charge.amount_captured) == (True, 1234)
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    entry = intent.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net) == (1234, 66, 1168)


def test_manual_attempts_after_the_first_do_not_count(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    for _ in range(3):
        with pytest.raises(stripe.CardError):
            box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"})
    assert box.v1.invoices.retrieve(invoice.id).attempt_count == 1
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).attempt_count == 1


def test_paying_without_any_payment_method_is_refused(box: RunningSandbox, opened: Drafting) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source or default payment method"):
        box.v1.invoices.pay(opened().id)


def test_an_invoice_is_paid_only_with_its_customers_method(box: RunningSandbox, opened: Drafting) -> None:
    stranger = box.v1.customers.create({"payment_method": "pm_card_visa"})
    method = box.v1.customers.payment_methods.list(stranger.id).data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        box.v1.invoices.pay(opened().id, {"payment_method": method})


def test_pay_takes_the_invoices_own_default_before_the_customers(
    box: RunningSandbox, customer: stripe.Customer
) -> None:
    box.v1.customers.update(
        customer.id,
        {"invoice_settings": {"default_payment_method": _attach(box, customer, "pm_card_chargeCustomerFail")}},
    )
    draft = box.v1.invoices.create(
        {"customer": customer.id, "default_payment_method": _attach(box, customer, "pm_card_visa")}
    )
    box.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 1000}]})
    assert box.v1.invoices.pay(draft.id).status == "paid"


def _attach(box: RunningSandbox, customer: stripe.Customer, token: str) -> str:
    return box.v1.payment_methods.attach(token, {"customer": customer.id}).id


# 3-D Secure


@pytest.mark.parametrize("token", ["pm_card_threeDSecure2Required", "pm_card_authenticationRequired"])
def test_a_card_that_authenticates_asks_for_action(box: RunningSandbox, opened: Drafting, token: str) -> None:
    invoice = opened()
    with pytest.raises(stripe.CardError) as caught:
        box.v1.invoices.pay(invoice.id, {"payment_method": token})
    assert (caught.value.http_status, caught.value.code) == (402, "invoice_payment_intent_requires_action")
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.attempted, after.attempt_count) == ("open", True, 0)
    passed = box.control("POST", f"payment_intents/{intent_of(invoice)}/authenticate", outcome="succeed")
    assert passed["status"] == "succeeded"
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_an_off_session_decline_can_be_switched_on(box: RunningSandbox, opened: Drafting) -> None:
    box.switch(invoice_authentication_declines=True)
    with pytest.raises(stripe.CardError) as caught:
        box.v1.invoices.pay(opened().id, {"payment_method": "pm_card_authenticationRequired"})
    assert caught.value.code == "authentication_required"


def test_a_failed_challenge_asks_for_another_method(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    intent = intent_of(invoice)
    box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_threeDSecure2Required"})
    box.control("POST", f"payment_intents/{intent}/authenticate", outcome="fail")
    after = box.v1.payment_intents.retrieve(intent)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_card_set_up_once_is_not_challenged_again(
    box: RunningSandbox, customer: stripe.Customer, opened: Drafting
) -> None:
    method = _attach(box, customer, "pm_card_authenticationRequiredOnSetup")
    first = opened()
    with pytest.raises(stripe.CardError):
        box.v1.invoices.pay(first.id, {"payment_method": method})
    box.control("POST", f"payment_intents/{intent_of(first)}/authenticate")
    assert box.v1.invoices.pay(opened().id, {"payment_method": method}).status == "paid"


def test_the_challenge_page_leads_back_with_stripes_parameters(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    back = "http://shop.example/done?order=1"
    intent = box.v1.payment_intents.confirm(
        intent_of(invoice), {"payment_method": "pm_card_threeDSecure2Required", "return_url": back}
    )
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    url = str(intent.next_action.redirect_to_url.url)
    assert "3D Secure" in box.http.get(url).text
    answer = box.http.post(url, content="outcome=succeed")
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query == {
        "order": ["1"],
        "payment_intent": [intent.id],
        "payment_intent_client_secret": [intent.client_secret],
        "redirect_status": ["succeeded"],
    }
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"
    assert box.http.get(url).status_code == 404


# Bank debits


def test_a_bank_debit_processes_and_settles_on_the_clock(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    intent = intent_of(invoice)
    assert box.v1.payment_intents.confirm(intent, {"payment_method": "pm_usBankAccount_success"}).status == "processing"
    assert box.v1.invoices.retrieve(invoice.id).status == "open"
    box.advance(60)
    assert box.v1.payment_intents.retrieve(intent).status == "succeeded"
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (m.token, m.kind)
        for m in TEST_METHODS
        if m.outcome in {"debit_insufficient_funds", "debit_account_closed", "debit_no_account", "debit_not_authorized"}
    ],
)
def test_a_bank_debit_that_fails_leaves_the_invoice_open(
    box: RunningSandbox, opened: Drafting, token: str, kind: str
) -> None:
    currency = "eur" if kind == "sepa_debit" else "usd"
    payer = box.v1.customers.create({"email": "payer@example.com"})
    invoice = opened(customer=payer.id, currency=currency, payment_settings={"payment_method_types": [kind]})
    intent = intent_of(invoice)
    box.v1.payment_intents.confirm(intent, {"payment_method": token})
    box.advance(60)
    failed = box.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    assert failed.status == "requires_payment_method"
    assert isinstance(failed.latest_charge, stripe.Charge)
    assert failed.latest_charge.status == "failed"
    assert box.v1.invoices.retrieve(invoice.id).status == "open"


def test_a_debit_that_stays_is_ended_by_control_calls(box: RunningSandbox, opened: Drafting) -> None:
    first, second = opened(), opened()
    for invoice in (first, second):
        box.v1.payment_intents.confirm(intent_of(invoice), {"payment_method": "pm_usBankAccount_processing"})
    box.advance(86_400 * 20)
    assert box.v1.payment_intents.retrieve(intent_of(first)).status == "processing"
    box.control("POST", f"payment_intents/{intent_of(first)}/settle")
    box.control("POST", f"payment_intents/{intent_of(second)}/fail", outcome="debit_account_closed")
    assert box.v1.invoices.retrieve(first.id).status == "paid"
    assert box.v1.invoices.retrieve(second.id).status == "open"
    error = box.v1.payment_intents.retrieve(intent_of(second)).last_payment_error
    assert error is not None
    assert error.code == "bank_account_unusable"


def test_an_invoice_being_paid_by_debit_is_not_paid_twice(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.payment_intents.confirm(intent_of(invoice), {"payment_method": "pm_usBankAccount_processing"})
    with pytest.raises(stripe.InvalidRequestError, match="already being processed"):
        box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    for act in (box.v1.invoices.void_invoice, box.v1.invoices.mark_uncollectible):
        with pytest.raises(stripe.InvalidRequestError, match="`processing` payments cannot be"):
            act(invoice.id)
    box.switch(processing_can_be_voided=True)
    box.v1.invoices.void_invoice(invoice.id)
    box.control("POST", f"payment_intents/{intent_of(invoice)}/settle")
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "succeeded"
    assert box.v1.invoices.retrieve(invoice.id).status == "void"


@pytest.mark.parametrize(("ends", "over", "status"), [("settle", 2000, "succeeded"), ("fail", 0, "canceled")])
def test_a_debit_goes_on_although_its_invoice_was_paid_elsewhere(
    box: RunningSandbox, opened: Drafting, ends: str, over: int, status: str
) -> None:
    invoice = opened(2000)
    box.v1.payment_intents.confirm(intent_of(invoice), {"payment_method": "pm_usBankAccount_processing"})
    box.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "processing"
    box.control("POST", f"payment_intents/{intent_of(invoice)}/{ends}")
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == status
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.amount_overpaid, "invoice.payment_failed" in box.event_types()) == ("paid", over, False)


# Stripe.js


def _card_form(number: str, secret: str, **more: str) -> str:
    card = f"payment_method_data[card][number]={number}&payment_method_data[card][exp_month]=12"
    card += "&payment_method_data[card][exp_year]=40&payment_method_data[card][cvc]=123"
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"payment_method_data[type]=card&{card}&client_secret={secret}{rest}"


def test_stripe_js_confirms_with_a_publishable_key_and_the_secret(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.invoices.update(invoice.id, {"metadata": {"private": "x"}})
    path = f"/v1/payment_intents/{intent_of(invoice)}/confirm"
    form = _card_form("4242424242424242", secret_of(box, invoice), key=PUBLISHABLE_KEY, return_url="http://x.example/")
    answer = box.post(path, form, key=None)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert not {"metadata", "customer", "amount_received", "latest_charge"} & answer.json().keys()
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_stripe_js_reads_a_payment_intent_only_with_its_secret(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    path = f"/v1/payment_intents/{intent_of(invoice)}"
    right = box.get(path, key=PUBLISHABLE_KEY, client_secret=secret_of(box, invoice))
    assert right.json()["status"] == "requires_payment_method"
    assert box.get(path, key=PUBLISHABLE_KEY).json()["error"]["param"] == "client_secret"
    assert box.get(path, key=PUBLISHABLE_KEY, client_secret="pi_x_secret_y").status_code == 400


@pytest.mark.parametrize(
    ("number", "code"), [("4000000000000002", "card_declined"), ("4000000000000069", "expired_card")]
)
def test_a_declined_card_number_shows_the_browser_no_private_data(
    box: RunningSandbox, opened: Drafting, number: str, code: str
) -> None:
    invoice = opened()
    path = f"/v1/payment_intents/{intent_of(invoice)}/confirm"
    answer = box.post(path, _card_form(number, secret_of(box, invoice)), key=PUBLISHABLE_KEY)
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, code)
    assert "metadata" not in error["payment_intent"]
    logged = str(box.requests())
    assert number not in logged
    assert secret_of(box, invoice) not in logged


def test_with_use_stripe_sdk_the_browser_itself_handles_the_challenge(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    form = _card_form(
        "4000000000003220", secret_of(box, invoice), use_stripe_sdk="true", return_url="http://x.example/"
    )
    answer = box.post(f"/v1/payment_intents/{intent_of(invoice)}/confirm", form, key=PUBLISHABLE_KEY).json()
    assert answer["next_action"]["type"] == "use_stripe_sdk"
    assert box.http.get(answer["next_action"]["use_stripe_sdk"]["stripe_js"]).status_code == 200


# The intent of an invoice is the invoice's


def test_an_invoices_intent_cannot_be_canceled_or_repriced(box: RunningSandbox, opened: Drafting) -> None:
    intent = intent_of(opened())
    with pytest.raises(stripe.InvalidRequestError):
        box.v1.payment_intents.cancel(intent)
    with pytest.raises(stripe.InvalidRequestError):
        box.v1.payment_intents.update(intent, {"amount": 5})
    assert box.v1.payment_intents.update(intent, {"description": "ok"}).description == "ok"


@pytest.mark.parametrize("end", ["void", "paid_out_of_band"])
def test_a_closed_invoices_intent_cannot_be_paid(box: RunningSandbox, opened: Drafting, end: str) -> None:
    invoice = opened()
    if end == "void":
        box.v1.invoices.void_invoice(invoice.id)
    else:
        box.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.payment_intents.confirm(intent_of(invoice), {"payment_method": "pm_card_visa"})
    assert caught.value.code == "payment_intent_unexpected_state"


def test_confirming_twice_is_refused_in_stripes_words(box: RunningSandbox, opened: Drafting) -> None:
    intent = intent_of(opened())
    box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})


def test_an_intent_without_an_invoice_can_be_made_and_canceled(box: RunningSandbox) -> None:
    intent = box.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    assert box.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.payment_intents.create({"amount": 49, "currency": "usd"})
    assert caught.value.code == "amount_too_small"


def test_invoice_payments_lead_from_an_intent_to_its_invoice(box: RunningSandbox, opened: Drafting) -> None:
    invoice, _ = opened(), opened()
    intent = intent_of(invoice)
    found = box.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent}}).data
    assert [(payment.invoice, payment.status, payment.amount_requested) for payment in found] == [
        (invoice.id, "open", 1000)
    ]
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    paid = box.v1.invoice_payments.retrieve(found[0].id)
    assert (paid.status, paid.amount_paid, paid.is_default) == ("paid", 1000, True)
    assert [payment.id for payment in box.v1.invoice_payments.list({"status": "paid"}).data] == [paid.id]


# Refunds and credit notes


def test_refunds_add_up_and_never_exceed_the_charge(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    intent = intent_of(invoice)
    assert box.v1.refunds.create({"payment_intent": intent, "amount": 400}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        box.v1.refunds.create({"payment_intent": intent, "amount": 601})
    assert box.v1.refunds.create({"payment_intent": intent, "reason": "duplicate"}).amount == 600
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"
    (charge,) = box.v1.charges.list({"payment_intent": intent, "expand": ["data.refunds"]}).data
    assert (charge.refunded, charge.amount_refunded, charge.refunds and len(charge.refunds.data)) == (True, 1000, 2)
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_credit_note_reduces_what_remains_first(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    note = box.v1.credit_notes.create({"invoice": invoice.id, "amount": 300})
    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("pre_payment", 300, 0)
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.amount_remaining, after.pre_payment_credit_notes_amount) == ("open", 700, 300)
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).amount_paid == 700


def test_crediting_an_open_invoice_in_full_closes_it(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    box.v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "canceled"


def test_a_voided_credit_note_gives_the_amount_back(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    note = box.v1.credit_notes.create({"invoice": invoice.id, "amount": 300})
    assert box.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert box.v1.invoices.retrieve(invoice.id).amount_remaining == 1000


def test_crediting_a_paid_invoice_must_say_where_the_money_goes(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        box.v1.credit_notes.create({"invoice": invoice.id, "amount": 500})
    note = box.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 500, "refund_amount": 300, "credit_amount": 200}
    )
    assert (note.type, note.post_payment_amount, len(note.refunds)) == ("post_payment", 500, 1)
    assert box.v1.customers.retrieve(str(invoice.customer)).balance == -200
    with pytest.raises(stripe.InvalidRequestError, match="greater than what can be credited"):
        box.v1.credit_notes.create({"invoice": invoice.id, "amount": 501, "refund_amount": 501})


def test_a_credit_note_may_name_lines_and_quantities(box: RunningSandbox, customer: stripe.Customer) -> None:
    draft = box.v1.invoices.create({"customer": customer.id})
    invoice = box.v1.invoices.add_lines(
        draft.id,
        {
            "lines": [
                {"price_data": {"currency": "usd", "unit_amount": 500, "product_data": {"name": "W"}}, "quantity": 4}
            ]
        },
    )
    box.v1.invoices.finalize_invoice(draft.id)
    note = box.v1.credit_notes.create(
        {
            "invoice": draft.id,
            "lines": [
                {
                    "type": "invoice_line_item",
                    "invoice_line_item": invoice.lines.data[0].id,
                    "quantity": 1,
                    "tax_rates": "",
                },
                {"type": "custom_line_item", "description": "Sorry", "quantity": 1, "unit_amount": 50},
            ],
        }
    )
    assert (note.total, [line.amount for line in note.lines.data]) == (550, [500, 50])
    assert len(box.v1.credit_notes.line_items.list(note.id).data) == 2
    preview = box.v1.credit_notes.preview({"invoice": draft.id, "amount": 100})
    assert (preview.total, len(box.v1.credit_notes.list({"invoice": draft.id}).data)) == (100, 1)


def test_a_credit_note_sums_up_the_taxes_of_its_lines(box: RunningSandbox, draft: Drafting) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 10}).id
    invoice = box.v1.invoices.add_lines(
        draft(1000, currency="usd", default_tax_rates=[rate]).id, {"lines": [{"amount": 3000}]}
    )
    box.v1.invoices.finalize_invoice(invoice.id)
    lines: Any = [
        {"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 500} for line in invoice.lines.data
    ]
    (tax,) = box.v1.credit_notes.create({"invoice": invoice.id, "lines": lines}).total_taxes or []
    assert (tax.amount, tax.taxable_amount) == (100, 1000)


# Reading and changing what a payment leaves behind


def test_charges_and_refunds_are_listed_searched_and_annotated(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    (charge,) = box.v1.charges.list({"customer": str(invoice.customer)}).data
    annotated = box.v1.charges.update(charge.id, {"description": "x", "metadata": {"a": "b"}}).to_dict()
    assert (annotated["description"], annotated["metadata"]) == ("x", {"a": "b"})
    assert [
        found.id
        for found in box.v1.charges.search(
            {"query": "status:'SUCCEEDED' AND payment_method_details.card.last4:4242"}
        ).data
    ] == [charge.id]
    refund = box.v1.refunds.create({"charge": charge.id, "amount": 1, "metadata": {"a": "b"}})
    assert box.v1.refunds.update(refund.id, {"metadata": {"a": ""}}).to_dict()["metadata"] == {}
    assert [found.id for found in box.v1.refunds.list({"charge": charge.id}).data] == [refund.id]
    assert box.v1.refunds.retrieve(refund.id).payment_intent == intent_of(invoice)
    with pytest.raises(stripe.InvalidRequestError, match="cannot cancel a refund"):
        box.v1.refunds.cancel(refund.id)


@pytest.mark.parametrize("sent", ["", "amount=0&charge={charge}", "payment_intent={unpaid}", "charge={failed}"])
def test_a_refund_needs_something_to_refund(box: RunningSandbox, opened: Drafting, sent: str) -> None:
    paid, unpaid = opened(), opened()
    box.v1.invoices.pay(paid.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.CardError):
        box.v1.invoices.pay(unpaid.id, {"payment_method": "pm_card_chargeDeclined"})
    failed, charge = box.v1.charges.list().data
    filled = sent.format(charge=charge.id, failed=failed.id, unpaid=intent_of(unpaid))
    assert box.post("/v1/refunds", filled).status_code == 400


def test_a_bank_debit_is_refunded_to_the_bank(box: RunningSandbox, opened: Drafting) -> None:
    intent = intent_of(opened())
    box.v1.payment_intents.confirm(intent, {"payment_method": "pm_usBankAccount_success"})
    box.control("POST", f"payment_intents/{intent}/settle")
    refund = box.v1.refunds.create({"payment_intent": intent})
    assert refund.destination_details is not None
    assert refund.destination_details.type == "us_bank_transfer"


def test_a_disputed_debit_settles_and_is_marked(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.payment_intents.confirm(intent_of(invoice), {"payment_method": "pm_usBankAccount_dispute"})
    box.advance(60)
    assert box.v1.charges.list().data[0].disputed is True
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_payment_method_can_be_annotated_and_listed(box: RunningSandbox, customer: stripe.Customer) -> None:
    method = _attach(box, customer, "pm_card_visa")
    changed = box.v1.payment_methods.update(
        method,
        {
            "billing_details": {"name": "Ada", "address": {"city": "Rome"}},
            "card": {"exp_year": 2044},
            "allow_redisplay": "always",
            "metadata": {"a": "b"},
        },
    ).to_dict()
    assert changed["billing_details"]["name"] == "Ada"
    assert changed["billing_details"]["address"]["city"] == "Rome"
    assert (changed["card"]["exp_year"], changed["allow_redisplay"], changed["metadata"]) == (
        2044,
        "always",
        {"a": "b"},
    )
    assert box.v1.customers.payment_methods.retrieve(customer.id, method).id == method
    other = box.v1.customers.create({})
    assert box.get(f"/v1/customers/{other.id}/payment_methods/{method}").status_code == 404
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        box.v1.payment_methods.attach(method, {"customer": other.id})


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (
            "type=us_bank_account&us_bank_account[account_number]=000123456789&us_bank_account[routing_number]=110000000",
            200,
        ),
        ("type=us_bank_account&us_bank_account[account_number]=99&us_bank_account[routing_number]=110000000", 400),
        ("type=sepa_debit&sepa_debit[iban]=DE89 3704 0044 0532 0130 00", 200),
        ("type=sepa_debit&sepa_debit[iban]=DE89370400440532013999", 400),
        ("type=ideal&ideal[bank]=ing", 501),
        ("type=card", 400),
        ("type=card&card[token]=tok_none", 400),
        ("type=card&card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2040", 402),
    ],
)
def test_payment_methods_are_made_from_test_details_only(box: RunningSandbox, sent: str, status: int) -> None:
    assert box.post("/v1/payment_methods", sent).status_code == status


def test_stripe_js_makes_a_payment_method_with_a_publishable_key(box: RunningSandbox) -> None:
    form = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=40&card[cvc]=123"
    answer = box.post("/v1/payment_methods", f"{form}&guid=g&muid=m&key={PUBLISHABLE_KEY}", key=None)
    assert answer.status_code == 200
    assert "metadata" not in answer.json()


def test_an_intent_of_its_own_is_updated_and_confirmed_in_steps(box: RunningSandbox, customer: stripe.Customer) -> None:
    method = _attach(box, customer, "pm_card_visa")
    intent = box.v1.payment_intents.create(
        {"amount": 500, "currency": "usd", "customer": customer.id, "payment_method": method}
    )
    assert intent.status == "requires_confirmation"
    address: Any = {"line1": "1 Road"}
    sent: Any = {"metadata": {"a": "b"}, "shipping": {"name": "Ada", "address": address}, "amount": 600}
    assert box.v1.payment_intents.update(intent.id, sent).amount == 600
    with pytest.raises(stripe.InvalidRequestError, match="must provide a `return_url`"):
        box.v1.payment_intents.confirm(intent.id)
    confirmed = box.v1.payment_intents.confirm(intent.id, {"return_url": "https://example.com/"})
    assert confirmed.amount_received == 600
    assert [found.id for found in box.v1.payment_intents.search({"query": "metadata['a']:'b'"}).data] == [intent.id]
    assert [found.id for found in box.v1.payment_intents.list({"customer": customer.id}).data] == [intent.id]
    with pytest.raises(stripe.InvalidRequestError, match="cannot update this PaymentIntent"):
        box.v1.payment_intents.update(intent.id, {"receipt_email": "a@b.example"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot cancel this PaymentIntent"):
        box.v1.payment_intents.cancel(intent.id)


def test_an_intent_is_made_and_confirmed_in_one_call(box: RunningSandbox) -> None:
    made = box.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "confirm": True,
            "return_url": "https://example.com/",
            "payment_method": "pm_card_visa",
        }
    )
    assert made.status == "succeeded"
    both = "amount=500&currency=usd&automatic_payment_methods[enabled]=true&confirmation_method=manual"
    assert "only specify one" in box.post("/v1/payment_intents", both).json()["error"]["message"]
    with pytest.raises(stripe.CardError) as caught:
        box.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "confirm": True,
                "off_session": True,
                "payment_method": "pm_card_authenticationRequired",
            }
        )
    assert caught.value.code == "authentication_required"


def test_confirming_needs_a_method_of_ones_own_of_an_allowed_type(box: RunningSandbox, opened: Drafting) -> None:
    customer = box.v1.customers.create({"email": "e@example.com"})
    euro = opened(currency="eur", customer=customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        box.v1.payment_intents.confirm(intent_of(euro))
    with pytest.raises(stripe.InvalidRequestError, match="is not allowed for this PaymentIntent"):
        box.v1.payment_intents.confirm(intent_of(euro), {"payment_method": "pm_usBankAccount_success"})
    strange = _attach(box, box.v1.customers.create({}), "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="does not own the payment method"):
        box.v1.payment_intents.confirm(intent_of(euro), {"payment_method": strange})


def test_a_method_used_without_being_kept_is_spent(box: RunningSandbox, opened: Drafting) -> None:
    method = box.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id
    box.v1.payment_intents.confirm(intent_of(opened()), {"payment_method": method})
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        box.v1.payment_intents.confirm(intent_of(opened()), {"payment_method": method})


def test_setup_future_usage_keeps_the_method_on_the_customer(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.payment_intents.confirm(
        intent_of(invoice), {"payment_method": "pm_card_visa", "setup_future_usage": "off_session"}
    )
    assert len(box.v1.customers.payment_methods.list(str(invoice.customer)).data) == 1


def test_a_card_may_decline_after_its_challenge(box: RunningSandbox, opened: Drafting) -> None:
    intent = intent_of(opened())
    token = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    box.v1.payment_intents.confirm(intent, {"payment_method": token})
    after = box.control("POST", f"payment_intents/{intent}/authenticate")
    assert (after["status"], after["last_payment_error"]["decline_code"]) == (
        "requires_payment_method",
        "insufficient_funds",
    )
    assert box.http.post(f"/_sandbox/payment_intents/{intent}/authenticate").status_code == 400


@pytest.mark.parametrize(
    "sent",
    [
        "amount=100&lines[0][type]=custom_line_item&invoice={draft}",
        "invoice={open}",
        "invoice={open}&amount=0",
        "invoice={open}&lines[0][type]=custom_line_item&lines[0][description]=x",
        "invoice={open}&lines[0][type]=invoice_line_item",
        "invoice={open}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]=il_none",
        "invoice={cash}&amount=100&refund_amount=100",
        "invoice={open}&lines[0][type]=custom_line_item&lines[0][unit_amount]=1&lines[0][amount]=1",
        "invoice={open}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={line}&lines[0][amount]=1&lines[0][tax_rates][0]={rate}",
        "invoice={automatic}&lines[0][type]=custom_line_item&lines[0][unit_amount]=1",
    ],
)
def test_a_credit_note_that_adds_up_to_nothing_is_refused(
    box: RunningSandbox, draft: Drafting, opened: Drafting, sent: str
) -> None:
    taxable = box.v1.customers.create({"email": "ada@example.com", "address": {"country": "DE"}})
    cash = opened()
    box.v1.invoices.pay(cash.id, {"paid_out_of_band": True})
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 19}).id
    automatic = opened(customer=taxable.id, automatic_tax={"enabled": True}).id
    filled = sent.format(
        draft=draft().id, open=(to_credit := opened()).id, line=to_credit.lines.data[0].id, cash=cash.id, rate=rate,
        automatic=automatic,
    )  # fmt: skip
    assert box.post("/v1/credit_notes", filled).status_code == 400
    assert box.v1.credit_notes.list().data == []


def test_a_credit_note_can_credit_mixed_linked_and_out_of_band(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    refund = box.v1.refunds.create({"payment_intent": intent_of(invoice), "amount": 250})
    sent: Any = {
        "invoice": invoice.id,
        "memo": "Sorry",
        "lines": [{"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id, "amount": 400}],
        "refunds": [{"refund": refund.id}],
        "out_of_band_amount": 150,
    }
    both: Any = {**sent, "amount": 400}
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        box.v1.credit_notes.create(both)
    note = box.v1.credit_notes.create(sent)
    with pytest.raises(stripe.InvalidRequestError, match="exceed the refund"):
        box.v1.credit_notes.create(sent)
    other = opened(1000)
    box.v1.invoices.pay(other.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="not of a payment of this invoice"):
        box.v1.credit_notes.create({"invoice": other.id, "amount": 250, "refunds": sent["refunds"]})
    assert (note.total, note.out_of_band_amount, [entry.refund for entry in note.refunds]) == (400, 150, [refund.id])
    assert box.v1.invoices.retrieve(invoice.id).post_payment_credit_notes_amount == 400
    assert box.v1.credit_notes.update(note.id, {"memo": "Very", "metadata": {"a": "b"}}).memo == "Very"
    with pytest.raises(stripe.InvalidRequestError):
        box.v1.credit_notes.void_credit_note(note.id)


def attach(box: RunningSandbox, invoice: stripe.Invoice, amount: int, **more: Any) -> stripe.PaymentIntent:
    terms = {"amount": amount, "currency": "usd", "customer": str(invoice.customer)} | more
    intent = box.v1.payment_intents.create(terms)  # type: ignore[arg-type]
    box.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
    return intent


def test_an_invoice_is_paid_in_parts(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    first = attach(box, invoice, 2000)
    box.v1.payment_intents.confirm(first.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"})
    partly = box.v1.invoices.retrieve(invoice.id, {"expand": ["payments"]})
    assert (partly.status, partly.amount_paid, partly.amount_remaining) == ("open", 2000, 3000)
    assert partly.payments is not None
    shown = {it.is_default: (it.status, it.amount_requested, it.amount_paid) for it in partly.payments.data}
    assert shown == {True: ("open", 3000, None), False: ("paid", 2000, 2000)}
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).amount == 3000
    second = box.v1.payment_intents.create(
        {
            "amount": 3000, "currency": "usd", "customer": str(invoice.customer), "confirm": True, "return_url": "https://example.com/",
            "payment_method": "pm_card_visa",
        }
    )  # fmt: skip
    paid = box.v1.invoices.attach_payment(invoice.id, {"payment_intent": second.id})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 5000, 0)
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "canceled"
    told = [event.type for event in box.v1.events.list({"limit": 100}).data]
    assert (told.count("invoice_payment.paid"), told.count("invoice.paid")) == (2, 1)


def test_the_payment_of_an_invoice_may_be_marked_some_seconds_later(box: RunningSandbox, opened: Drafting) -> None:
    box.switch(invoice_payment_lag_s=20)
    invoice = opened()
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"
    assert [it.status for it in box.v1.invoice_payments.list({"invoice": invoice.id}).data] == ["open"]
    assert "invoice_payment.paid" not in box.event_types()
    box.advance(21)
    [payment] = box.v1.invoice_payments.list({"invoice": invoice.id}).data
    assert (payment.status, payment.amount_paid) == ("paid", 1000)
    assert "invoice_payment.paid" in box.event_types()
    other = opened(5000)
    part = attach(box, other, 2000)
    box.v1.payment_intents.confirm(part.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"})
    assert "`paid` payments" in box.post(f"/v1/invoices/{other.id}/void").json()["error"]["message"]
    after = box.post(f"/v1/invoices/{other.id}/detach_payment", f"payment_intent={part.id}").json()
    assert (after["amount_paid"], after["amount_remaining"]) == (0, 5000)
    box.advance(21)
    assert box.v1.invoices.void_invoice(other.id).status == "void"


def test_more_than_remains_is_overpaid(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    parts = [attach(box, invoice, 3000), attach(box, invoice, 3000)]
    for part in parts:
        box.v1.payment_intents.confirm(
            part.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"}
        )
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.amount_paid, after.amount_overpaid, after.amount_remaining) == ("paid", 6000, 1000, 0)
    assert box.v1.events.list({"type": "invoice.overpaid"}).data


def test_what_does_not_fit_cannot_be_attached(box: RunningSandbox, opened: Drafting) -> None:
    invoice, other = opened(5000), opened(5000)
    for terms in ({"amount": 6000}, {"amount": 2000, "currency": "eur"}):
        with pytest.raises(stripe.InvalidRequestError):
            attach(box, invoice, **terms)
    part = attach(box, invoice, 2000)
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        box.v1.invoices.attach_payment(other.id, {"payment_intent": part.id})
    canceled = box.v1.payment_intents.create({"amount": 100, "currency": "usd", "customer": str(invoice.customer)})
    box.v1.payment_intents.cancel(canceled.id)
    for wrong in ({"payment_intent": canceled.id}, {}, {"payment_record": "pr_1"}):
        with pytest.raises(stripe.InvalidRequestError):
            box.v1.invoices.attach_payment(invoice.id, wrong)  # type: ignore[arg-type]


def test_an_invoice_with_payments_attached_is_not_closed(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    part = attach(box, invoice, 2000)
    for close in (box.v1.invoices.void_invoice, box.v1.invoices.mark_uncollectible):
        with pytest.raises(stripe.InvalidRequestError, match="`open` payments"):
            close(invoice.id)
    box.v1.payment_intents.cancel(part.id)
    assert box.v1.invoices.void_invoice(invoice.id).status == "void"
    assert box.v1.invoice_payments.list({"invoice": invoice.id, "status": "canceled"}).data
