"""Tokens: cards that Stripe.js sends ahead, to be made a payment method of once."""

import pytest

from tests.sandbox.process import PUBLISHABLE_KEY, RunningSandbox

CARD = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=40&card[cvc]=123&card[name]=Ada"


def test_a_token_becomes_a_payment_method_once(box: RunningSandbox) -> None:
    made = box.post("/v1/tokens", f"{CARD}&key={PUBLISHABLE_KEY}", key=None).json()
    assert (made["object"], made["type"], made["used"]) == ("token", "card", False)
    assert (made["card"]["brand"], made["card"]["last4"], made["card"]["exp_year"]) == ("Visa", "4242", 2040)
    method = box.post("/v1/payment_methods", f"type=card&card[token]={made['id']}").json()
    assert (method["card"]["brand"], method["card"]["exp_month"]) == ("visa", 12)
    assert box.get(f"/v1/tokens/{made['id']}").json()["used"]
    again = box.post("/v1/payment_methods", f"type=card&card[token]={made['id']}")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "token_already_used")


def test_a_token_keeps_what_the_test_card_does(box: RunningSandbox) -> None:
    token = box.post("/v1/tokens", CARD.replace("4242424242424242", "4000000000009995")).json()["id"]
    method = box.post("/v1/payment_methods", f"type=card&card[token]={token}").json()["id"]
    answer = box.post(
        "/v1/payment_intents",
        f"amount=500&currency=usd&confirm=true&return_url=https://example.com/&payment_method={method}",
    )
    assert answer.json()["error"]["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ("", 400, "parameter_missing"),
        (CARD.replace("4242424242424242", "4242424242424241"), 402, "incorrect_number"),
        (f"{CARD}&card[currency]=usd", 501, "sandbox_not_simulated"),
        ("pii[id_number]=1", 501, "sandbox_not_simulated"),
    ],
)
def test_what_is_no_card_is_refused(box: RunningSandbox, sent: str, status: int, code: str) -> None:
    answer = box.post("/v1/tokens", sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
