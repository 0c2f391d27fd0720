"""Restricted keys: what they may do, and what Stripe says of what they lack."""

import stripe

from tests.sandbox.process import RunningSandbox

KEY = "rk_test_of_a_test"


def restricted(box: RunningSandbox, *permissions: str) -> stripe.StripeClient:
    box.control("POST", "keys", key=KEY, permissions=list(permissions))
    return box.client_with(KEY)


def lacking(box: RunningSandbox, method: str, path: str) -> str | None:
    answer = box.get(path, key=KEY) if method == "GET" else box.post(path, key=KEY)
    if answer.status_code != 403:
        return None
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert KEY not in error["message"]
    return str(error["message"].split("'")[5])


def test_a_key_may_do_what_it_was_granted_and_learns_what_it_lacks(box: RunningSandbox) -> None:
    restricted(box, "rak_customer_write", "rak_invoice_read")
    assert lacking(box, "GET", "/v1/customers") is None
    assert lacking(box, "POST", "/v1/customers") is None
    assert lacking(box, "GET", "/v1/invoices") is None
    assert lacking(box, "POST", "/v1/invoices") == "rak_invoice_write"
    assert lacking(box, "POST", "/v1/invoiceitems") == "rak_invoice_write"
    assert lacking(box, "GET", "/v1/payment_intents") == "rak_payment_intent_read"


def test_what_a_key_lacks_is_said_before_whether_the_object_exists(box: RunningSandbox) -> None:
    restricted(box, "rak_invoice_read")
    assert lacking(box, "POST", "/v1/invoices/in_nobody") == "rak_invoice_write"
    assert box.get("/v1/invoices/in_nobody", key=KEY).status_code == 404


def test_a_reset_forgets_what_was_restricted(box: RunningSandbox) -> None:
    restricted(box)
    assert lacking(box, "GET", "/v1/customers") == "rak_customer_read"
    box.reset()
    assert lacking(box, "GET", "/v1/customers") is None


def test_only_a_restricted_kind_of_key_can_be_restricted(box: RunningSandbox) -> None:
    answer = box.http.post("/_sandbox/keys", json={"key": "sk_test_x", "permissions": []})
    assert answer.status_code == 400
    assert "rk_test_" in answer.text
