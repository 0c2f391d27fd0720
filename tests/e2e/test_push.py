"""Deliveries by real processes: consumers of every kind, and workers that are killed or told to stop meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.fixtures.caller import ITEM
from tests.fixtures.consumer import CLOSE, Answer, Consumer, MakeConsumer, Raw, Received, endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.service import MakeService, Service

pytestmark = pytest.mark.e2e
Json = dict[str, Any]
Eventually = Callable[..., Awaitable[Any]]
QUICK = {"OUTGOING_TIMEOUT_S": "0.5", "WORKER_POLL_S": "0.2"}


def first_times(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))


async def statuses(service: Service, made: Json) -> set[str]:
    answer = await service.client.get(f"/v1/webhook-endpoints/{made['id']}/deliveries", params={"limit": 100})
    return {entry["status"] for entry in answer.json()["data"]}


async def run(database: Database, statement: str) -> None:
    connection = await database.connect()
    await connection.execute(statement)
    await connection.close()


async def test_workers_killed_in_the_middle_lose_nothing_and_keep_the_order(
    database: Database, make_service: MakeService, make_consumer: MakeConsumer, eventually: Eventually
) -> None:
    service = await make_service(database_url=database.url, **QUICK)
    many, ordered = await make_consumer(), await make_consumer()

    async def slowly(_: Received) -> Answer:
        await asyncio.sleep(0.01)
        return Answer(200)

    many.answer = ordered.answer = slowly
    endpoints = [
        await endpoint(service.client, many.url),
        await endpoint(service.client, ordered.url, ordered=True),
    ]
    events: list[str] = []
    for kill in range(3):
        before = len(ordered.received)
        events += await happens(database, 40)
        await ordered.until(before + 8)
        service.kill("worker", signal.SIGKILL)
        service.start("worker")
        assert kill < 3

    async def all_kept() -> bool:
        return set(many.kept) >= set(events) and set(ordered.kept) >= set(events)

    await eventually(all_kept, within=60)
    assert first_times(ordered.ids) == events
    assert [one for one, _ in itertools.groupby(ordered.ids)] == events, "only what was under way came twice"
    bodies: dict[str, bytes] = {}
    for received in (*many.received, *ordered.received):
        assert bodies.setdefault(received.id, received.body) == received.body

    async def settled() -> bool:
        return [await statuses(service, one) for one in endpoints] == [{"delivered"}, {"delivered"}]

    await eventually(settled)
    for secret in (one["secret"] for one in endpoints):
        assert secret not in service.logs("api") + service.logs("worker")


async def test_a_worker_that_is_told_to_stop_ends_what_is_under_way_and_nothing_comes_twice(
    database: Database, make_service: MakeService, consumer: Consumer, eventually: Eventually
) -> None:
    service = await make_service(database_url=database.url, OUTGOING_TIMEOUT_S="20")
    made = await endpoint(service.client, consumer.url)
    release = asyncio.Event()

    async def hold(_: Received) -> Answer:
        await release.wait()
        return Answer(200)

    consumer.answer = hold
    events = await happens(database, 4)
    await consumer.until(4)
    service.send("worker", signal.SIGTERM)
    release.set()

    async def ended() -> bool:
        return service.exit_status("worker") is not None

    await eventually(ended)
    assert service.exit_status("worker") == 0
    assert await statuses(service, made) == {"delivered"}
    service.start("worker")
    events += await happens(database, 2)
    await consumer.until(6)
    assert sorted(consumer.ids) == sorted(events)


async def test_consumers_that_crash_lag_err_hang_and_lie_harm_nobody_and_lose_nothing(
    database: Database, make_service: MakeService, make_consumer: MakeConsumer, eventually: Eventually
) -> None:
    service = await make_service(database_url=database.url, **QUICK)
    kinds = ["good", "crashes", "errs", "hangs", "lags", "drips", "lies"]
    consumers = {kind: await make_consumer() for kind in kinds}
    made = {
        kind: await endpoint(service.client, one.url, ordered=kind in {"lags", "errs"})
        for kind, one in consumers.items()
    }

    async def never(_: Received) -> Answer:
        await asyncio.Event().wait()
        return Answer(200)

    async def late(_: Received) -> Answer:
        await asyncio.sleep(0.1)
        return Answer(202)

    consumers["crashes"].answer = lambda _: CLOSE
    consumers["errs"].answer = lambda _: Answer(503)
    consumers["hangs"].answer = never
    consumers["lags"].answer = late
    consumers["drips"].answer = lambda _: Raw([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 100], every_s=0.1)

    customer = (await service.client.post("/v1/customers", json={"name": "Jenny", "email": "j@example.com"})).json()
    wanted = {"customer": customer["id"], "days_until_due": 30, "items": [ITEM], "finalize": True}
    invoices = [(await service.client.post("/v1/invoices", json=wanted)).json()["id"] for _ in range(3)]
    for invoice in invoices:
        paid = await service.client.post(f"/v1/invoices/{invoice}/pay", json={"payment_method": "pm_card_visa"})
        assert paid.is_success

    async def good_has_all() -> bool:
        fulfilled = [one.event["subject"] for one in consumers["good"].received if "fulfilled" in one.event["type"]]
        return sorted(fulfilled) == sorted(invoices)

    await eventually(good_has_all)
    events = [event["id"] for event in (await service.client.get("/v1/events", params={"limit": 500})).json()["data"]]
    await eventually(lambda: kept(consumers["lags"], events))
    assert consumers["lags"].ids == events

    # They come to their senses; the one that lied says so.
    for one in consumers.values():
        one.answer = lambda _: Answer(200)
    consumers["lies"].kept.clear()
    again = {"since": "2026-01-01T00:00:00Z", "statuses": ["delivered"]}
    answer = await service.client.post(f"/v1/webhook-endpoints/{made['lies']['id']}/redeliver", json=again)
    assert answer.json()["redelivered"] == len(events)

    async def all_keep_all() -> bool:
        await run(database, "UPDATE deliveries SET next_attempt_at = now() WHERE status = 'failed'")
        return all([await kept(one, events) for one in consumers.values()])

    await eventually(all_keep_all, within=60)
    assert first_times(consumers["errs"].kept) == events
    for kind in ("crashes", "errs", "hangs", "drips"):
        assert set(consumers[kind].ids) == set(events), kind


async def kept(consumer: Consumer, events: list[str]) -> bool:
    return set(consumer.kept) == set(events)


async def test_the_intake_and_other_endpoints_do_not_wait_for_one_that_hangs(
    database: Database, make_service: MakeService, make_consumer: MakeConsumer, eventually: Eventually
) -> None:
    service = await make_service(database_url=database.url, OUTGOING_TIMEOUT_S="25")
    hangs, quick = await make_consumer(), await make_consumer()

    async def never(_: Received) -> Answer:
        await asyncio.Event().wait()
        return Answer(200)

    hangs.answer = never
    await endpoint(service.client, hangs.url)
    await endpoint(service.client, quick.url)
    events = await happens(database, 200)
    await hangs.until(8)
    await eventually(lambda: kept(quick, events))
    assert len(hangs.received) == 8
    assert (await service.client.get("/readyz")).status_code == httpx.codes.OK
