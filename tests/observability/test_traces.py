"""Traces, as a collector receives them from real processes: from a request to the job that Stripe's answer leads to."""

import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.service import MakeService, Service
from tests.fixtures.watching import Collector
from tests.observability.conftest import EMAIL, NAME

pytestmark = pytest.mark.e2e

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
SERVER, CLIENT, CONSUMER = 2, 3, 5
LOADED = """
import sys
from app.cli import processes
from app.observability import tracing
from app.main import create_app
from app.settings import Settings
def loaded():
    parts = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google.protobuf")  # FastAPI has the API
    return [name for name in parts if name in sys.modules]
settings = dict(database_url="postgresql://localhost/none", stripe_secret_key="sk_test_none", stripe_webhook_secrets="x")
create_app(Settings(_env_file=None, **settings))
tracing.start("", "")
print(loaded())
tracing.start("http://127.0.0.1:9", "invoicing")
print(loaded())
"""
CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def traced(make_service: MakeService, collector: Collector, *, worker: bool = True, **settings: str) -> Service:
    return await make_service(
        worker=worker, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100", **settings
    )


async def an_open_invoice(service: Service) -> str:
    customer = (await service.client.post("/v1/customers", json={"name": NAME, "email": EMAIL})).json()["id"]
    terms = {"customer": customer, "days_until_due": 30, "items": [{"amount": 5000, "currency": "usd"}]}
    return str((await service.client.post("/v1/invoices", json=terms)).json()["id"])


async def test_one_trace_leads_from_a_request_over_stripe_and_the_delivery_to_the_job(
    make_service: MakeService, collector: Collector, sandbox: Sandbox
) -> None:
    service = await traced(make_service, collector)
    invoice = await an_open_invoice(service)
    answer = await service.client.post(f"/v1/invoices/{invoice}/finalize", headers={"traceparent": CALLERS})
    assert answer.status_code == 200

    request = await collector.found("POST /v1/invoices/{invoice_id}/finalize")
    operation = await collector.found("operation finalize_invoice")
    call = await collector.found("stripe post invoices/finalize")
    job = await collector.found("event invoice.finalized")
    delivery = await collector.having(lambda: [span for span in collector.spans if span.id == job.parent])

    assert {span.trace for span in (request, operation, call, delivery, job)} == {CALLERS.split("-")[1]}
    assert request.parent == CALLERS.split("-")[2]
    assert operation.parent == request.id
    assert call.parent == operation.id
    assert delivery.name == "POST /webhooks/stripe"
    assert delivery.parent == request.id
    assert (request.kind, call.kind, delivery.kind, job.kind) == (SERVER, CLIENT, SERVER, CONSUMER)
    assert (request.service, job.service) == ("invoicing-api", "invoicing-worker")
    assert request.attributes["http.response.status_code"] == 200
    assert operation.attributes["operation.outcome"] == "done"
    made = {one["request_id"] for one in await sandbox.requests(path=f"/v1/invoices/{invoice}/finalize")}
    assert call.attributes["stripe.request_id"] in made
    batch = await collector.having(lambda: [span for span in collector.named("batch") if span.trace in job.links])
    assert batch.trace not in {"", job.trace}
    assert job.attributes["invoice.id"] == invoice
    assert job.attributes["event.outcome"] == "processed"


async def test_a_request_id_leads_from_the_log_to_the_trace(make_service: MakeService, collector: Collector) -> None:
    service = await traced(make_service, collector, worker=False)
    answer = await service.client.get("/v1/invoices")
    span = await collector.found("GET /v1/invoices")
    assert answer.headers["X-Request-ID"] == f"{span.trace}-{span.id}"
    lines = [json.loads(line) for line in service.logs("api").splitlines() if line.startswith("{")]
    assert [line for line in lines if line.get("request_id") == answer.headers["X-Request-ID"]]
    own = await service.client.get("/v1/invoices", headers={"X-Request-ID": "mine"})
    assert own.headers["X-Request-ID"] == "mine"


async def test_spans_say_what_failed_and_hold_no_person_no_secret_and_no_path(
    make_service: MakeService, collector: Collector, sandbox: Sandbox
) -> None:
    service = await traced(make_service, collector)
    await sandbox.fault("POST", "/v1/products", kind="status", status=500, times=10)
    assert (await service.client.post("/v1/products", json={"name": "A"})).status_code == 502
    assert (await service.client.get("/no/such/place")).status_code == 404
    invoice = await an_open_invoice(service)
    await service.client.post(f"/v1/invoices/{invoice}/finalize")
    link = (await service.client.post(f"/v1/invoices/{invoice}/payment-link")).json()["url"]
    await service.client.get(link)
    request = await collector.found("POST /v1/products")
    call = await collector.found("stripe post products")
    assert request.failed
    assert call.failed
    assert call.attributes["error.type"] == "stripe_error"
    assert not (await collector.found("GET unrouted")).failed
    assert (await collector.found("GET /pay/{token}")).attributes["http.route"] == "/pay/{token}"
    await collector.found("task reconcile")
    sent = b"".join(collector.raw)
    token = link.rpartition("/")[2]
    for secret in (NAME, EMAIL, service.api_key, sandbox.webhook_secret, "sk_test_", "_secret_", token, "such/place"):
        assert secret.encode() not in sent, secret


async def test_an_interrupted_write_that_the_worker_finishes_goes_on_with_its_requests_trace(
    make_service: MakeService, collector: Collector, sandbox: Sandbox
) -> None:
    settings = {
        "COMPLETION_GRACE_S": "0.2",
        "REQUEST_DEADLINE_S": "2",
        "STRIPE_DEADLINE_S": "1",
        "WORKER_POLL_S": "0.2",
    }
    service = await traced(
        make_service, collector, worker=True, **settings, STRIPE_MAX_RETRIES="0", STRIPE_TIMEOUT_S="0.5"
    )
    await sandbox.fault("POST", "/v1/customers", kind="drop_response", times=1)
    headers = {"Idempotency-Key": "k"}
    answer = await service.client.post("/v1/customers", json={"name": NAME}, headers=headers)
    assert answer.status_code >= 500
    request = await collector.found("POST /v1/customers")
    completion = await collector.found("completion", completion__outcome="finished")
    assert (completion.trace, completion.parent) == (request.trace, request.id)
    calls = "stripe post customers"
    await collector.having(lambda: [span for span in collector.named(calls) if span.parent == completion.id])


async def test_a_collector_that_is_away_costs_the_spans_and_nothing_else(
    make_service: MakeService, free_port: int
) -> None:
    service = await make_service(
        worker=False, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port}", OTEL_BSP_SCHEDULE_DELAY="50"
    )
    for _ in range(20):
        assert (await service.client.get("/v1/invoices")).status_code == 200
    assert service.kill("api", signal.SIGTERM) in {0, -15}


def test_without_a_collector_nothing_that_collects_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=PROJECT, capture_output=True, text=True, check=True)
    off, on = done.stdout.splitlines()
    assert off == "[]"
    assert "opentelemetry.sdk" in on
