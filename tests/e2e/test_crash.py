"""Real processes: killed in the middle of a write, and told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService, Service

pytestmark = pytest.mark.e2e
Json = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]
KEY = {"Idempotency-Key": "order-1"}
SOON = {"REQUEST_DEADLINE_S": "2", "COMPLETION_GRACE_S": "0.2", "WORKER_POLL_S": "0.2"}
STEPS = ["/v1/invoices", "/v1/invoices/*/add_lines", "/v1/invoices/*/finalize"]


async def body(service: Service) -> Json:
    customer = (await service.client.post("/v1/customers", json={"name": "Jenny", "email": "j@example.com"})).json()
    items = [{"amount": 100 + n, "currency": "usd", "description": str(n)} for n in range(12)]
    return {"customer": customer["id"], "days_until_due": 3, "items": items, "finalize": True, "reference": "order-1"}


async def killed_at(service: Service, sandbox: Sandbox, step: str, wanted: Json, eventually: Eventually) -> None:
    """Kill the API while it waits for Stripe's answer to `step`, which Stripe executes."""
    await sandbox.fault("POST", step, kind="slow", delay_ms=300, times=1)
    asked = asyncio.create_task(service.client.post("/v1/invoices", json=wanted, headers=KEY))
    await eventually(lambda: sandbox.requests(method="POST", path=step))
    service.kill("api")
    with pytest.raises(httpx.TransportError):
        await asked


async def require_one_invoice(sandbox: Sandbox) -> None:
    (invoice,) = (await sandbox.state())["invoice"]
    assert (invoice["status"], invoice["total"]) == ("open", sum(100 + n for n in range(12)))
    executed = [e for e in await sandbox.requests(method="POST", path="/v1/invoices*") if e["executed"]]
    assert len({entry["idempotency_key"] for entry in executed}) == len(executed) == 3


async def deaf(service: Service) -> bool:
    """Whether nobody listens any more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(service.environment["PORT"]))
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize("step", STEPS)
async def test_a_caller_that_retries_after_a_kill_finds_one_invoice(
    make_service: MakeService, sandbox: Sandbox, eventually: Eventually, step: str
) -> None:
    service = await make_service(worker=False, **SOON)
    wanted = await body(service)
    await killed_at(service, sandbox, step, wanted, eventually)
    service.start("api")
    await service.ready()

    async def retried() -> Json | None:
        answer = await service.client.post("/v1/invoices", json=wanted, headers=KEY)
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_in_progress"
            assert int(answer.headers["Retry-After"]) >= 1
            return None
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    invoice = await eventually(retried)
    assert len(invoice["items"]) == 12
    assert invoice["client_secret"]
    await require_one_invoice(sandbox)


async def test_the_worker_finishes_what_a_killed_process_left(
    make_service: MakeService, sandbox: Sandbox, eventually: Eventually
) -> None:
    service = await make_service(**SOON)
    wanted = await body(service)
    await killed_at(service, sandbox, "/v1/invoices/*/add_lines", wanted, eventually)
    service.start("api")
    await service.ready()

    async def listed() -> list[Json]:
        answer = (await service.client.get("/v1/invoices", params={"reference": "order-1", "status": "open"})).json()
        return list(answer["data"])

    await eventually(listed)
    await require_one_invoice(sandbox)
    answer = await service.client.post("/v1/invoices", json=wanted, headers=KEY)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (201, "true")


async def test_a_signal_lets_requests_end_and_a_second_one_does_not(
    make_service: MakeService, sandbox: Sandbox, eventually: Eventually
) -> None:
    service = await make_service(**SOON)
    wanted = await body(service)
    await sandbox.fault("POST", "/v1/invoices/*/finalize", kind="slow", delay_ms=600, times=1)
    asked = asyncio.create_task(service.client.post("/v1/invoices", json=wanted, headers=KEY))
    await eventually(lambda: sandbox.requests(method="POST", path="/v1/invoices/*/finalize"))
    await asyncio.to_thread(service.kill, "api", signal.SIGTERM)
    assert (await asked).status_code == 201
    assert service.kill("worker", signal.SIGTERM) == 0

    service.start("api")
    await service.ready()
    await sandbox.fault("POST", "/v1/products", kind="slow", delay_ms=1500, times=1)
    cut = asyncio.create_task(
        service.client.post("/v1/products", json={"name": "x"}, headers=KEY | {"Idempotency-Key": "p"})
    )
    await eventually(lambda: sandbox.requests(method="POST", path="/v1/products"))
    service.send("api", signal.SIGTERM)
    await eventually(lambda: deaf(service))  # the first signal has arrived
    assert service.kill("api", signal.SIGTERM) == -signal.SIGTERM
    with pytest.raises(httpx.TransportError):
        await cut
