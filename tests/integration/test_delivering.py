"""Deliveries: every event to every endpoint that wants it, at least once, whatever endpoints and workers do."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.container import Container
from app.domain.events import START, envelope
from app.domain.outgoing import MOST_ATTEMPTS, Attempt, DeliveryStatus, Failure
from app.events.feed_statements import read
from app.outgoing import delivery_statements, fan_out_statements
from app.outgoing.deliverer import Deliverer
from app.outgoing.schemas import PingEvent
from app.retention import purge_deliveries
from app.settings import Settings
from tests.fixtures.caller import Caller
from tests.fixtures.consumer import CLOSE, Answer, Consumer, MakeConsumer, Received, endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.waiting import until

Json = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def container(app: FastAPI) -> Container:
    found: Container = app.state.container
    return found


@pytest.fixture
def deliverer(make_deliverer: Callable[[], Deliverer]) -> Deliverer:
    return make_deliverer()


async def log(api: Caller, made: Json, **wanted: Any) -> list[Json]:
    return await api.every(f"/v1/webhook-endpoints/{made['id']}/deliveries", **wanted)


async def run(database: Database, statement: str, *arguments: object) -> None:
    connection = await database.connect()
    await connection.execute(statement, *arguments)
    await connection.close()


async def due_now(database: Database) -> None:
    """Let the pauses be over."""
    await run(database, "UPDATE deliveries SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")


def failing(count: int, answer: object = Answer(500)) -> Callable[[Received], object]:
    """Answer the first `count` attempts with `answer`, and accept what follows."""
    left = [answer] * count

    def behave(_: Received) -> object:
        return left.pop() if left else Answer(204)

    return behave


async def test_callers_cannot_tell_a_name_of_the_inner_network_from_one_that_is_none(
    api: Caller, database: Database, deliverer: Deliverer
) -> None:
    urls = ("https://10.1.2.3/", "https://nobody.invalid/")
    for url in urls:
        made = await endpoint(api.client, "https://shop.example/")
        await run(database, "UPDATE webhook_endpoints SET url = $2 WHERE id = $1", made["id"], url)
    await happens(database)
    await deliverer.drain()
    entries = await api.every("/v1/webhook-endpoints")
    logs = [(await log(api, one))[0] for one in entries]
    assert {(one["last_error"], one["log"][0]["error"]) for one in logs} == {("no_address", "no_address")}
    assert {Attempt("", 1, None, failure).shown for failure in (Failure.ADDRESS, Failure.DNS)} == {Failure.NO_ADDRESS}
    assert Attempt("", 1, None, Failure.TLS).shown is Failure.TLS


# What is delivered


async def test_what_is_delivered_is_the_feeds_document(
    api: Caller, database: Database, consumer: Consumer, container: Container, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    (event,) = await happens(database)
    await deliverer.drain()
    connection = await database.connect()
    (told,) = (await read(connection, START, limit=10)).events
    await connection.close()
    (received,) = consumer.received
    assert received.body == envelope(told, container.settings.public_base_url)
    assert received.verified(made["secret"])["id"] == received.id == event


async def test_an_endpoint_gets_the_types_it_asked_for(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    await endpoint(api.client, consumer.url, types=["invoice.paid", "invoice.voided"])
    await happens(database, 2, status="open")
    paid = await happens(database, 2, status="paid")
    await deliverer.drain()
    assert sorted(consumer.ids) == sorted(paid)


async def test_every_endpoint_gets_every_event_once(
    api: Caller, database: Database, make_consumer: MakeConsumer, deliverer: Deliverer
) -> None:
    consumers = [await make_consumer() for _ in range(3)]
    for one in consumers:
        await endpoint(api.client, one.url)
    events = await happens(database, 40)
    await deliverer.drain()
    await deliverer.drain()
    for one in consumers:
        assert sorted(one.ids) == sorted(events)


async def test_two_workers_share_the_work_and_deliver_nothing_twice(
    api: Caller, database: Database, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    await endpoint(api.client, consumer.url)
    await endpoint(api.client, consumer.url, ordered=True)
    events = await happens(database, 60)
    workers = [make_deliverer() for _ in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    for worker in workers:
        await worker.drain()
    assert sorted(consumer.ids) == sorted(events * 2)


async def test_a_delivery_is_in_the_timeline_of_its_invoice(
    live: Caller, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    await endpoint(live.client, consumer.url, types=["invoice.finalized"])
    invoice = await live.open()
    await make_deliverer().drain()
    timeline = await live.get(f"/v1/invoices/{invoice['id']}/timeline")
    (entry,) = [one for one in timeline["data"] if one["kind"] == "delivery"]
    assert entry["what"] == "invoice.finalized"
    assert (entry["data"]["status"], entry["data"]["last_status"]) == ("delivered", 200)
    assert entry["data"]["event"] == consumer.ids[0]


async def test_the_worker_hears_of_events_and_pings_without_polling(
    api: Caller, database: Database, consumer: Consumer, settings: Settings, make_deliverer: Callable[[], Deliverer]
) -> None:
    assert settings.worker_poll_s == 2
    worker = make_deliverer()
    running = asyncio.create_task(worker.run())
    made = await endpoint(api.client, consumer.url)
    await happens(database)
    await consumer.until(1)
    await api.post(f"/v1/webhook-endpoints/{made['id']}/ping")
    await consumer.until(2)
    worker.stop()
    await running


async def test_what_the_contract_says_of_a_delivery_is_so(
    api: Caller, consumer: Consumer, deliverer: Deliverer, contract: Json
) -> None:
    made = await endpoint(api.client, consumer.url)
    await api.post(f"/v1/webhook-endpoints/{made['id']}/ping")
    await deliverer.drain()
    (received,) = consumer.received
    said = contract["webhooks"]["ping"]["post"]
    assert {one["name"] for one in said["parameters"]} == {
        header for header in received.headers if header.startswith("webhook-")
    }
    assert received.headers["content-type"].partition(";")[0] in said["requestBody"]["content"]
    PingEvent.model_validate_json(received.body)
    assert json.loads(received.body).keys() == PingEvent.model_fields.keys()


# Failing


@pytest.mark.parametrize(
    ("answer", "error"), [(Answer(500), "status"), (CLOSE, "connection"), (Answer(302), "redirect")]
)
async def test_what_is_not_accepted_is_tried_again_under_the_same_id(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer, answer: object, error: str
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = failing(2, answer)
    (event,) = await happens(database)
    for _ in range(3):
        await deliverer.drain()
        await due_now(database)
    assert consumer.ids == [event] * 3
    assert len({one.body for one in consumer.received}) == 1
    (entry,) = await log(api, made)
    assert [one["error"] for one in entry["log"]] == [error, error, None]
    assert (entry["status"], entry["attempts"], entry["next_attempt_at"]) == ("delivered", 3, None)


async def test_a_failed_delivery_rests_and_longer_where_the_endpoint_asks_for_it(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(503, {"Retry-After": "3600"})
    await happens(database)
    await deliverer.drain()
    (entry,) = await log(api, made, status="failed")
    rests = datetime.fromisoformat(entry["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < rests <= timedelta(hours=1)
    assert len(consumer.received) == 1


async def test_what_fails_to_the_end_is_dead_and_can_be_asked_for_again(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = failing(MOST_ATTEMPTS)
    (event,) = await happens(database)
    for _ in range(MOST_ATTEMPTS + 3):
        await deliverer.drain()
        await due_now(database)
    assert consumer.ids == [event] * MOST_ATTEMPTS
    (entry,) = await log(api, made)
    assert (entry["status"], entry["attempts"]) == ("dead", MOST_ATTEMPTS)
    again = await api.post(f"/v1/deliveries/{entry['id']}/redeliver")
    assert (again["status"], again["attempts"]) == ("pending", 0)
    await deliverer.drain()
    assert (await api.get(f"/v1/deliveries/{entry['id']}"))["status"] == "delivered"
    assert consumer.ids == [event] * (MOST_ATTEMPTS + 1)


async def test_one_that_fails_holds_up_no_other_where_order_was_not_asked(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    await endpoint(api.client, consumer.url)
    events = await happens(database, 5)
    consumer.answer = lambda received: Answer(500 if received.id == events[0] else 200)
    await deliverer.drain()
    assert sorted(consumer.kept) == sorted(events[1:])


async def test_the_log_keeps_the_last_attempts_only(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    await happens(database)
    for _ in range(25):
        await deliverer.drain()
        await run(database, "UPDATE deliveries SET next_attempt_at = now(), status = 'failed', attempts = 1")
    (entry,) = await log(api, made)
    assert len(entry["log"]) == delivery_statements.LONGEST_LOG


# Order


async def test_an_ordered_endpoint_gets_events_one_after_the_other_in_the_order_of_the_feed(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    await endpoint(api.client, consumer.url, ordered=True)
    under_way = most = 0

    async def slowly(_: Received) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Answer(200)

    consumer.answer = slowly
    events = await happens(database, 30)
    await deliverer.drain()
    assert consumer.ids == events
    assert most == 1


async def test_in_order_an_event_waits_until_the_one_before_it_is_delivered(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    await endpoint(api.client, consumer.url, ordered=True)
    events = await happens(database, 4)
    consumer.answer = failing(2)
    await deliverer.drain()
    assert consumer.ids == events[:1]
    await due_now(database)
    await deliverer.drain()
    assert consumer.ids == [events[0]] * 2
    await due_now(database)
    await deliverer.drain()
    assert consumer.kept == events


async def test_in_order_a_dead_event_lets_those_behind_it_go_on(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url, ordered=True)
    events = await happens(database, 3)
    consumer.answer = lambda received: Answer(500 if received.id == events[0] else 200)
    for _ in range(MOST_ATTEMPTS):
        await deliverer.drain()
        await due_now(database)
    await deliverer.drain()
    assert consumer.kept == events[1:]
    (dead,) = await log(api, made, status="dead")
    assert dead["event"] == events[0]


async def test_what_is_asked_for_again_goes_beside_the_order(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url, ordered=True)
    events = await happens(database, 2)
    await deliverer.drain()
    consumer.answer = lambda received: Answer(500 if received.id == stuck else 200)
    (stuck,) = await happens(database)
    await deliverer.drain()
    (first,) = await log(api, made, event=events[0])
    await api.post(f"/v1/deliveries/{first['id']}/redeliver")
    await api.post(f"/v1/webhook-endpoints/{made['id']}/ping")
    await deliverer.drain()
    assert consumer.kept[:3] == [*events, events[0]]
    assert consumer.kept[3].startswith("ping_")


# Slow and dead endpoints


async def test_an_endpoint_that_hangs_takes_its_share_of_the_room_and_no_more(
    make_app: Callable[..., Awaitable[Caller]], database: Database, make_consumer: MakeConsumer
) -> None:
    api = await make_app(outgoing_endpoint_concurrency=3)
    slow, quick = await make_consumer(), await make_consumer()
    release = asyncio.Event()

    async def hang(_: Received) -> Answer:
        await release.wait()
        return Answer(200)

    slow.answer = hang
    await endpoint(api.client, slow.url)
    await endpoint(api.client, quick.url)
    events = await happens(database, 30)
    worker = api.container.deliverer()
    running = asyncio.create_task(worker.run())
    await quick.until(30)
    assert sorted(quick.ids) == sorted(events)
    assert len(slow.received) == 3
    release.set()
    await slow.until(30)
    worker.stop()
    await running
    assert sorted(slow.kept) == sorted(events)


async def test_an_endpoint_that_fails_is_tried_one_at_a_time_until_it_accepts(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    await happens(database, 4)
    await deliverer.take()
    await deliverer.settled()
    assert (await api.get(f"/v1/webhook-endpoints/{made['id']}"))["failing_since"]
    await happens(database, 4)
    await due_now(database)
    await deliverer.take()
    await deliverer.settled()
    assert len(consumer.received) == 5
    consumer.answer = lambda _: Answer(200)
    await due_now(database)
    await deliverer.drain()
    assert (await api.get(f"/v1/webhook-endpoints/{made['id']}"))["failing_since"] is None
    assert len(set(consumer.kept)) == 8


async def test_a_backlog_stays_in_the_feed_and_not_in_the_table(
    api: Caller,
    database: Database,
    consumer: Consumer,
    deliverer: Deliverer,
) -> None:
    """The bound is a thousand; one that is disabled for the time of the fan-out is as far behind as one can be."""
    made = await endpoint(api.client, consumer.url)
    path = f"/v1/webhook-endpoints/{made['id']}"
    await api.patch(path, {"status": "disabled"})
    connection = await database.connect()
    await connection.execute(
        """
        INSERT INTO changes (event, type, schema_version, position, invoice, subject, became, data)
        SELECT 'iev_' || n, 'invoice.paid', 1, (SELECT base FROM feed) + pg_current_xact_id()::text::bigint,
            'in_' || n, 'invoice', 'paid', '{}' FROM generate_series(1, 2500) n
        """
    )
    await api.patch(path, {"status": "enabled"})
    made_now = 0
    while count := await deliverer._relay.run_once():
        made_now += count
    assert fan_out_statements.MOST_PENDING <= made_now < 2500
    assert await connection.fetchval("SELECT count(*) FROM deliveries") == made_now
    await connection.close()
    await deliverer.drain()
    assert len(set(consumer.kept)) == 2500


async def test_410_disables_an_endpoint_at_once_and_says_so(
    api: Caller,
    database: Database,
    consumer: Consumer,
    deliverer: Deliverer,
) -> None:
    made = await endpoint(api.client, consumer.url, ordered=True)
    consumer.answer = lambda _: Answer(410)
    await happens(database, 3)
    await deliverer.drain()
    await due_now(database)
    await deliverer.drain()
    assert len(consumer.received) == 1
    read_ = await api.get(f"/v1/webhook-endpoints/{made['id']}")
    assert (read_["status"], read_["disabled_reason"]) == ("disabled", "gone")
    (entry, *_) = (await api.get("/v1/audit-log", subject=made["id"]))["data"]
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("worker", "disable_webhook_endpoint", "gone")


async def test_an_endpoint_that_did_nothing_but_fail_for_days_is_disabled_and_loses_nothing(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    events = await happens(database, 2)
    await deliverer.drain()
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert (await api.get(path))["status"] == "enabled"
    await run(database, "UPDATE webhook_endpoints SET failing_since = now() - interval '6 days'")
    await due_now(database)
    await deliverer.drain()
    disabled = await api.get(path)
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "failing")
    events += await happens(database, 2)
    consumer.received.clear()
    await deliverer.drain()
    assert not consumer.received
    consumer.answer = lambda _: Answer(200)
    enabled = await api.patch(path, {"status": "enabled"})
    assert enabled["failing_since"] is None
    await deliverer.drain()
    assert sorted(consumer.kept) == sorted(events)


async def test_a_success_between_failures_keeps_an_endpoint(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    events = await happens(database, 2)
    consumer.answer = lambda received: Answer(500 if received.id == events[1] else 200)
    await run(database, "UPDATE webhook_endpoints SET failing_since = now() - interval '6 days'")
    await deliverer.drain()
    await due_now(database)
    await deliverer.drain()
    assert consumer.kept == events[:1]
    assert (await api.get(f"/v1/webhook-endpoints/{made['id']}"))["status"] == "enabled"


@pytest.mark.parametrize("answer", [410, 200, 500])
async def test_what_the_old_url_answers_says_nothing_about_the_new_one(
    api: Caller, database: Database, make_consumer: MakeConsumer, deliverer: Deliverer, answer: int
) -> None:
    old, new = await make_consumer(), await make_consumer()
    made = await endpoint(api.client, old.url)
    path = f"/v1/webhook-endpoints/{made['id']}"
    moved = asyncio.Event()

    async def late(_: Received) -> Answer:
        await moved.wait()
        return Answer(answer)

    old.answer = late
    (event,) = await happens(database)
    await deliverer.take()
    await old.until(1)
    await api.patch(path, {"url": new.url})
    await run(database, "UPDATE webhook_endpoints SET failing_since = now() - interval '6 days'")
    moved.set()
    await deliverer.settled()
    now = await api.get(path)
    assert (now["status"], bool(now["failing_since"])) == ("enabled", True)
    (entry,) = await log(api, made)
    assert entry["last_status"] == answer
    await due_now(database)
    await deliverer.drain()
    assert new.kept == ([] if answer == 200 else [event])


async def test_a_410_from_before_an_endpoint_was_enabled_again_does_not_disable_it(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    path = f"/v1/webhook-endpoints/{made['id']}"
    enabled = asyncio.Event()

    async def late(_: Received) -> Answer:
        await enabled.wait()
        return Answer(410)

    consumer.answer = late
    await happens(database)
    await deliverer.take()
    await consumer.until(1)
    for status in ("disabled", "enabled"):
        await api.patch(path, {"status": status})
    enabled.set()
    await deliverer.settled()
    assert (await api.get(path))["status"] == "enabled"


async def test_another_url_has_not_failed_yet(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    await happens(database)
    await deliverer.drain()
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert (await api.patch(path, {"url": consumer.url, "description": "the same"}))["failing_since"]
    assert (await api.patch(path, {"url": f"{consumer.url}/v2"}))["failing_since"] is None


async def test_an_endpoint_that_was_sent_nothing_for_days_begins_to_fail_anew(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    await happens(database)
    await deliverer.drain()
    await run(
        database,
        "UPDATE webhook_endpoints SET failing_since = now() - interval '6 days', "
        "last_failure_at = now() - interval '5 days'",
    )
    await due_now(database)
    await deliverer.drain()
    now = await api.get(f"/v1/webhook-endpoints/{made['id']}")
    assert now["status"] == "enabled"
    assert datetime.now(UTC) - datetime.fromisoformat(now["failing_since"]) < timedelta(minutes=1)


async def test_outcomes_outlive_a_deadlock_and_nothing_is_sent_twice(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    answered = asyncio.Event()

    async def when_told(_: Received) -> Answer:
        await answered.wait()
        return Answer(200)

    consumer.answer = when_told
    await happens(database, 8)
    await deliverer.take()
    await consumer.until(8)
    other, observer = await database.connect(), await database.connect()
    await other.execute("SET deadlock_timeout = '60s'")  # so that the deliverer is the one that is broken off
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def waits() -> bool:
        return bool(await observer.fetchval(waiting))

    async with other.transaction():
        await other.execute("SELECT FROM deliveries ORDER BY id DESC LIMIT 1 FOR UPDATE")
        answered.set()
        await until(waits)
        await other.execute("SELECT FROM webhook_endpoints FOR UPDATE")
        await other.execute("SELECT FROM deliveries FOR UPDATE")
    await deliverer.settled()
    await other.close()
    await observer.close()
    assert {entry["status"] for entry in await log(api, made)} == {"delivered"}
    await deliverer.drain()
    assert len(consumer.received) == 8


async def test_what_waited_for_an_endpoint_that_is_deleted_is_canceled(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    consumer.answer = lambda _: Answer(500)
    await happens(database, 2)
    await deliverer.drain()
    waiting = await log(api, made)
    await api.delete(f"/v1/webhook-endpoints/{made['id']}")
    await happens(database)
    await due_now(database)
    consumer.received.clear()
    await deliverer.drain()
    assert not consumer.received
    for entry in waiting:
        assert (await api.get(f"/v1/deliveries/{entry['id']}"))["status"] == "canceled"
    await api.refused("POST", f"/v1/deliveries/{waiting[0]['id']}/redeliver", 409, "invalid_state")


# Lies, and asking again


async def test_what_an_endpoint_said_it_received_and_lost_can_be_had_again(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    since = datetime.now(UTC).isoformat()
    events = await happens(database, 5)
    await deliverer.drain()
    assert {entry["status"] for entry in await log(api, made)} == {"delivered"}
    path = f"/v1/webhook-endpoints/{made['id']}/redeliver"
    assert (await api.post(path, {"since": since}))["redelivered"] == 0
    again = await api.post(path, {"since": since, "statuses": ["delivered"]})
    assert again == {"endpoint": made["id"], "redelivered": 5}
    first = {entry["id"]: entry["delivered_at"] for entry in await log(api, made)}
    await deliverer.drain()
    assert sorted(consumer.ids) == sorted(events * 2)
    assert {entry["id"]: entry["delivered_at"] for entry in await log(api, made)} == first


async def test_asking_for_all_that_failed_of_a_span_of_time_leaves_the_rest_alone(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    events = await happens(database, 4)
    consumer.answer = lambda received: Answer(500 if received.id in events[:2] else 200)
    await deliverer.drain()
    await run(database, "UPDATE deliveries SET created_at = '2026-01-01' WHERE event = $1", events[0])
    path = f"/v1/webhook-endpoints/{made['id']}/redeliver"
    until = await api.post(path, {"since": "2025-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"})
    assert until["redelivered"] == 1
    assert (await api.post(path, {"since": "2026-02-01T00:00:00Z"}))["redelivered"] == 1


async def test_a_redelivery_is_idempotent_and_of_something_that_exists(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    await happens(database)
    await deliverer.drain()
    (entry,) = await log(api, made)
    for _ in range(2):
        await api.post(f"/v1/deliveries/{entry['id']}/redeliver", headers={"Idempotency-Key": "again"})
        await deliverer.drain()
    assert len(consumer.received) == 2
    await api.refused("POST", "/v1/deliveries/dlv_none/redeliver", 404, "not_found")
    await api.refused("GET", "/v1/deliveries/dlv_none", 404, "not_found")


# Workers that die


async def test_what_a_dead_worker_held_comes_due_again_and_its_loss_is_in_the_log(
    api: Caller, database: Database, consumer: Consumer, container: Container, make_deliverer: Callable[[], Deliverer]
) -> None:
    made = await endpoint(api.client, consumer.url, ordered=True)
    (event,) = await happens(database)
    dead = make_deliverer()
    await dead._relay.run_once()
    async with container.database.connection() as connection:
        (held,) = await delivery_statements.claim(connection, 10, each=8, busy={}, lease=timedelta(0))
    assert held.event == event
    await make_deliverer().drain()
    assert consumer.ids == [event]
    (entry,) = await log(api, made)
    assert (entry["status"], entry["attempts"]) == ("delivered", 2)
    assert [one["error"] for one in entry["log"]] == ["worker_lost", None]


async def test_the_word_of_a_worker_whose_lease_has_ended_counts_for_nothing(
    api: Caller, database: Database, consumer: Consumer, container: Container, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    await happens(database)
    await deliverer._relay.run_once()
    async with container.database.connection() as connection:
        (held,) = await delivery_statements.claim(connection, 10, each=8, busy={}, lease=timedelta(0))
        await deliverer.drain()
        attempt = Attempt("2026-11-22T00:00:00.000Z", 1, 500, Failure.STATUS)
        late = delivery_statements.Outcome(held, attempt, DeliveryStatus.FAILED, timedelta(seconds=5))
        assert await delivery_statements.finish(connection, [late], timedelta(days=5)) == []
    (entry,) = await log(api, made)
    assert (entry["status"], entry["attempts"]) == ("delivered", 2)


async def test_a_worker_that_slept_past_its_lease_sends_nothing(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer, make_deliverer: Callable[[], Deliverer]
) -> None:
    await endpoint(api.client, consumer.url, ordered=True)
    first, second = await happens(database, 2)
    deliverer._settings = replace(deliverer._settings, lease=timedelta(0))
    await deliverer.drain()
    assert consumer.ids == []
    await make_deliverer().drain()
    assert consumer.ids == [first, second]


async def test_a_delivery_that_kills_its_workers_ends_dead(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    await happens(database)
    await deliverer._relay.run_once()
    await run(
        database,
        "UPDATE deliveries SET status = 'delivering', attempts = $1, next_attempt_at = now()",
        MOST_ATTEMPTS,
    )
    await deliverer.drain()
    (entry,) = await log(api, made)
    assert (entry["status"], entry["last_error"]) == ("dead", "worker_lost")
    assert not consumer.received


# Keeping house


async def test_what_the_feed_has_forgotten_is_not_delivered_and_said_to_be_gone(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    await happens(database)
    await deliverer._relay.run_once()
    await run(database, "DELETE FROM changes")
    await deliverer.drain()
    (entry,) = await log(api, made)
    assert (entry["status"], entry["last_error"]) == ("dead", "event_gone")
    assert not consumer.received


async def test_an_endpoint_that_missed_what_is_forgotten_does_not_go_on_as_if_nothing_were(
    api: Caller, database: Database, consumer: Consumer
) -> None:
    made = await endpoint(api.client, consumer.url)
    path = f"/v1/webhook-endpoints/{made['id']}"
    await api.patch(path, {"status": "disabled"})
    await happens(database, 2)
    await run(database, "UPDATE feed SET gone_position = (SELECT max(position) FROM changes), gone_change = 1")
    refused = await api.refused("PATCH", path, 409, "invalid_state", {"status": "enabled"})
    assert "make a new endpoint" in refused["detail"]
    assert (await api.get(path))["status"] == "disabled"


async def test_old_deliveries_are_forgotten_and_what_waits_is_not(
    api: Caller, database: Database, consumer: Consumer, container: Container, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    events = await happens(database, 3)
    consumer.answer = lambda received: Answer(500 if received.id == events[0] else 200)
    await deliverer.drain()
    await run(database, "UPDATE deliveries SET created_at = now() - interval '31 days' WHERE event <> $1", events[2])
    task = purge_deliveries(container.database, timedelta(days=30))
    assert await task.work() == 1
    assert sorted(entry["event"] for entry in await log(api, made)) == sorted([events[0], events[2]])


async def test_a_filter_finds_deliveries_by_what_they_are_of(
    api: Caller, database: Database, consumer: Consumer, deliverer: Deliverer
) -> None:
    made = await endpoint(api.client, consumer.url)
    (event,) = await happens(database, id="in_mine", status="paid")
    await happens(database, status="open")
    await deliverer.drain()
    for wanted in ({"event": event}, {"invoice": "in_mine"}, {"type": "invoice.paid"}):
        assert [entry["event"] for entry in await log(api, made, **wanted)] == [event]


async def test_endpoints_are_served_while_the_database_comes_and_goes(
    api: Caller, database: Database, consumer: Consumer, make_deliverer: Callable[[], Deliverer]
) -> None:
    await endpoint(api.client, consumer.url)
    worker = make_deliverer()
    running = asyncio.create_task(worker.run())
    events = await happens(database, 3)
    await consumer.until(3)
    await run(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    events += await happens(database, 3)
    await consumer.until(6)
    worker.stop()
    await running
    assert set(consumer.kept) == set(events)
