import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.db import engine
from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from app.inbox import handlers, processor
from app.inbox import statements as inbox_statements
from app.inbox.processor import BACKOFF, MOST_ATTEMPTS, MOST_FETCHING, Processor
from app.inbox.questions import MOST_QUESTIONS
from app.inbox.worker import Worker
from app.observability import tracing
from app.projection import observation
from app.projection.unit_of_work import Subject, Unordered
from app.stripe.mapping import Kind
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

LEASE = timedelta(seconds=30)
OTHER_VERSION = {"api_version": "2020-08-27"}


async def status(stage: Stage, event: dict[str, Any]) -> str:
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    return str(row["status"])


async def make_due(stage: Stage) -> None:
    # The most tried first, so that no tie decides which one is claimed.
    await stage.rows(
        "UPDATE webhook_events SET next_attempt_at = now() - attempts * interval '1 second' "
        "WHERE next_attempt_at IS NOT NULL"
    )


async def claim(stage: Stage, limit: int = 64) -> list[inbox_statements.DueEvent]:
    async with stage.container.database.connection() as connection:
        return await inbox_statements.claim(connection, limit, LEASE, MOST_ATTEMPTS)


async def test_poison_is_dead_after_its_tries_and_stops_nobody(stage: Stage) -> None:
    invoice = await stage.invoice()
    good = await stage.event("invoice.finalized")
    poison = good | {"id": "evt_poison", "data": {"object": {"id": "in_poison", "object": "invoice"}}}
    unreadable = good | {"id": "evt_unreadable", "data": {"object": {"object": "invoice"}}}
    await stage.tell(poison, unreadable, good)
    assert await status(stage, good) == "processed"
    for _ in range(MOST_ATTEMPTS):
        await make_due(stage)
        await stage.work()
    for event in (poison, unreadable):
        row = await stage.row("webhook_events", event["id"])
        assert row is not None
        assert (row["status"], row["attempts"]) == ("dead", MOST_ATTEMPTS)
        assert "KeyError" in row["last_error"]
    ready = (await stage.client.get("/readyz")).json()
    assert ready["status"] == "ready"
    assert (await stage.row("invoices", invoice["id"])) is not None


async def test_a_late_inbox_is_told_and_takes_no_pod_away_that_asks_without_it(stage: Stage) -> None:
    await stage.invoice()
    await stage.deliver(await stage.event("invoice.finalized"))
    await stage.rows(
        "UPDATE webhook_events SET received_at = now() - interval '1 h', next_attempt_at = now() - interval '1 h'"
    )
    late = await stage.client.get("/readyz")
    assert (late.status_code, late.json()["status"]) == (503, "not ready")
    assert "waits for 36" in late.json()["checks"]["inbox"]
    of_the_pod = await stage.client.get("/readyz", params={"exclude": "inbox"})
    assert of_the_pod.status_code == 200
    assert of_the_pod.json()["checks"] == late.json()["checks"]


async def test_what_the_database_refuses_is_refused_alone(stage: Stage) -> None:
    good, bad = await stage.invoice(), await stage.invoice()
    events = await stage.events("invoice.finalized")
    broken = events[1] | {"data": {"object": events[1]["data"]["object"] | {"amount_due": -1}}}
    await stage.tell(broken, events[0])
    assert await status(stage, events[0]) == "processed"
    row = await stage.row("webhook_events", broken["id"])
    assert row is not None
    assert row["status"] == "failed"
    assert row["last_error"].startswith("CheckViolationError")
    assert bad["customer"] not in row["last_error"]
    assert await stage.row("invoices", good["id"]) is not None


async def test_a_database_that_goes_away_while_stripe_is_asked_costs_a_lease_and_no_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await stage.invoice()
    event = await stage.event("invoice.finalized") | {"api_version": "2020-08-27"}
    await stage.deliver(event)
    observe = observation.observe

    async def then_away(*arguments: Any) -> Any:
        answer = await observe(*arguments)
        monkeypatch.setattr(Database, "unit_of_work", away)
        return answer

    def away(_self: Database) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(observation, "observe", then_away)
        await stage.work()
    monkeypatch.undo()
    assert await status(stage, event) == "processing"
    await make_due(stage)
    await stage.work()
    assert await status(stage, event) == "processed"
    assert await stage.row("invoices", invoice["id"]) is not None


async def test_an_event_that_is_never_told_enough_is_put_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.invoice()
    event = await stage.event("invoice.finalized")

    def never_content(_ledger: object, incoming: Any) -> None:
        raise Unordered(incoming.subjects[0], 0)

    await stage.deliver(event)
    monkeypatch.setitem(handlers.HANDLERS, event["type"], never_content)
    await stage.calls(forget=True)
    await stage.work()
    assert await status(stage, event) == "failed"
    assert len(await stage.calls()) == MOST_QUESTIONS


async def test_an_event_whose_worker_dies_each_time_comes_back_alone_and_is_dead_in_the_end(stage: Stage) -> None:
    await stage.invoice()
    killer, *others = await stage.events("invoice.finalized", "invoice.created", "customer.created")
    await stage.deliver(killer, *others)
    assert len(await claim(stage)) == 3
    killer_id = ""
    for _ in range(MOST_ATTEMPTS - 1):
        await make_due(stage)
        alone = await claim(stage)
        assert len(alone) == 1
        await stage.rows(
            "UPDATE webhook_events SET next_attempt_at = now() + interval '1 hour' WHERE id <> $1 "
            "AND next_attempt_at IS NOT NULL",
            alone[0].id,
        )
        killer_id = alone[0].id
    await stage.rows("UPDATE webhook_events SET next_attempt_at = now() WHERE id = $1", killer_id)
    await stage.work()
    row = await stage.row("webhook_events", killer_id)
    assert row is not None
    assert row["status"] == "dead"
    await make_due(stage)
    await stage.work()
    left = await stage.rows("SELECT id FROM webhook_events WHERE status <> 'processed'")
    assert [row["id"] for row in left] == [killer_id]


async def test_a_worker_that_lost_its_lease_changes_nothing(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    failed = await stage.event("invoice.payment_failed")
    await stage.deliver(failed)
    slow = await claim(stage)
    await make_due(stage)
    await stage.work()
    await stage.worker._processor.process(slow)
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["attempts"] == 1


async def test_an_event_that_waits_for_stripe_holds_nobody_up(stage: Stage) -> None:
    slow, quick = await stage.invoice(), await stage.invoice()
    await stage.sandbox.fault("GET", f"/v1/invoices/{slow['id']}", kind="stale_read")
    waiting, ready = await stage.events("invoice.finalized")
    await stage.deliver(waiting | {"api_version": "2020-08-27"}, ready)
    while await stage.worker.take():
        pass
    assert await stage.row("invoices", quick["id"]) is not None
    assert await stage.row("invoices", slow["id"]) is None
    await stage.sandbox.clear_faults()
    await stage.worker._processor.settled()
    assert await stage.row("invoices", slow["id"]) is not None


async def test_while_stripe_is_down_an_event_that_needs_it_is_tried_again_later(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.sandbox.fault("GET", "/v1/invoices/*", status=503)
    event = await stage.event("invoice.finalized") | {"api_version": "2020-08-27"}
    await stage.tell(event)
    assert await status(stage, event) == "failed"
    await stage.sandbox.clear_faults()
    await make_due(stage)
    await stage.work()
    assert await status(stage, event) == "processed"
    assert await stage.row("invoices", invoice["id"]) is not None


async def test_an_event_of_a_type_that_is_handled_no_more_is_ignored(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.invoice()
    event = await stage.event("invoice.finalized")
    await stage.deliver(event)
    monkeypatch.delitem(handlers.HANDLERS, event["type"])
    await stage.work()
    assert await status(stage, event) == "ignored"


async def test_what_cannot_be_stored_is_told_to_stripe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.invoice()
    event = await stage.event("invoice.finalized")

    async def away(**_settings: str) -> None:
        raise DatabaseUnavailable("away", retry_after=1)

    with monkeypatch.context() as broken:
        broken.setattr(stage.container.inbox, "_database", type("Away", (), {"dedicated": staticmethod(away)})())
        answer = await stage.post(json.dumps(event))
    assert answer.status_code == 503
    assert await stage.row("webhook_events", event["id"]) is None


async def test_the_same_event_arriving_many_times_at_once_is_stored_once(stage: Stage) -> None:
    invoice = await stage.invoice()
    event = await stage.event("invoice.finalized")
    await asyncio.gather(*(stage.deliver(event) for _ in range(20)))
    assert len(await stage.rows("SELECT id FROM webhook_events")) == 1
    await stage.work()
    assert await stage.fulfillment(invoice["id"]) is not None


async def test_who_signed_is_kept_and_neither_the_signature_nor_client_secrets_are(stage: Stage) -> None:
    await stage.invoice()
    event = await stage.event("payment_intent.created")
    secret = event["data"]["object"]["client_secret"]
    await stage.deliver(event)
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert secret not in row["payload"]
    assert row["verified_by"].startswith("whsec:")
    assert "v1=" not in str(dict(row))


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [BACKOFF.pause(attempt).total_seconds() for attempt in range(1, MOST_ATTEMPTS)]
    assert pauses[0] <= 2
    assert pauses[5] > 100
    assert max(pauses) <= 4 * 3600


async def test_an_event_that_waits_for_stripe_keeps_its_lease_and_is_asked_about_once(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.sandbox.fault("GET", f"/v1/invoices/{invoice['id']}", kind="stale_read")
    event = await stage.event("invoice.finalized") | OTHER_VERSION
    await stage.deliver(event)
    await stage.calls(forget=True)
    found = stage.container
    asking, short = Processor(found.database, found.gateway), timedelta(seconds=3)
    worker = Worker(found.database, found.notifications, asking, batch=64, lease=short, poll_s=0.05)
    running = asyncio.create_task(worker.run())

    claimed = partial(stage.rows, "SELECT next_attempt_at FROM webhook_events WHERE status = 'processing'")

    async def extended() -> bool:
        return await claimed() not in ([], first)

    async def processed() -> bool:
        return await status(stage, event) == "processed"

    first = await until(claimed)
    await until(extended)
    await stage.sandbox.clear_faults()
    await until(processed)
    worker.stop()
    await running
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["attempts"] == 1
    assert await stage.calls() == [f"GET /v1/invoices/{invoice['id']}", f"GET /v1/customers/{invoice['customer']}"]


async def test_what_is_fetched_beside_events_holds_no_event_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "MOST_WAITING", 2)
    monkeypatch.setattr(processor, "MOST_FETCHING", 2)
    for _ in range(4):
        await stage.invoice()
    asked = await stage.invoice()
    await stage.sandbox.fault("GET", "/v1/customers/*", kind="stale_read", times=2)
    *others, last = await stage.events("invoice.finalized")
    await stage.deliver(*others)
    await stage.worker.take()
    await stage.deliver(last | OTHER_VERSION)
    await stage.worker.take()
    await until(partial(stage.row, "invoices", asked["id"]))
    await stage.sandbox.clear_faults()
    await stage.worker._processor.settled()
    assert len(await stage.rows("SELECT id FROM customers")) == 5


async def test_what_is_missing_is_fetched_also_where_its_predecessors_have_only_just_ended(stage: Stage) -> None:
    await stage.calls(forget=True)
    fetching = Processor(stage.container.database, stage.container.gateway)
    fetching._fetch_missing(Subject(Kind.CUSTOMER, f"cus_{number}") for number in range(MOST_FETCHING))
    fetching._to_fetch.clear()
    await asyncio.sleep(0)  # the tasks have ended, and nothing that waits for their end has run
    fetching._fetch_missing([Subject(Kind.CUSTOMER, "cus_last")])
    await fetching.settled()
    assert await stage.calls() == ["GET /v1/customers/cus_last"]


async def test_a_stop_waits_only_for_what_is_being_fetched(stage: Stage) -> None:
    fetching = Processor(stage.container.database, stage.container.gateway)
    await stage.calls(forget=True)
    fetching._fetch_missing(Subject(Kind.CUSTOMER, f"cus_{number}") for number in range(3 * MOST_FETCHING))
    await asyncio.sleep(0)  # the first are being fetched
    await fetching.settled(fetched=False)
    assert len(await stage.calls()) == MOST_FETCHING


async def test_an_object_that_many_events_name_is_fetched_once(stage: Stage) -> None:
    customer = (await stage.invoice())["customer"]
    for _ in range(2):
        await stage.dashboard("invoices", customer=customer, collection_method="send_invoice", days_until_due=30)
    await stage.sandbox.fault("GET", "/v1/customers/*", kind="slow", delay_ms=500)
    created = await stage.events("invoice.created")
    await stage.calls(forget=True)
    for event in created:
        await stage.deliver(event)
        await stage.worker.take()
    await stage.worker._processor.settled()
    assert await stage.calls() == [f"GET /v1/customers/{customer}"]


async def test_an_event_is_stored_also_where_its_trace_cannot_be_looked_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.client.post("/v1/products", json={"name": "A"})
    event = await stage.event("product.created")
    monkeypatch.setattr(tracing, "is_on", lambda: True)
    monkeypatch.setattr(engine, "ACQUIRE_WITHIN_S", 0.05)
    database = stage.container.database
    async with AsyncExitStack() as held:
        for _ in range(database.pool_state.most):
            await held.enter_async_context(database.connection())
        assert (await stage.post(json.dumps(event))).status_code == 200
