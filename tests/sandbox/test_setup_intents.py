"""SetupIntents: payment methods kept for later, by the server or by Stripe.js; mandates."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import PUBLISHABLE_KEY, RunningSandbox


def set_up(box: RunningSandbox, customer: stripe.Customer, token: str, **more: Any) -> stripe.SetupIntent:
    sent: Any = {
        "customer": customer.id,
        "payment_method": token,
        "confirm": True,
        "return_url": "https://example.com/",
        **more,
    }
    return box.v1.setup_intents.create(sent)


def kept(box: RunningSandbox, customer: stripe.Customer) -> list[str]:
    return [method.id for method in box.v1.customers.payment_methods.list(customer.id).data]


def test_a_card_is_kept_in_one_call(box: RunningSandbox, customer: stripe.Customer) -> None:
    setup = set_up(box, customer, "pm_card_visa", metadata={"plan": "gold"}, description="For later")
    assert (setup.status, setup.usage, setup.metadata and setup.metadata["plan"]) == (
        "succeeded",
        "off_session",
        "gold",
    )
    assert kept(box, customer) == [setup.payment_method]
    told = [kind for kind in box.event_types() if kind.startswith(("setup_intent", "payment_method"))]
    assert told == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]
    (attempt,) = box.v1.setup_attempts.list({"setup_intent": setup.id}).data
    assert (attempt.id, attempt.status) == (setup.latest_attempt, "succeeded")


def test_a_card_is_kept_step_by_step_and_pays_an_invoice(
    box: RunningSandbox, customer: stripe.Customer, opened: Drafting
) -> None:
    setup = box.v1.setup_intents.create({"customer": customer.id})
    assert setup.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        box.v1.setup_intents.confirm(setup.id, {"return_url": "https://example.com/"})
    setup = box.v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa"})
    assert setup.status == "requires_confirmation"
    done = box.v1.setup_intents.confirm(setup.id, {"return_url": "https://example.com/"})
    assert done.status == "succeeded"
    assert box.v1.invoices.pay(opened().id, {"payment_method": str(done.payment_method)}).status == "paid"


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_declining_card_is_not_kept(
    box: RunningSandbox, customer: stripe.Customer, token: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        set_up(box, customer, token)
    error = caught.value.error
    assert error is not None
    assert (caught.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    (setup,) = box.v1.setup_intents.list({"customer": customer.id}).data
    assert setup.last_setup_error is not None
    assert (setup.status, setup.last_setup_error.code) == ("requires_payment_method", code)
    assert kept(box, customer) == []
    assert box.event_types()[-1] == "setup_intent.setup_failed"


def test_a_card_that_declines_when_charged_can_be_kept(box: RunningSandbox, customer: stripe.Customer) -> None:
    assert set_up(box, customer, "pm_card_chargeCustomerFail").status == "succeeded"


# 3-D Secure


def test_a_card_that_was_authenticated_once_pays_without_asking(
    box: RunningSandbox, customer: stripe.Customer, opened: Drafting
) -> None:
    setup = set_up(box, customer, "pm_card_authenticationRequiredOnSetup")
    assert (setup.status, kept(box, customer)) == ("requires_action", [])
    done = box.control("POST", f"setup_intents/{setup.id}/authenticate")
    assert (done["status"], kept(box, customer)) == ("succeeded", [done["payment_method"]])
    assert box.v1.invoices.pay(opened().id, {"payment_method": done["payment_method"]}).status == "paid"
    assert box.http.post(f"/_sandbox/setup_intents/{setup.id}/authenticate").status_code == 400


@pytest.mark.parametrize(("outcome", "status"), [("succeed", "succeeded"), ("fail", "requires_payment_method")])
def test_the_challenge_page_returns_to_the_front_end(
    box: RunningSandbox, customer: stripe.Customer, outcome: str, status: str
) -> None:
    setup = set_up(box, customer, "pm_card_threeDSecure2Required", return_url="https://shop.example/done?a=1")
    assert setup.next_action is not None
    assert setup.next_action.redirect_to_url is not None
    page = str(setup.next_action.redirect_to_url.url)
    assert "A card to be kept" in box.http.get(page).text
    back = box.http.post(page, data={"outcome": outcome}).headers["location"]
    query = parse_qs(urlsplit(back).query)
    assert (query["setup_intent"], query["a"]) == ([setup.id], ["1"])
    assert query["setup_intent_client_secret"] == [setup.client_secret]
    assert query["redirect_status"] == ["succeeded" if outcome == "succeed" else "failed"]
    after = box.v1.setup_intents.retrieve(setup.id)
    assert after.status == status
    assert (after.last_setup_error is not None) is (outcome == "fail")


# Bank debits


@pytest.mark.parametrize("token", ["pm_usBankAccount_success", "pm_success_de"])
def test_a_bank_account_is_kept_with_a_mandate(box: RunningSandbox, customer: stripe.Customer, token: str) -> None:
    online: Any = {"ip_address": "203.0.113.7", "user_agent": "Firefox"}
    acceptance: Any = {"customer_acceptance": {"type": "online", "online": online}}
    setup = set_up(box, customer, token, mandate_data=acceptance, expand=["mandate"])
    mandate = setup.mandate
    assert isinstance(mandate, stripe.Mandate)
    assert (mandate.status, mandate.payment_method) == ("active", setup.payment_method)
    accepted = mandate.customer_acceptance
    assert (accepted.type, accepted.online and accepted.online.ip_address) == ("online", "203.0.113.7")
    gone = box.control("POST", f"mandates/{mandate.id}/update", status="inactive")
    assert gone["status"] == box.v1.mandates.retrieve(mandate.id).status == "inactive"
    assert box.event_types()[-1] == "mandate.updated"
    assert box.http.post(f"/_sandbox/mandates/{mandate.id}/update", json={"status": "lost"}).status_code == 400


# Stripe.js


def test_stripe_js_confirms_with_the_client_secret(box: RunningSandbox, customer: stripe.Customer) -> None:
    setup = box.v1.setup_intents.create({"customer": customer.id})
    card = "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242"
    card += "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=40"
    form = f"{card}&client_secret={setup.client_secret}&use_stripe_sdk=true&key={PUBLISHABLE_KEY}"
    answer = box.post(f"/v1/setup_intents/{setup.id}/confirm", form, key=None)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert not {"metadata", "customer", "mandate", "latest_attempt"} & answer.json().keys()
    assert len(kept(box, customer)) == 1
    wrong: list[dict[str, str]] = [{}, {"client_secret": "seti_wrong"}]
    for secret in wrong:
        assert box.get(f"/v1/setup_intents/{setup.id}", key=PUBLISHABLE_KEY, **secret).status_code == 400


# What cannot be


def test_a_setup_ends_for_good(box: RunningSandbox, customer: stripe.Customer) -> None:
    canceled = box.v1.setup_intents.create({"customer": customer.id})
    box.v1.setup_intents.cancel(canceled.id, {"cancellation_reason": "abandoned"})
    assert box.event_types()[-1] == "setup_intent.canceled"
    for setup in (canceled, set_up(box, customer, "pm_card_visa")):
        with pytest.raises(stripe.InvalidRequestError, match="cannot cancel this SetupIntent"):
            box.v1.setup_intents.cancel(setup.id)
        with pytest.raises(stripe.InvalidRequestError, match="cannot confirm this SetupIntent"):
            box.v1.setup_intents.confirm(
                setup.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"}
            )
        with pytest.raises(stripe.InvalidRequestError, match="cannot update this SetupIntent"):
            box.v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa"})


def test_a_method_must_fit(box: RunningSandbox, customer: stripe.Customer) -> None:
    stranger = box.v1.customers.create({"payment_method": "pm_card_visa"})
    (others,) = kept(box, stranger)
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        set_up(box, customer, others)
    with pytest.raises(stripe.InvalidRequestError, match="is not allowed for this SetupIntent"):
        set_up(box, customer, "pm_usBankAccount_success", allowed_payment_method_types=["card"])


@pytest.mark.parametrize("path", ["setup_intents/seti_none", "mandates/mandate_none"])
def test_an_unknown_id_is_missing(box: RunningSandbox, path: str) -> None:
    answer = box.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("name", "value"), [("customer", "cus_none"), ("payment_method", "pm_none"), ("single_use[amount]", "5")]
)
def test_what_does_not_exist_or_has_no_effect_is_refused(box: RunningSandbox, name: str, value: str) -> None:
    more = "&single_use[currency]=usd" if "single" in name else ""
    answer = box.post("/v1/setup_intents", f"{name}={value}{more}")
    assert answer.status_code == (501 if "single" in name else 400)
    assert answer.json()["error"]["param"].startswith(name.partition("[")[0])


def test_a_confirmation_whose_answer_was_lost_is_made_once(box: RunningSandbox, customer: stripe.Customer) -> None:
    setup = box.v1.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_visa"})
    path, form = f"/v1/setup_intents/{setup.id}/confirm", "return_url=https://example.com/"
    box.fault("drop_response", path, "POST", times=1)
    with pytest.raises(httpx.TransportError):
        box.post(path, form, **{"Idempotency-Key": "confirm-1"})
    again = box.post(path, form, **{"Idempotency-Key": "confirm-1"})
    assert (again.json()["status"], again.headers["idempotent-replayed"]) == ("succeeded", "true")
    assert len(kept(box, customer)) == 1
