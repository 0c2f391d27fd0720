"""What callers hear when Stripe is down, slow, busy or broken, and that trying again then works."""

import uuid
from collections.abc import Awaitable, Callable

import pytest

from app.settings import Settings
from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import Sandbox

PRODUCT = {"name": "A"}
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool]]


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Tries once; where Stripe is slow on purpose, not for long."""
    fault = request.node.callspec.params.get("fault") if hasattr(request.node, "callspec") else None
    timeout_s = 0.5 if fault and "delay_ms" in fault else 10.0
    return settings.model_copy(update={"stripe_max_retries": 0, "stripe_timeout_s": timeout_s})


FAULTS: list[tuple[Json, int, str]] = [
    ({"kind": "drop_request"}, 503, "stripe_unavailable"),
    ({"kind": "drop_response"}, 503, "stripe_unavailable"),
    ({"kind": "timeout", "delay_ms": 1500}, 504, "stripe_timeout"),
    ({"kind": "slow", "delay_ms": 1500}, 504, "stripe_timeout"),
    ({"kind": "malformed_body"}, 502, "stripe_error"),
    ({"kind": "status", "status": 500}, 502, "stripe_error"),
    ({"kind": "status", "status": 502}, 502, "stripe_error"),
    ({"kind": "status", "status": 503}, 503, "stripe_unavailable"),
    ({"kind": "status", "status": 409}, 503, "stripe_unavailable"),
    ({"kind": "status", "status": 429}, 429, "rate_limited"),
    ({"kind": "status", "status": 401}, 502, "stripe_error"),
    ({"kind": "status", "status": 403}, 502, "stripe_error"),
]


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
async def test_a_fault_of_stripe_is_told_by_its_kind_and_the_same_request_works_afterwards(
    api: Caller, sandbox: Sandbox, eventually: Eventually, fault: Json, status: int, code: str
) -> None:
    await sandbox.fault("POST", "/v1/products", times=1, **fault)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    problem = await api.refused("POST", "/v1/products", status, code, PRODUCT, headers=headers)
    if status in {429, 503, 504}:
        assert problem["retry_after"] > 0
    if fault["kind"] == "status":
        assert problem["stripe"]["request_id"].startswith("req_")
    await sandbox.clear_faults()

    async def works() -> bool:  # a call that was slow runs to its end at Stripe, and holds its key until then
        return (await api.send("POST", "/v1/products", PRODUCT, headers=headers)).is_success

    assert await eventually(works)
    assert len((await sandbox.state())["product"]) == 1
    assert len(await api.every("/v1/products")) == 1


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
async def test_a_client_secret_that_stripe_does_not_give_is_told_by_the_kind_of_fault(
    api: Caller, sandbox: Sandbox, fault: Json, status: int, code: str
) -> None:
    invoice = await api.open()
    await sandbox.fault("GET", "/v1/invoices/*", **fault)  # for good: aiohttp itself tries a lost GET again
    path = f"/v1/invoices/{invoice['id']}/client-secret"
    await api.refused("GET", path, status, code)
    await sandbox.clear_faults()
    assert (await api.get(path))["client_secret"] == invoice["client_secret"]


async def test_reads_work_while_stripe_is_down(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft()
    await sandbox.fault("*", "*", kind="drop_request")
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["id"] == invoice["id"]
    assert len((await api.get("/v1/invoices"))["data"]) == 1
    assert (await api.get("/readyz"))["status"] == "ready"
    await sandbox.clear_faults()


@pytest.mark.parametrize("step", ["/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/finalize"])
@pytest.mark.parametrize("kind", ["drop_request", "drop_response"])
async def test_an_invoice_in_one_call_is_finished_by_the_retry_wherever_stripe_was_lost(
    api: Caller, sandbox: Sandbox, step: str, kind: str
) -> None:
    customer = await api.customer()
    body = {
        "customer": customer["id"],
        "days_until_due": 1,
        "items": [ITEM, ITEM],
        "finalize": True,
        "reference": "order-1",
    }
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    await sandbox.fault("POST", step, kind=kind, times=1)
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=headers)
    invoice = await api.post("/v1/invoices", body, headers=headers)
    assert (invoice["status"], invoice["total"], invoice["reference"]) == ("open", 4000, "order-1")
    assert invoice["client_secret"]
    (at_stripe,) = (await sandbox.state())["invoice"]
    assert (at_stripe["id"], len((await sandbox.state())["line_item"])) == (invoice["id"], 2)


async def test_a_payment_of_which_the_answer_was_lost_is_not_made_twice(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}/pay"
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    await sandbox.fault("POST", "/v1/invoices/*/pay", kind="drop_response", times=1)
    body = {"payment_method": "pm_card_visa"}
    await api.refused("POST", path, 503, "stripe_unavailable", body, headers=headers)
    paid = await api.post(path, body, headers=headers)
    assert (paid["status"], paid["amount_paid"]) == ("paid", 2000)
    assert len((await sandbox.state())["charge"]) == 1
