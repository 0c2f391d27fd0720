"""Faults: each kind, really on the wire, and what was executed meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import stripe

from tests.sandbox.process import SECRET_KEY, RunningSandbox

PATH = "/v1/customers"


def test_a_status_fault_answers_in_stripes_shape_without_executing(box: RunningSandbox) -> None:
    box.fault("status", PATH, "POST", status=503, times=1, headers={"Stripe-Should-Retry": "true"})
    answer = box.post(PATH)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "api_error")
    assert answer.headers["stripe-should-retry"] == "true"
    assert box.requests()[-1]["executed"] is False
    assert box.post(PATH).status_code == 200


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, stripe.RateLimitError), (500, stripe.APIError), (409, stripe.APIError), (401, stripe.AuthenticationError)],
)
def test_the_sdk_raises_what_it_would_for_stripes_own_errors(
    box: RunningSandbox, status: int, error: type[stripe.StripeError]
) -> None:
    box.fault("status", PATH, status=status)
    with pytest.raises(error) as caught:
        box.v1.customers.create({})
    assert caught.value.http_status == status


def test_a_fault_may_strike_after_execution(box: RunningSandbox) -> None:
    box.fault("status", PATH, "POST", status=500, times=1, executes=True)
    assert box.post(PATH, "name=Ada").status_code == 500
    assert len(box.v1.customers.list().data) == 1


@pytest.mark.parametrize(("kind", "executed"), [("drop_request", False), ("drop_response", True)])
def test_a_dropped_connection_is_cut_before_or_after_execution(
    box: RunningSandbox,
    kind: str,
    executed: bool,  # noqa: FBT001
) -> None:
    box.fault(kind, PATH, "POST", times=1)
    with pytest.raises(httpx.TransportError) as caught:
        box.post(PATH, "name=Ada", **{"Idempotency-Key": "k1"})
    assert not isinstance(caught.value, httpx.TimeoutException)
    assert len(box.v1.customers.list().data) == int(executed)
    again = box.post(PATH, "name=Ada", **{"Idempotency-Key": "k1"})
    assert (again.status_code, "idempotent-replayed" in again.headers) == (200, executed)
    assert len(box.v1.customers.list().data) == 1


def test_the_sdk_recovers_from_a_cut_connection_by_itself(box: RunningSandbox) -> None:
    box.fault("drop_response", PATH, "POST", times=1)
    client = box.client_with(SECRET_KEY, max_network_retries=2)
    made = client.v1.customers.create({"name": "Ada"})
    assert [customer.id for customer in box.v1.customers.list().data] == [made.id]
    posts = box.requests(method="POST", path=PATH)
    assert [(entry["executed"], entry["replayed"]) for entry in posts] == [(True, False), (False, True)]
    assert len({entry["idempotency_key"] for entry in posts}) == 1


async def test_aiohttp_sees_a_disconnect(box: RunningSandbox) -> None:
    box.fault("drop_request", PATH, times=1)
    http = stripe.AIOHTTPClient()
    try:
        with pytest.raises(stripe.APIConnectionError):
            await box.client_with(SECRET_KEY, http_client=http).v1.customers.create_async({})
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]


def test_a_timeout_fault_never_answers(box: RunningSandbox) -> None:
    box.fault("timeout", PATH, "POST", times=1)
    with pytest.raises(httpx.ReadTimeout):
        box.http.post(PATH, headers={"Authorization": f"Bearer {SECRET_KEY}"}, timeout=httpx.Timeout(30, read=0.2))
    assert box.v1.customers.list().data == []


def test_a_timeout_with_a_delay_ends_in_a_cut(box: RunningSandbox) -> None:
    box.fault("timeout", PATH, "POST", times=1, delay_ms=50)
    with pytest.raises(httpx.RemoteProtocolError):
        box.post(PATH)


def test_a_slow_answer_is_right_but_late(box: RunningSandbox) -> None:
    box.fault("slow", PATH, "POST", delay_ms=150, times=1)
    started = time.monotonic()
    assert box.post(PATH).status_code == 200
    assert time.monotonic() - started >= 0.15


def test_a_stale_read_is_made_at_once_and_held_until_the_rule_goes(box: RunningSandbox) -> None:
    made = box.post(PATH, "name=Ada").json()["id"]
    box.fault("stale_read", f"{PATH}/*", "GET", times=1)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(box.get, f"{PATH}/{made}")
        while not box.requests(method="GET"):
            pass
        box.post(f"{PATH}/{made}", "name=Grace")
        assert not held.done()
        box.control("DELETE", "faults")
        assert held.result(timeout=10).json()["name"] == "Ada"
    assert box.get(f"{PATH}/{made}").json()["name"] == "Grace"


def test_a_stale_read_ends_by_itself_after_its_delay(box: RunningSandbox) -> None:
    made = box.post(PATH, "name=Ada").json()["id"]
    box.fault("stale_read", f"{PATH}/*", "GET", times=1, delay_ms=50)
    assert box.get(f"{PATH}/{made}").json()["name"] == "Ada"


def test_a_malformed_body_is_a_200_with_half_the_json(box: RunningSandbox) -> None:
    box.fault("malformed_body", PATH, "POST", times=1)
    answer = box.post(PATH)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_a_rule_matches_method_and_path_glob(box: RunningSandbox) -> None:
    box.fault("status", "/v1/invoices/*/finalize", "POST", status=500)
    assert box.post("/v1/invoices/in_x/finalize").status_code == 500
    assert box.post("/v1/invoices/in_x/pay").status_code == 404
    assert box.get("/v1/invoices/in_x/finalize").status_code == 404


def test_rules_count_and_are_cleared(box: RunningSandbox) -> None:
    box.fault("status", PATH, times=5)
    box.post(PATH)
    (rule,) = box.control("GET", "faults")["faults"]
    assert (rule["struck"], rule["times_left"]) == (1, 4)
    assert box.control("DELETE", "faults") == {"faults": []}
    assert box.post(PATH).status_code == 200


def test_probability_is_reproducible_by_its_seed(box: RunningSandbox) -> None:
    def run() -> list[int]:
        box.control("DELETE", "faults")
        box.fault("status", PATH, "GET", probability=0.5, seed=7)
        return [box.get(PATH).status_code for _ in range(12)]

    first = run()
    assert first == run()
    assert set(first) == {200, 500}


def test_an_unknown_kind_is_refused(box: RunningSandbox) -> None:
    assert box.http.post("/_sandbox/faults", json={"kind": "meteor"}).status_code == 400


def test_a_forgotten_code_and_message_can_be_given(box: RunningSandbox) -> None:
    box.fault(
        "status", PATH, status=429, code="lock_timeout", message="Locked.", headers={"Stripe-Rate-Limited-Reason": "x"}
    )
    answer = box.post(PATH)
    assert (answer.json()["error"]["code"], answer.json()["error"]["message"]) == ("lock_timeout", "Locked.")
    assert answer.headers["stripe-rate-limited-reason"] == "x"
