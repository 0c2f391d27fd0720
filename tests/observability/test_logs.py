"""The log of running processes: a line for each request and each job, with the ids that lead from one to the next."""

from typing import Any

import pytest

from tests.fixtures.waiting import until
from tests.observability.conftest import EMAIL, NAME, Watched

pytestmark = pytest.mark.e2e


def test_every_request_has_one_line_with_its_ids_status_and_duration(watched: Watched) -> None:
    requests = [line for line in watched.lines("api") if line["event"] == "request"]
    (paid,) = [line for line in requests if line["request_id"] == watched.requests["pay"]]
    assert paid["route"] == "/v1/invoices/{invoice_id}/pay"
    assert paid["status"] == 200
    assert paid["invoice"] == watched.invoice
    assert 0 < paid["ms"] < 30_000
    assert paid["stripe_requests"]
    (created,) = [line for line in requests if line["request_id"] == watched.requests["create"]]
    assert created["invoice"] == watched.invoice  # known only once Stripe made it
    assert all({"method", "path", "status", "ms", "request_id"} <= line.keys() for line in requests)


async def test_the_ids_of_calls_are_those_that_stripe_knows(watched: Watched) -> None:
    lines = [line for line in watched.lines("api") if line.get("request_id") == watched.requests["finalize"]]
    (line,) = [line for line in lines if line["event"] == "request"]
    known = {call["request_id"]: call for call in await watched.sandbox.requests()}
    assert line["stripe_requests"]
    assert all(known[one]["path"].startswith("/v1/invoice") for one in line["stripe_requests"])


def test_a_line_on_the_way_says_on_whose_behalf_it_was_written(watched: Watched) -> None:
    failed = [line for line in watched.lines("api") if line["event"] == "stripe_call_failed"]
    assert watched.requests["product"] in {line["request_id"] for line in failed}


async def test_each_delivery_and_the_batch_that_applied_it_name_the_same_event(watched: Watched) -> None:
    received = [line for line in watched.lines("api") if line["event"] == "webhook_received"]
    (paid,) = [line for line in received if line["type"] == "invoice.paid" and line["object"] == watched.invoice]
    assert paid["status"] == 200
    assert paid["new"] is True
    assert paid["ms"] > 0

    async def applied() -> bool:
        batches = [line for line in watched.lines("worker") if line["event"] == "batch"]
        ours = [line for line in batches if paid["event_id"] in line["events"].get("processed", [])]
        assert len(ours) <= 1
        return bool(ours) and watched.invoice in ours[0]["invoices"] and ours[0]["ms"] > 0

    await until(applied)


async def test_a_failed_event_and_each_task_have_a_line(watched: Watched) -> None:
    failed = next(line for line in watched.lines("worker") if line["event"] == "event_failed")
    assert failed["event_id"] == "evt_bad"

    async def ran() -> dict[str, Any]:
        tasks = {line["task"]: line for line in watched.lines("worker") if line["event"] == "housekeeping"}
        return tasks if {"purge_operations", "reconcile", "repair"} <= tasks.keys() else {}

    tasks = await until(ran, within=30)
    assert all(line["ms"] >= 0 for line in tasks.values())
    assert tasks["reconcile"]["stripe_requests"]


def test_refused_deliveries_have_a_line_that_says_why(watched: Watched) -> None:
    assert [line for line in watched.lines("api") if line["event"] == "webhooks_refused"]


@pytest.mark.parametrize("process", ["api", "worker"])
def test_no_line_holds_a_secret_or_a_person(watched: Watched, process: str) -> None:
    log = watched.service.logs(process)
    assert len(log) > 1000
    for secret in (watched.service.api_key, watched.sandbox.webhook_secret, EMAIL, NAME, "_secret_", "sk_test_"):
        assert secret not in log
