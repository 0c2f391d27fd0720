"""Every way in which Stripe fails, against every kind of write: what the caller gets, and that nothing happens twice.

A failure that passes is got over within the request. One that lasts is answered with the code it should have, leaves the
key free, and the retry under the same key ends as if nothing had been. docs/contributing/idempotency.md shows the table.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
MakeApp = Callable[..., Awaitable[Caller]]
Write = tuple[str, Json | None]
"""A path and a body."""

FAULTS: dict[str, tuple[Json, int, str]] = {
    "timeout before": ({"kind": "timeout"}, 504, "stripe_timeout"),
    "timeout after": ({"kind": "timeout", "executes": True}, 504, "stripe_timeout"),
    "connection cut before": ({"kind": "drop_request"}, 503, "stripe_unavailable"),
    "connection cut after": ({"kind": "drop_response"}, 503, "stripe_unavailable"),
    "429 lock": ({"status": 429, "code": "lock_timeout"}, 503, "stripe_unavailable"),
    "409 key in use": ({"status": 409, "code": "idempotency_key_in_use"}, 503, "stripe_unavailable"),
    "429": ({"status": 429}, 429, "rate_limited"),
    "429 should retry": ({"status": 429, "headers": {"Stripe-Should-Retry": "true"}}, 429, "rate_limited"),
    "424": ({"status": 424}, 502, "stripe_error"),
    "500": ({"status": 500}, 502, "stripe_error"),
    "500 after": ({"status": 500, "executes": True}, 502, "stripe_error"),
    "503": ({"status": 503}, 503, "stripe_unavailable"),
    "malformed body": ({"kind": "malformed_body"}, 502, "stripe_error"),
    "slow": ({"kind": "slow", "delay_ms": 500}, 503, "stripe_unavailable"),  # its key is in use when it is tried again
}
AT_ONCE: dict[str, tuple[Json, int, str]] = {
    "429 should not retry": ({"status": 429, "headers": {"Stripe-Should-Retry": "false"}}, 429, "rate_limited"),
    "500 should not retry": ({"status": 500, "headers": {"Stripe-Should-Retry": "false"}}, 502, "stripe_error"),
    "401": ({"status": 401}, 502, "stripe_error"),
}
"""Failures after which Stripe itself says that the same call is in vain."""


async def product(_api: Caller) -> Write:
    return "/v1/products", {"name": "Consulting", "reference": "sku-1"}


async def composite(api: Caller) -> Write:
    items = [{"amount": 700 + n, "currency": "usd", "description": str(n)} for n in range(12)]
    customer = (await api.customer())["id"]
    wanted = {"customer": customer, "days_until_due": 3, "items": items, "finalize": True, "reference": "order-1"}
    return "/v1/invoices", wanted


async def pay(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.open())['id']}/pay", {"payment_method": "pm_card_visa"}


async def send(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.draft())['id']}/send", None


async def void(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.open())['id']}/void", None


async def add_items(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.draft())['id']}/items", {"amount": 5, "currency": "usd", "description": "x"}


async def refund(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.paid())['id']}/refunds", {"amount": 500, "reference": "return-1"}


async def credit(api: Caller) -> Write:
    return f"/v1/invoices/{(await api.paid())['id']}/credit-notes", {"amount": 500, "refund_amount": 500}


WRITES: dict[str, tuple[Callable[[Caller], Awaitable[Write]], str]] = {
    "create product": (product, "/v1/products"),
    "create invoice: draft": (composite, "/v1/invoices"),
    "create invoice: items": (composite, "/v1/invoices/*/add_lines"),
    "create invoice: finalize": (composite, "/v1/invoices/*/finalize"),
    "pay": (pay, "/v1/invoices/*/pay"),
    "send": (send, "/v1/invoices/*/send"),
    "void": (void, "/v1/invoices/*/void"),
    "add items": (add_items, "/v1/invoices/*/add_lines"),
    "refund": (refund, "/v1/refunds"),
    "credit note": (credit, "/v1/credit_notes"),
}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.stripe.client.BACKOFF_S", 0.01)


@pytest.fixture
async def api(make_app: MakeApp, sandbox: Sandbox) -> Caller:
    await sandbox.mode(hold=True)
    return await make_app(stripe_timeout_s=0.25, stripe_circuit_failures=10_000)


async def require_done_once(sandbox: Sandbox, write: str) -> None:
    entries = await sandbox.requests(method="POST", limit="20000")
    assert set(Counter(entry["idempotency_key"] for entry in entries if entry["executed"]).values()) == {1}
    state = await sandbox.state()
    assert len(state.get("product", [])) <= 1 or write != "create product"
    assert len(state.get("invoice", [])) <= 1
    assert sum(made["amount"] for made in state.get("refund", [])) == (500 if write in {"refund", "credit note"} else 0)
    for charges in Counter(charge["payment_intent"] for charge in state.get("charge", [])).values():
        assert charges == 1


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failure_that_passes_is_got_over_and_one_that_lasts_has_its_answer(
    api: Caller, sandbox: Sandbox, eventually: Callable[..., Awaitable[Json]], fault: str, write: str
) -> None:
    details, status, code = FAULTS[fault]
    prepare, struck = WRITES[write]
    path, body = await prepare(api)
    await sandbox.fault("POST", struck, **details)
    key = {"Idempotency-Key": "one"}
    problem = await api.refused("POST", path, status, code, body, headers=key)
    assert problem["retry_after"] >= 1
    await sandbox.clear_faults()
    await sandbox.fault("POST", struck, times=1, **details)
    answer = await eventually(lambda: _retried(api, path, body))
    assert await api.post(path, body, headers=key) == answer
    await require_done_once(sandbox, write)


async def _retried(api: Caller, path: str, body: Json | None) -> Json | None:
    """The retry's answer; None where it is told to come again."""
    response = await api.send("POST", path, body, headers={"Idempotency-Key": "one"})
    assert response.is_success or "Retry-After" in response.headers
    return response.json() if response.is_success else None


@pytest.mark.parametrize("fault", AT_ONCE)
async def test_what_stripe_says_is_in_vain_is_not_tried_again(api: Caller, sandbox: Sandbox, fault: str) -> None:
    details, status, code = AT_ONCE[fault]
    await sandbox.fault("POST", "/v1/products", **details)
    await api.refused("POST", "/v1/products", status, code, {"name": "x"})
    assert len(await sandbox.requests(path="/v1/products")) == 1


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("executes", [False, True], ids=["not executed", "executed"])
async def test_a_500_that_stripe_stored_is_left_behind_with_its_key_and_nothing_happens_twice(
    api: Caller,
    sandbox: Sandbox,
    write: str,
    executes: bool,  # noqa: FBT001
) -> None:
    prepare, struck = WRITES[write]
    path, body = await prepare(api)
    await sandbox.fault("POST", struck, status=500, stored=True, executes=executes, times=1)
    answer = await api.post(path, body, headers={"Idempotency-Key": "one"})
    assert await api.post(path, body, headers={"Idempotency-Key": "one"}) == answer
    await require_done_once(sandbox, write)
    state = await sandbox.state()
    for invoice in state.get("invoice", []):
        expected = 12 if write.startswith("create") else 2 if write == "add items" else 1
        assert len(await _lines(sandbox, invoice["id"])) == expected


@pytest.mark.parametrize("kind", ["tax_rate", "tax_id", "coupon", "promotion_code"])
async def test_what_was_made_under_a_key_that_is_spent_is_found_and_not_made_once_more(
    api: Caller, sandbox: Sandbox, kind: str
) -> None:
    writes: dict[str, Write] = {
        "tax_rate": ("/v1/tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False}),
        "tax_id": ("/v1/customers/{}/tax-ids", {"type": "eu_vat", "value": "DE123456789"}),
        "coupon": ("/v1/coupons", {"percent_off": "10"}),
        "promotion_code": ("/v1/promotion-codes", {"promotion": {"coupon": "ten"}}),
    }
    path, body = writes[kind]
    if kind == "tax_id":
        path = path.format((await api.customer())["id"])
    if kind == "promotion_code":
        await api.post("/v1/coupons", {"id": "ten", "percent_off": "10"})
    await sandbox.fault("POST", f"/v1/{kind}s", status=500, stored=True, executes=True, times=1)
    made = await api.post(path, body)
    assert [one["id"] for one in (await sandbox.state())[kind]] == [made["id"]]


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("pm_card_visa_chargeDeclined", 402, "payment_failed"),
        ("pm_card_authenticationRequired", 402, "payment_action_required"),
        ("pm_usBankAccount_success", 200, None),
    ],
)
async def test_a_500_stored_over_an_attempt_to_pay_is_answered_as_the_attempt_ended(
    api: Caller, sandbox: Sandbox, method: str, status: int, code: str | None
) -> None:
    path = f"/v1/invoices/{(await api.open())['id']}/pay"
    await sandbox.fault("POST", "/v1/invoices/*/pay", status=500, stored=True, executes=True, times=1)
    for _ in range(2):
        answer = await api.send("POST", path, {"payment_method": method}, headers={"Idempotency-Key": "one"})
        assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    executed = [it for it in await sandbox.requests(method="POST", path="/v1/invoices/*/pay") if it["executed"]]
    assert len(executed) == 1


async def _lines(sandbox: Sandbox, invoice: str) -> list[Json]:
    found = (await sandbox.dashboard.get(f"/v1/invoices/{invoice}/lines?limit=100")).json()
    return list(found["data"])


async def test_a_step_that_stripe_always_fails_and_stores_ends_after_three_keys(api: Caller, sandbox: Sandbox) -> None:
    await sandbox.fault("POST", "/v1/products", status=500, stored=True)
    for _ in range(3):
        await api.refused("POST", "/v1/products", 502, "stripe_error", {"name": "x"}, headers={"Idempotency-Key": "k"})
    keys = {entry["idempotency_key"] for entry in await sandbox.requests(method="POST", path="/v1/products")}
    assert len(keys) == 3
    assert not (await sandbox.state()).get("product")


async def test_a_key_that_stripe_has_for_other_parameters_finds_what_was_made(
    api: Caller, sandbox: Sandbox, database: Any
) -> None:
    key = {"Idempotency-Key": "one"}
    await sandbox.fault("POST", "/v1/products", kind="drop_response")
    await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"}, headers=key)
    await sandbox.clear_faults()
    connection = await database.connect()
    await connection.execute(
        """UPDATE operations SET params = '{"name": "x", "description": "as a later release says it"}'"""
    )
    await connection.close()
    made = await api.post("/v1/products", {"name": "x"}, headers=key)
    assert [one["id"] for one in (await sandbox.state())["product"]] == [made["id"]]


@pytest.mark.parametrize("executed", [False, True])
async def test_keys_that_stripe_may_have_forgotten_are_not_trusted(
    api: Caller,
    sandbox: Sandbox,
    database: Any,
    executed: bool,  # noqa: FBT001
) -> None:
    path, body = await composite(api)
    key = {"Idempotency-Key": "one"}
    await sandbox.fault("POST", "/v1/invoices/*/add_lines", kind="drop_response" if executed else "drop_request")
    await api.refused("POST", path, 503, "stripe_unavailable", body, headers=key)
    await sandbox.clear_faults()
    await sandbox.switch(idempotency_keys_kept_s=0)
    connection = await database.connect()
    await connection.execute("UPDATE operations SET created_at = created_at - interval '25 hours'")
    await connection.close()
    made = await api.post(path, body, headers=key)
    assert len(made["items"]) == 12
    assert len((await sandbox.state())["invoice"]) == 1


async def test_while_the_circuit_is_open_stripe_is_left_alone_and_readyz_says_so(
    make_app: MakeApp, sandbox: Sandbox
) -> None:
    api = await make_app(stripe_circuit_failures=3, stripe_circuit_open_s=60.0)
    await sandbox.fault("POST", "/v1/products", kind="drop_request")
    await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"})
    seen = len(await sandbox.requests())
    problem = await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"})
    assert problem["retry_after"] == 60
    assert len(await sandbox.requests()) == seen
    ready = await api.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["stripe"] == "circuit open"
    await sandbox.clear_faults()
    circuit = api.container.gateway._circuit
    assert circuit._opened_at
    circuit._opened_at -= 60.0  # its time passes
    assert (await api.client.get("/readyz")).json()["checks"]["stripe"] == "circuit half_open"
    await api.post("/v1/products", {"name": "x"})
    assert (await api.client.get("/readyz")).json()["checks"]["stripe"] == "ok"


async def test_beyond_the_pace_callers_are_sent_away_with_a_time_to_come_back(
    make_app: MakeApp, sandbox: Sandbox
) -> None:
    api = await make_app(stripe_endpoint_rate_per_s=1.0, stripe_queue_s=0.001)
    await api.post("/v1/products", {"name": "x"})
    problem = await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"})
    assert problem["retry_after"] == 1
    assert len(await sandbox.requests(path="/v1/products")) == 1
    assert api.container.gateway.state.shed == 1
