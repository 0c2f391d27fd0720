"""Idempotency keys: replay, mismatch, in flight, and what is never stored."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox

KEY = {"Idempotency-Key": "k1"}


def test_a_repeated_request_gets_the_first_answer_again(box: RunningSandbox) -> None:
    first = box.post("/v1/customers", "name=Ada", **KEY)
    again = box.post("/v1/customers", "name=Ada", **KEY)
    assert again.content == first.content
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert again.headers["idempotency-key"] == "k1"
    assert again.headers["original-request"] == first.headers["request-id"] != again.headers["request-id"]
    assert len(box.v1.customers.list().data) == 1


def test_parameter_order_and_bracket_style_do_not_matter(box: RunningSandbox) -> None:
    box.post("/v1/customers", "name=Ada&metadata[a]=1", **KEY)
    assert "idempotent-replayed" in box.post("/v1/customers", "metadata%5Ba%5D=1&name=Ada", **KEY).headers


@pytest.mark.parametrize(("path", "body"), [("/v1/customers", "name=Grace"), ("/v1/products", "name=Ada")])
def test_the_same_key_for_another_request_is_refused(box: RunningSandbox, path: str, body: str) -> None:
    box.post("/v1/customers", "name=Ada", **KEY)
    answer = box.post(path, body, **KEY)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert answer.json()["error"]["message"].startswith("Keys for idempotent requests can only be used with")


def test_the_sdk_raises_an_idempotency_error_for_a_mismatch(box: RunningSandbox) -> None:
    box.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        box.v1.customers.create({"name": "Grace"}, {"idempotency_key": "k1"})


def test_a_key_still_in_flight_is_a_409_to_be_retried(box: RunningSandbox) -> None:
    box.fault("slow", "/v1/customers", delay_ms=400, times=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(box.post, "/v1/customers", "name=Ada", **KEY)
        started = threading.Event()
        while not started.wait(0.01):
            if any(entry["fault"] for entry in box.requests()):
                started.set()
        second = box.post("/v1/customers", "name=Ada", **KEY)
        assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        assert second.headers["stripe-should-retry"] == "true"
        assert first.result().status_code == 200


def test_keys_belong_to_one_api_key(box: RunningSandbox) -> None:
    one = box.post("/v1/customers", "name=Ada", key="sk_test_one", **KEY).json()
    two = box.post("/v1/customers", "name=Ada", key="sk_test_two", **KEY).json()
    assert one["id"] != two["id"]


def test_parameters_that_fail_validation_are_not_stored(box: RunningSandbox) -> None:
    assert box.post("/v1/customers", "bogus=1", **KEY).status_code == 400
    assert box.post("/v1/customers", "name=Ada", **KEY).status_code == 200


def test_an_error_after_execution_began_is_stored(box: RunningSandbox) -> None:
    first = box.post("/v1/invoices", "customer=cus_none", **KEY)
    again = box.post("/v1/invoices", "customer=cus_none", **KEY)
    assert (first.status_code, again.status_code) == (400, 400)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["stripe-should-retry"] == "false"


def test_a_decline_is_stored_and_charges_once(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    body = "payment_method=pm_card_visa_chargeDeclined"
    answers = [box.post(f"/v1/invoices/{invoice.id}/pay", body, **KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[0].content == answers[1].content
    assert len(box.v1.charges.list().data) == 1


def test_a_key_that_is_too_long_or_blank_is_refused(box: RunningSandbox) -> None:
    for key in ("k" * 256, ""):
        assert box.post("/v1/customers", "name=Ada", **{"Idempotency-Key": key}).status_code == 400
    assert box.post("/v1/customers", "name=Ada", **{"Idempotency-Key": "k" * 255}).status_code == 200


def test_keys_are_ignored_on_get(box: RunningSandbox) -> None:
    headers = {"Authorization": "Bearer sk_test_x", **KEY}
    answers = [box.http.get("/v1/customers", headers=headers) for _ in range(2)]
    assert all("idempotent-replayed" not in answer.headers for answer in answers)


def test_concurrent_retries_execute_once(box: RunningSandbox) -> None:
    def create(_: int) -> httpx.Response:
        return box.post("/v1/customers", "name=Ada", **KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(box.v1.customers.list().data) == 1


def test_a_key_is_forgotten_after_a_day_on_the_virtual_clock(box: RunningSandbox) -> None:
    first = box.post("/v1/customers", "name=Ada", **KEY).json()
    box.advance(86_390)
    assert box.post("/v1/customers", "name=Ada", **KEY).json()["id"] == first["id"]
    box.advance(20)
    assert box.post("/v1/customers", "name=Ada", **KEY).json()["id"] != first["id"]
