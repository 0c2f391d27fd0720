"""What is counted where no life of the service leads by itself: refusals, and failures of what it stands on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.access.rate_limits import Limit
from app.db.engine import translated_errors
from app.domain.errors import DatabaseUnavailable, RateLimited, StripeUnavailable
from app.stripe.circuit import Circuit
from app.stripe.pace import Limiter, StripeLimits
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import MakeService
from tests.fixtures.stage import Stage
from tests.fixtures.watching import scrape

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_request_beyond_a_limit_is_counted_by_the_limit(stage: Stage) -> None:
    before = counted("invoicing_rate_limited_total", limit="caller")
    narrow = Limit("caller", 0.001, 1)
    await stage.container.limits.take(narrow, "somebody")
    with pytest.raises(RateLimited):
        await stage.container.limits.take(narrow, "somebody")
    assert counted("invoicing_rate_limited_total", limit="caller") == before + 1


def test_a_call_that_an_open_circuit_refuses_is_counted() -> None:
    before = counted("invoicing_stripe_turned_away_total", by="circuit")
    circuit = Circuit(failures=1, open_s=60)
    circuit.failed()
    with pytest.raises(StripeUnavailable):
        circuit.enter()
    assert counted("invoicing_stripe_turned_away_total", by="circuit") == before + 1


async def test_a_call_that_would_wait_too_long_for_its_turn_is_counted() -> None:
    before = counted("invoicing_stripe_turned_away_total", by="limiter")
    limiter = Limiter(StripeLimits(rate_per_s=0.1, queue_s=0.1))

    async def call() -> None:
        async with limiter.turn("get invoices"):
            pass

    with pytest.raises(StripeUnavailable):
        await asyncio.gather(*(call() for _ in range(3)))
    assert counted("invoicing_stripe_turned_away_total", by="limiter") > before


async def test_a_database_that_is_not_available_is_counted_by_what_it_said() -> None:
    before = counted("invoicing_database_errors_total", error="ConnectionRefusedError")
    with pytest.raises(DatabaseUnavailable):
        async with translated_errors():
            raise ConnectionRefusedError
    assert counted("invoicing_database_errors_total", error="ConnectionRefusedError") == before + 1


@pytest.mark.e2e
async def test_a_write_that_the_worker_finishes_is_counted(
    make_service: MakeService, sandbox: Sandbox, free_port: int, eventually: Eventually
) -> None:
    await sandbox.fault("POST", "/v1/customers", kind="drop_response", times=1)
    quick = {"COMPLETION_GRACE_S": "0.2", "REQUEST_DEADLINE_S": "2", "STRIPE_DEADLINE_S": "1", "WORKER_POLL_S": "0.2"}
    service = await make_service(
        WORKER_METRICS_PORT=str(free_port), STRIPE_MAX_RETRIES="0", STRIPE_TIMEOUT_S="0.5", **quick
    )
    answer = await service.client.post("/v1/customers", json={"name": "A"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code >= 500

    async def finished() -> bool:
        return (await scrape(free_port)).value("invoicing_operation_completions_total", outcome="finished") == 1

    await eventually(finished)
