"""What is counted is what happened: a life of the service, and what its metrics say of it."""

import pytest

from app.version import VERSION
from tests.fixtures.waiting import until
from tests.fixtures.watching import Samples
from tests.observability.conftest import Watched

pytestmark = pytest.mark.e2e


async def test_requests_are_counted_by_template_and_never_by_path(watched: Watched) -> None:
    found = await watched.scrape_api()
    assert found.value("invoicing_http_requests_total", method="POST", route="/v1/invoices", status="201") == 3
    assert found.value("invoicing_http_requests_total", route="/v1/invoices/{invoice_id}/pay", status="200") == 1
    assert found.value("invoicing_http_requests_total", route="/v1/invoices/{invoice_id}", status="404") == 1
    assert found.value("invoicing_http_requests_total", route="/pay/{token}") == 1
    assert found.value("invoicing_http_requests_total", route="/docs/start.js") == 1
    assert found.value("invoicing_http_request_duration_seconds_count", route="/v1/invoices/{invoice_id}/pay") == 1
    routes = {labels["route"] for labels in found.labels("invoicing_http_requests_total")}
    assert not [route for route in routes if "in_" in route.replace("{invoice_id}", "") or "plk_" in route]


async def test_what_ends_before_a_route_is_found_is_one_series_however_it_is_called(watched: Watched) -> None:
    found = await watched.scrape_api()
    before = found.value("invoicing_http_requests_total", route="unrouted")
    for path in ("/a", "/b/c", "/v1/nothing", "/.env"):
        await watched.service.client.request("PROPFIND", path)
    after = await watched.scrape_api()
    assert after.value("invoicing_http_requests_total", route="unrouted") == before + 4
    assert {"method": "other", "route": "unrouted", "status": "404"} in after.labels("invoicing_http_requests_total")
    assert found.value("invoicing_http_requests_total", route="unrouted", status="401") == 1


async def test_deliveries_are_counted_as_new_known_or_refused(watched: Watched) -> None:
    async def of_refusals() -> Samples | None:
        """Scrape what is told of refusals together, once a second."""
        found = await watched.scrape_api()
        return found if found.value("invoicing_webhook_deliveries_total", outcome="signature_forged") else None

    found = await until(of_refusals)
    assert found
    stored = await watched.service.client.get("/v1/webhook-events?limit=100")
    delivered = [event for event in stored.json()["data"] if event["id"] != "evt_dead"]
    assert found.value("invoicing_webhook_deliveries_total", outcome="new") == len(delivered)
    assert found.value("invoicing_webhook_deliveries_total", outcome="known") >= 1
    assert found.value("invoicing_webhook_deliveries_total", outcome="signature_absent") == 1
    assert found.value("invoicing_webhook_deliveries_total", outcome="signature_forged") == 1
    assert found.value("invoicing_http_requests_total", route="/webhooks/stripe", status="400") == 2
    assert found.value("invoicing_intake_batch_events_sum") == found.value(
        "invoicing_webhook_deliveries_total", outcome="new"
    ) + found.value("invoicing_webhook_deliveries_total", outcome="known")


async def test_calls_to_stripe_are_counted_by_operation_and_outcome(watched: Watched) -> None:
    found = await watched.scrape_api()
    calls = await watched.sandbox.requests(path=f"/v1/invoices/{watched.invoice}/finalize")
    assert (
        len(calls) == found.value("invoicing_stripe_calls_total", operation="post invoices/finalize", outcome="ok") - 1
    )
    assert found.value("invoicing_stripe_calls_total", operation="post products", outcome="ok") == 1
    assert found.value("invoicing_stripe_retries_total", operation="post products") == 1
    assert found.value("invoicing_stripe_call_duration_seconds_count", operation="post products") == 1
    assert found.value("invoicing_stripe_circuit_state") == 0
    assert found.value("invoicing_stripe_rate_per_second") == 80
    assert found.value("invoicing_stripe_limiter_wait_seconds_count") > 5


async def test_writes_are_counted_by_what_their_key_said(watched: Watched) -> None:
    found = await watched.scrape_api()
    created = {"name": "invoicing_operations_total", "operation": "create_invoice"}
    assert found.value(**created, outcome="done") == 2
    assert found.value(**created, outcome="replayed") == 1
    assert found.value(**created, outcome="idempotency_mismatch") == 1


async def test_the_worker_counts_events_and_how_long_fulfillments_waited(watched: Watched) -> None:
    found = await watched.scrape_worker()
    assert found.value("invoicing_events_total", family="invoice", outcome="processed") >= 5
    assert found.value("invoicing_events_total", family="invoice", outcome="failed") >= 1
    assert found.value("invoicing_fulfillments_total", status="fulfilled") == 1
    assert found.value("invoicing_fulfillments_total", status="canceled") == 1
    assert found.value("invoicing_fulfillment_latency_seconds_count") == 1
    assert 0 < found.value("invoicing_fulfillment_latency_seconds_sum") < 30
    assert found.value("invoicing_event_latency_seconds_count") == found.value(
        "invoicing_events_total", outcome="processed"
    )
    assert found.value("invoicing_worker_batch_events_count") == found.value(
        "invoicing_worker_batch_duration_seconds_count"
    )


async def test_one_worker_keeps_house_and_says_when_each_task_succeeded(watched: Watched) -> None:
    found = await watched.scrape_worker()
    assert found.value("invoicing_housekeeper_leader") == 1
    for task in ("purge_operations", "reconcile", "repair"):
        assert found.value("invoicing_housekeeping_runs_total", task=task, outcome="ok") >= 1
        assert {"task": task, "outcome": "failed"} in found.labels("invoicing_housekeeping_runs_total")
        assert found.value("invoicing_housekeeping_last_success_timestamp_seconds", task=task) > 1.7e9


async def test_every_process_says_how_the_database_stands(watched: Watched) -> None:
    for found in (await watched.scrape_api(), await watched.scrape_worker()):
        assert found.value("invoicing_database_up") == 1
        assert found.value("invoicing_inbox_events", status="dead") == 1
        assert found.value("invoicing_inbox_events", status="failed") == 1
        assert found.value("invoicing_inbox_events", status="received") == 0
        assert found.value("invoicing_inbox_most_attempts") >= 1
        assert found.value("invoicing_inbox_lag_seconds") < 30
        assert found.value("invoicing_coverage_age_seconds") > 0
        assert found.value("invoicing_balance_differences") == 0
        assert found.value("invoicing_disputes_to_answer") == 0
        assert found.value("invoicing_disputes_due_soon") == 0
        assert found.value("invoicing_refunds_failed") == 0
        assert found.value("invoicing_feed_held_seconds") >= 0
        assert found.value("invoicing_event_listeners") == 0
        assert found.value("invoicing_database_pool_connections", state="most") == 10


async def test_what_goes_out_is_counted_by_what_came_of_it(watched: Watched) -> None:
    async def counted() -> bool:
        found = await watched.scrape_worker()
        sent = "invoicing_push_attempts_total"
        assert found.value(sent, outcome="accepted") >= 1
        assert found.value(sent, outcome="status") >= 1
        assert found.value("invoicing_push_endpoints_disabled_total", reason="gone") == 1
        assert found.value("invoicing_push_endpoints_failing") == 1
        assert found.value("invoicing_push_waiting") >= 1
        assert found.value("invoicing_fulfillment_actions_total", action="email", outcome="failed") >= 1
        assert found.value("invoicing_fulfillment_actions_waiting") == 1
        return True

    await until(counted)


async def test_open_streams_are_counted(watched: Watched) -> None:
    async with watched.service.client.stream("GET", "/v1/events/stream") as stream:
        assert stream.status_code == 200
        told = stream.aiter_bytes()
        assert await anext(told)
        assert (await watched.scrape_api()).value("invoicing_event_listeners") == 1


async def test_the_public_port_says_nothing_of_metrics(watched: Watched) -> None:
    assert (await watched.service.client.get("/metrics")).status_code == 404
    found = await watched.scrape_api()
    assert found.value("invoicing_build_info", version=VERSION) == 1
