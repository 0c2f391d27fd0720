"""The feed over HTTP: read page by page, waited for, and streamed; whatever ends a stream, its caller misses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import time_machine
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from app.access.tokens import LEEWAY_S
from app.domain.changes import Change
from app.domain.events import START, TYPES, Cursor
from app.domain.outgoing import PING
from app.events import live, sse
from app.events.feed_statements import Query
from app.events.live import LiveFeed, Subscription
from app.events.schemas import (
    CreditNoteEvent,
    DisputeEvent,
    FulfillmentEvent,
    InvoiceEvent,
    PaymentEvent,
    RefundEvent,
)
from app.http.protocol import ABORT, BoundedProtocol
from app.jobs import notifications
from app.main import create_app, end_streams
from app.observability import metrics
from app.outgoing.openapi import MEDIA_TYPE
from app.projection import change_statements
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.billing import open_invoice, payment_link
from tests.fixtures.caller import Caller
from tests.fixtures.feed import settled
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.service import API_KEY
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

Json = dict[str, Any]


class Listening:
    """A stream that is being read, in the application's own process: what it told, and how it ended."""

    def __init__(self, app: FastAPI, path: str, headers: dict[str, str], query: str) -> None:
        self.status = 0
        self.lines: list[str] = []
        self.events: list[Json] = []
        self.ids: list[str] = []
        self.problem = b""
        self._grew = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._left = asyncio.Event()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "extensions": {ABORT: {"abort": self.leave}},
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Json:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await self._reads.wait()
        if self.status != 200:
            self.problem += message["body"]
        for line in message["body"].decode().split("\n"):
            self.lines.append(line)
            if line.startswith("id: "):
                self.ids.append(line.removeprefix("id: "))
            elif line.startswith("data: {"):
                self.events.append(json.loads(line.removeprefix("data: ")))
        self._grew.set()

    async def told(self, count: int) -> list[str]:
        """The types of its events, once there are `count` of them."""
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self._grew.clear()
                await self._grew.wait()
        return [event["type"] for event in self.events]

    async def open(self) -> None:
        async with asyncio.timeout(10):
            while not self.ids and not self.task.done():
                self._grew.clear()
                await self._grew.wait()

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_again(self) -> None:
        self._reads.set()

    def leave(self) -> None:
        self._left.set()

    async def ended(self) -> None:
        async with asyncio.timeout(10):  # sooner than the next heartbeat
            await self.task


Listen = Callable[..., Listening]
POLL = {"path": "/v1/events", "query": "after=now&wait=30"}


@contextlib.asynccontextmanager
async def listeners(app: FastAPI) -> AsyncIterator[Listen]:
    made: list[Listening] = []

    def listen(path: str = "/v1/events/stream", query: str = "", token: str = API_KEY, **headers: str) -> Listening:
        given = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): it for name, it in headers.items()}}
        made.append(Listening(app, path, given, query))
        return made[-1]

    yield listen
    for one in made:
        one.leave()
        one.read_again()
    await asyncio.gather(*(one.task for one in made), return_exceptions=True)


@pytest.fixture
async def listen(app: FastAPI) -> AsyncIterator[Listen]:
    async with listeners(app) as made:
        yield made


async def told(stage: Stage, **options: Any) -> Json:
    """An invoice that the service has heard of."""
    invoice = await stage.invoice(**options)
    await stage.tell(*await stage.events())
    return invoice


async def voided(stage: Stage, invoice: Json) -> None:
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    await stage.tell(*await stage.events("invoice.voided"))


async def every(client: httpx.AsyncClient, **params: Any) -> list[Json]:
    found: list[Json] = []
    more = True
    while more:
        page = (await client.get("/v1/events", params=params)).json()
        found += page["data"]
        more, params["after"] = page["has_more"], page["next_cursor"]
    return found


# Pull


async def test_paging_through_the_feed_shows_every_event_once_and_in_order(stage: Stage) -> None:
    for _ in range(3):
        await told(stage)
    whole = await every(stage.client)
    paged = await every(stage.client, limit=2)
    assert paged == whole
    assert [one["type"] for one in whole].count("fulfillment.awaiting_payment") == 3
    assert [one["sequence"] for one in whole] == sorted({one["sequence"] for one in whole})
    assert len({one["id"] for one in whole}) == len(whole)


async def test_an_event_is_a_cloud_event_and_its_sequence_is_a_cursor(api: Caller) -> None:
    invoice = await api.open()
    page = await api.get("/v1/events", invoice=invoice["id"])
    first = page["data"][0]
    assert (first["specversion"], first["type"], first["subject"]) == ("1.0", "invoice.finalized", invoice["id"])
    assert first["source"].startswith("http://127.0.0.1:")
    behind = await api.get("/v1/events", invoice=invoice["id"], after=first["sequence"])
    assert behind["data"] == page["data"][1:]


async def test_the_end_of_the_feed_has_a_cursor_too(api: Caller) -> None:
    empty = await api.get("/v1/events", after="now")
    assert (empty["data"], empty["has_more"]) == ([], False)
    invoice = await api.open()
    page = await api.get("/v1/events", after=empty["next_cursor"])
    assert {event["subject"] for event in page["data"]} == {invoice["id"]}
    assert (await api.get("/v1/events", after=page["next_cursor"]))["data"] == []


async def test_only_the_types_that_are_asked_for_are_told(stage: Stage) -> None:
    await voided(stage, await told(stage))
    found = await every(stage.client, types="invoice.voided,fulfillment.canceled")
    assert [event["type"] for event in found] == ["invoice.voided", "fulfillment.canceled"]
    assert await every(stage.client, types="invoice.paid") == []


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"types": "invoice.paid,invoice.lost"}, "types"),
        ({"after": "yesterday"}, "after"),
        ({"after": str(Cursor(2**62, 1))}, "after"),
        ({"limit": 0}, "limit"),
        ({"wait": 31}, "wait"),
    ],
)
async def test_what_cannot_be_asked_of_the_feed_is_refused_by_name(api: Caller, params: Json, param: str) -> None:
    problem = await api.refused("GET", "/v1/events", 422, "validation_error", params=params)
    assert problem["param"] == param


async def test_a_long_poll_answers_as_soon_as_something_happens(api: Caller) -> None:
    waiting = asyncio.create_task(api.get("/v1/events", after="now", wait=20))
    await until(lambda: asyncio.sleep(0, waits_for(api)))
    async with asyncio.timeout(10):
        invoice = await api.draft()
        page = await waiting
    assert page["data"][0]["subject"] == invoice["id"]
    assert [event["type"] for event in page["data"]] == ["invoice.created"]


def waits_for(api: Caller) -> bool:
    found: int = api.client._transport.app.state.container.live.listening  # type: ignore[attr-defined]
    return bool(found)


async def test_a_long_poll_that_hears_nothing_answers_an_empty_page_with_a_cursor(
    make_app: Callable[..., Any],
) -> None:
    for settings in ({"event_wait_s": 0.05}, {"request_timeout_s": 2.0}):
        api = await make_app(**settings)
        page = await api.get("/v1/events", after="now", wait=30)
        assert (page["data"], page["has_more"]) == ([], False)
        assert Cursor.read(page["next_cursor"]) == START  # there was no event yet


async def test_a_long_poll_shows_no_more_than_it_was_asked_for_and_says_so(stage: Stage) -> None:
    end = (await stage.client.get("/v1/events", params={"after": "now"})).json()["next_cursor"]
    waiting = asyncio.create_task(stage.client.get("/v1/events", params={"after": end, "wait": 20, "limit": 1}))
    await until(lambda: asyncio.sleep(0, stage.container.live.listening))
    await told(stage)
    first = (await waiting).json()
    rest = await every(stage.client, after=first["next_cursor"])
    assert first["data"] + rest == await every(stage.client, after=end)
    assert len(first["data"]) == 1


# Live


async def test_a_stream_tells_what_happens_from_now_on(stage: Stage, listen: Listen) -> None:
    await told(stage)
    stream = listen()
    await stream.open()
    invoice = await told(stage)
    assert (await stream.told(1))[0].startswith("invoice.")
    await voided(stage, invoice)
    assert "invoice.voided" in await stream.told(len(await every(stage.client, invoice=invoice["id"])))
    assert stream.events == await every(stage.client, invoice=invoice["id"])
    assert {event["subject"] for event in stream.events} == {invoice["id"]}


async def test_a_stream_resumes_after_the_last_event_that_was_received(stage: Stage, listen: Listen) -> None:
    await told(stage)
    whole = await every(stage.client)
    for resumed in ({"Last_Event_ID": whole[0]["sequence"]}, {"query": f"after={whole[0]['sequence']}"}):
        stream = listen(**resumed)
        await stream.told(len(whole) - 1)
        assert stream.events == whole[1:]
    last = listen(Last_Event_ID=whole[1]["sequence"], query="after=start")
    await last.told(len(whole) - 2)
    assert last.events == whole[2:]


async def test_a_stream_of_an_invoice_begins_with_all_that_happened_to_it(stage: Stage, listen: Listen) -> None:
    invoice, other = await told(stage), await told(stage)
    stream = listen(f"/v1/invoices/{invoice['id']}/events")
    before = await every(stage.client, invoice=invoice["id"])
    await stream.told(len(before))
    await voided(stage, other)
    await voided(stage, invoice)
    whole = await every(stage.client, invoice=invoice["id"])
    await stream.told(len(whole))
    assert stream.events == whole
    assert len(whole) > len(before)


async def test_an_invoice_that_is_not_known_has_no_stream(listen: Listen) -> None:
    stream = listen("/v1/invoices/in_none/events")
    await stream.ended()
    assert stream.status == 404


@pytest.mark.parametrize(
    ("query", "headers", "param"),
    [
        ("types=invoice.lost", {}, "types"),
        ("after=x", {}, "after"),
        ("", {"Last_Event_ID": "x"}, "Last-Event-ID"),
        ("", {"Last_Event_ID": str(Cursor(2**62, 1))}, "Last-Event-ID"),
    ],
)
async def test_what_cannot_be_streamed_is_refused_by_name(
    listen: Listen, query: str, headers: dict[str, str], param: str
) -> None:
    stream = listen(query=query, **headers)
    await stream.ended()
    assert (stream.status, json.loads(stream.problem)["param"]) == (422, param)


async def test_a_silent_stream_is_kept_alive_and_its_id_moves_on(settings: Settings, stage: Stage) -> None:
    application = create_app(settings.model_copy(update={"stream_heartbeat_s": 0.05}))
    async with running(application), listeners(application) as listen:
        stream = listen(query="types=invoice.deleted")
        await stream.open()
        await told(stage)
        last = (await every(stage.client))[-1]["sequence"]
        await until(lambda: asyncio.sleep(0, stream.ids[-1] >= last))
        assert stream.events == []
        assert stream.lines.count(": ") >= 2


async def test_a_stream_ends_when_its_key_is_revoked(settings: Settings, stage: Stage) -> None:
    application = create_app(settings.model_copy(update={"stream_heartbeat_s": 0.05}))
    async with running(application), listeners(application) as listen:
        made = (await stage.client.post("/v1/api-keys", json={"name": "x", "scopes": ["feed:read"]})).json()
        stream = listen(token=made["key"])
        await stream.open()
        assert not stream.task.done()
        assert (await stage.client.post(f"/v1/api-keys/{made['id']}/revoke")).status_code == 200
        await stream.ended()
    assert stream.status == 200


async def key_of(stage: Stage, *scopes: str) -> Json:
    made: Json = (await stage.client.post("/v1/api-keys", json={"name": "x", "scopes": scopes})).json()
    return made


async def test_a_stream_and_a_long_poll_end_at_once_when_their_key_is_revoked(app: FastAPI, stage: Stage) -> None:
    assert app.state.container.settings.stream_heartbeat_s > 10
    ending, staying = await key_of(stage, "feed:read"), await key_of(stage, "feed:read")
    async with listeners(app) as listen:
        stream, poll = (listen(token=ending["key"], **at) for at in ({}, POLL))
        others = [listen(token=staying["key"], **at) for at in ({}, POLL)]
        for one in (stream, others[0]):
            await one.open()
        await until(lambda: asyncio.sleep(0, app.state.container.live.listening == 4))
        rotated = await stage.client.post(f"/v1/api-keys/{staying['id']}/rotate", json={"overlap_s": 60})
        assert rotated.status_code == 201  # and a key with an overlap is in force until it ends
        await others[1].ended()
        assert (others[1].status, json.loads("".join(others[1].lines))["data"]) == (200, [])
        assert (await stage.client.post(f"/v1/api-keys/{ending['id']}/revoke")).status_code == 200
        await stream.ended()
        await poll.ended()
        assert (poll.status, json.loads(poll.problem)["code"]) == (401, "unauthenticated")
        assert not others[0].task.done()
    assert app.state.container.keyring._watched == {}


async def test_a_key_revoked_before_its_stream_and_long_poll_were_watched_opens_neither(
    app: FastAPI, stage: Stage
) -> None:
    made = await key_of(stage, "feed:read")
    async with listeners(app) as listen:
        async with app.state.container.live._starting:  # both are let in, and wait here
            asked = [listen(token=made["key"], **at) for at in ({}, POLL)]
            await until(lambda: asyncio.sleep(0, app.state.container.live.listening == 2))
            assert (await stage.client.post(f"/v1/api-keys/{made['id']}/revoke")).status_code == 200
        for one in asked:
            await one.ended()
            assert (one.status, json.loads(one.problem)["code"]) == (401, "unauthenticated")
    assert app.state.container.keyring._watched == {}


async def test_the_stream_of_a_payment_link_ends_at_once_when_it_is_revoked(app: FastAPI, stage: Stage) -> None:
    assert app.state.container.settings.stream_heartbeat_s > 10
    invoice = await open_invoice(stage.client)
    ending, staying = [await payment_link(stage.client, invoice["id"]) for _ in range(2)]
    async with listeners(app) as listen:
        of_ending, of_staying = [listen(f"{urlsplit(link['url']).path}/events") for link in (ending, staying)]
        for one in (of_ending, of_staying):
            await one.open()
        revoked = await stage.client.delete(f"/v1/invoices/{invoice['id']}/payment-link/{ending['id']}")
        assert revoked.status_code == 200
        await of_ending.ended()
        assert (of_ending.status, of_staying.task.done()) == (200, False)
    assert app.state.container.keyring._watched == {}


async def test_a_key_takes_its_share_of_the_streams_long_polls_among_them(settings: Settings, stage: Stage) -> None:
    application = create_app(settings.model_copy(update={"stream_limit": 6, "stream_limit_caller": 2}))
    greedy, modest = await key_of(stage, "feed:read"), await key_of(stage, "feed:read")
    async with running(application), listeners(application) as listen:
        await listen(token=greedy["key"]).open()
        listen(token=greedy["key"], **POLL)
        await until(lambda: asyncio.sleep(0, application.state.container.live.listening == 2))
        for more in ({}, POLL):
            refused = listen(token=greedy["key"], **more)
            await refused.ended()
            assert (refused.status, json.loads(refused.problem)["code"]) == (429, "rate_limited")
        other = listen(token=modest["key"])
        await other.open()
        assert other.status == 200
        await stage.client.post(f"/v1/api-keys/{greedy['id']}/revoke")  # the long poll would be waited for


async def test_a_stream_ends_when_its_persons_token_expires(
    settings: Settings, identity_provider: IdentityProvider, stage: Stage
) -> None:
    changed = {name.lower(): value for name, value in identity_provider.settings.items()} | {"stream_heartbeat_s": 0.05}
    await stage.client.post("/v1/customers", json={"reference": "jenny", "email": "jenny@example.com"})
    application = create_app(settings.model_copy(update=changed))
    counted = metrics.STREAMS_ENDED("unauthenticated")
    before = counted._value.get()
    async with running(application), listeners(application) as listen:
        stream = listen(token=identity_provider.token("jenny", exp=int(time.time()) + 60))
        await stream.open()
        assert stream.status == 200
        with time_machine.travel(timedelta(seconds=60 + LEEWAY_S), tick=True):
            await stream.ended()
    assert counted._value.get() == before + 1


async def test_a_stream_outlives_a_database_that_is_away(
    postgres_server: Callable[[], PrivatePostgres], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (live, sse):
        monkeypatch.setattr(module, "AGAIN_S", 0.05)
    monkeypatch.setattr(notifications, "LISTEN_AGAIN_S", 0.05)
    server = postgres_server()
    changed = {"database_url": SecretStr(server.url), "stream_heartbeat_s": 0.1}
    application = create_app(settings.model_copy(update=changed))
    async with running(application), listeners(application) as listen:
        stream = listen()
        await stream.open()
        await asyncio.to_thread(server.stop)
        beats = len(stream.ids)
        await until(lambda: asyncio.sleep(0, len(stream.ids) > beats + 2))
        await asyncio.to_thread(server.start)
        connection = await asyncpg.connect(server.url)
        told = {"id": "in_1", "status": "open", "customer": None}
        await change_statements.add(connection, [Change("invoice", "draft", told, None).row(told)])
        assert await stream.told(1) == ["invoice.finalized"]
        await connection.close()


async def test_a_payment_link_s_stream_says_that_something_changed_and_not_what(
    settings: Settings, stage: Stage
) -> None:
    application = create_app(settings.model_copy(update={"stream_heartbeat_s": 0.05}))
    invoice, other = await told(stage), await told(stage)
    link = (await stage.client.post(f"/v1/invoices/{invoice['id']}/payment-link")).json()
    path = urlsplit(link["url"]).path
    async with running(application), listeners(application) as listen:
        stream, forged = listen(f"{path}/events", token=""), listen(f"{path[:-1]}/events", token="")
        await stream.open()
        await forged.ended()
        assert forged.status == 404
        await voided(stage, other)
        await voided(stage, invoice)
        await until(lambda: asyncio.sleep(0, "data: changed" in stream.lines))
        assert {line for line in stream.lines if line.startswith("data: ")} == {"data: changed"}
        ids = [event["sequence"] for event in await every(stage.client, invoice=invoice["id"])]
        assert set(ids) & set(stream.ids)
        assert stream.events == []
        revoked = await stage.client.delete(f"/v1/invoices/{invoice['id']}/payment-link/{link['id']}")
        assert revoked.status_code == 200
        await stream.ended()


async def test_a_stream_ends_when_it_has_lived_long_enough(settings: Settings) -> None:
    application = create_app(settings.model_copy(update={"stream_lifetime_s": 0.05}))
    async with running(application), listeners(application) as listen:
        stream = listen()
        await stream.ended()
        assert stream.ids


async def test_streams_end_when_the_process_is_about_to(app: FastAPI, listen: Listen) -> None:
    streams = [listen() for _ in range(3)]
    for stream in streams:
        await stream.open()
    end_streams(app)
    for stream in streams:
        await stream.ended()
    assert app.state.container.live.listening == 0


def test_an_application_that_has_not_started_has_no_streams_to_end(settings: Settings) -> None:
    end_streams(create_app(settings))


async def test_what_happens_reaches_whoever_wants_it_and_nobody_else(stage: Stage, app: FastAPI) -> None:
    mine, other = await told(stage), await told(stage)
    finished, never = frozenset({"invoice.voided"}), frozenset({"invoice.deleted"})
    asked = [
        Query(),
        Query(types=finished),
        Query(types=finished),
        Query(types=never),
        Query(invoice=mine["id"]),
        Query(finished, invoice=mine["id"]),
        Query(customer=other["customer"]),
        Query(invoice=mine["id"], customer=mine["customer"]),
        Query(invoice=mine["id"], customer=other["customer"]),
    ]
    container = app.state.container
    async with container.database.connection() as connection:
        now = (await settled(connection)).upto
        places = [await container.live.subscribe(wanted, now) for wanted in asked]
        for place in places:
            assert await place.take(0) == []  # it has caught up, and joins in
        await voided(stage, mine)
        await voided(stage, other)
        happened = (await settled(connection, now)).events
    heard: list[Cursor] = []
    while len(heard) < len(happened):
        heard += [one.cursor for one in await places[0].take(10)]
    assert heard == [event.cursor for event in happened]
    for wanted, place in list(zip(asked, places, strict=True))[1:]:
        told_of = [one.cursor for one in await place.take(0)]
        assert told_of == [event.cursor for event in happened if wanted.includes(event)], wanted
    for place in places:
        place.close()
    assert not container.live._places


@types.coroutine
def cancelled_at(inner: Coroutine[Any, Any, Any], at: int) -> Generator[Any, Any, Any]:
    """Run `inner`, and cancel its task where it waits for the `at`-th time."""
    resume = partial(inner.send, None)
    for waits in itertools.count(1):
        try:
            waiting = resume()
        except StopIteration as ended:
            return ended.value
        if waits == at:
            task = asyncio.current_task()
            assert task
            task.cancel()
        try:
            yield waiting
        except BaseException as error:  # noqa: BLE001 -- whatever it is, it is for whoever waits
            resume = partial(inner.throw, error)
        else:
            resume = partial(inner.send, None)


async def test_whoever_is_cancelled_while_it_subscribes_leaves_the_others_a_reader(app: FastAPI) -> None:
    feed: LiveFeed = app.state.container.live

    async def subscribed(at: int) -> Subscription:
        made: Subscription = await cancelled_at(feed.subscribe(Query(), START), at)
        return made

    for at in itertools.count(1):
        subscribing = asyncio.create_task(subscribed(at))
        await asyncio.wait({subscribing})
        place = await feed.subscribe(Query(), START) if subscribing.cancelled() else subscribing.result()
        reader = feed._reader
        assert reader is not None, f"cancelled at its await {at}"
        place.close()
        feed._grown.set()
        await reader
        if not subscribing.cancelled():
            break


async def test_a_caller_that_leaves_leaves_nothing_behind(app: FastAPI, listen: Listen) -> None:
    stream = listen()
    await stream.open()
    assert app.state.container.live.listening == 1
    stream.leave()
    await stream.ended()
    assert app.state.container.live.listening == 0
    assert not app.state.container.live._places


async def test_more_streams_than_there_may_be_are_refused(settings: Settings) -> None:
    application = create_app(settings.model_copy(update={"stream_limit": 2}))
    async with running(application), listeners(application) as listen:
        streams = [listen(), listen()]
        for stream in streams:
            await stream.open()
        refused = listen()
        await refused.ended()
        assert (refused.status, json.loads(refused.problem)["code"]) == (429, "rate_limited")
        streams[0].leave()
        await streams[0].ended()
        another = listen()
        await another.open()
        assert another.status == 200


async def test_a_slow_caller_is_not_buffered_for_and_still_misses_nothing(
    stage: Stage, app: FastAPI, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_ASIDE", 2)
    monkeypatch.setattr(live, "PAGE", 3)
    slow, quick = listen(query="after=start"), listen(query="after=start")
    await slow.open()
    await quick.open()
    slow.stop_reading()
    for _ in range(4):
        await told(stage)
    whole = await every(stage.client)
    await quick.told(len(whole))
    (alike,) = app.state.container.live._places[None, None].values()
    (subscription,) = [one for one in alike if one._behind or len(one._aside)]
    assert len(subscription._aside) <= 2
    slow.read_again()
    await slow.told(len(whole))
    assert slow.events == quick.events == whole


async def test_a_caller_that_takes_nothing_is_let_go(
    stage: Stage, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "SEND_WITHIN_S", 0.05)
    stream = listen()
    await stream.open()
    stream.stop_reading()
    await told(stage)
    await stream.ended()


async def test_over_a_socket_a_caller_that_takes_nothing_is_cut_off_and_that_is_no_error(
    stage: Stage, app: FastAPI, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sse, "SEND_WITHIN_S", 0.2)
    async with stage.container.database.connection() as connection:
        for number in range(200):
            told = {"id": f"in_{number}", "status": "open", "customer": None, "metadata": {"note": "x" * 50_000}}
            await change_statements.add(connection, [Change("invoice", "draft", told, None).row(told)])
    as_served: dict[str, Any] = {"http": BoundedProtocol, "proxy_headers": False, "lifespan": "off", "log_config": None}
    config = uvicorn.Config(app, settings.host, settings.port, **as_served)
    server = uvicorn.Server(config)
    monkeypatch.setattr(server, "capture_signals", contextlib.nullcontext)
    serving = asyncio.create_task(server.serve())
    await until(lambda: asyncio.sleep(0, server.started))
    reader, writer = await asyncio.open_connection(settings.host, settings.port, limit=1024)
    asked = f"GET /v1/events/stream?after=start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
    writer.write(asked.encode())
    await until(lambda: asyncio.sleep(0, stage.container.live.listening))
    await until(lambda: asyncio.sleep(0, not stage.container.live.listening))
    server.should_exit = True
    await asyncio.wait_for(serving, 10)
    with contextlib.suppress(ConnectionError):
        while await reader.read(2**20):
            pass
    writer.close()
    assert [record for record in caplog.records if record.name == "uvicorn.error" and record.levelname == "ERROR"] == []


# Notifications and the database


async def test_after_the_listening_connection_was_cut_events_are_still_told_at_once(
    stage: Stage, listen: Listen, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_S", 600.0)  # only a notification may tell
    monkeypatch.setattr(notifications, "LISTEN_AGAIN_S", 0.01)
    administrator = await database.connect()
    listening = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %feed%'"
    stream = listen()
    await stream.open()
    await until(lambda: administrator.fetchval(f"SELECT pid {listening}"))
    first = await told(stage)
    await stream.told(len(await every(stage.client)))
    pid = await administrator.fetchval(f"SELECT pid {listening}")
    await administrator.execute("SELECT pg_terminate_backend($1)", pid)
    await until(lambda: administrator.fetchval(f"SELECT pid {listening} AND pid <> $1", pid))
    await voided(stage, first)
    await stream.told(len(await every(stage.client)))
    assert stream.events == await every(stage.client)
    await administrator.close()


async def test_many_streams_share_one_listening_connection(listen: Listen, database: Database) -> None:
    streams = [listen() for _ in range(20)]
    for stream in streams:
        await stream.open()
    administrator = await database.connect()
    counted = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %feed%'"
    assert await until(lambda: administrator.fetchval(counted)) == 1
    await administrator.close()


async def test_events_held_back_by_a_slow_transaction_are_streamed_when_it_ends(
    stage: Stage, listen: Listen, database: Database
) -> None:
    stream = listen()
    await stream.open()
    slow = await database.connect()
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("SELECT pg_current_xact_id()")
    invoice = await told(stage)
    assert await every(stage.client) == []
    assert stream.events == []
    await transaction.commit()
    assert (await stream.told(1))[0].startswith("invoice.")
    await stream.told(len(await every(stage.client, invoice=invoice["id"])))
    await slow.close()


# The contract


MODELS: dict[
    str, type[FulfillmentEvent | InvoiceEvent | PaymentEvent | RefundEvent | CreditNoteEvent | DisputeEvent]
] = {
    "invoice": InvoiceEvent,
    "fulfillment": FulfillmentEvent,
    "payment": PaymentEvent,
    "payment_unexpected": PaymentEvent,
    "refund": RefundEvent,
    "credit_note": CreditNoteEvent,
    "dispute": DisputeEvent,
}


@pytest.mark.parametrize("name", TYPES)
def test_every_type_of_event_is_in_the_contract_with_an_example_that_is_one(contract: Json, name: str) -> None:
    assert set(contract["webhooks"]) == {*TYPES, PING}
    media = contract["webhooks"][name]["post"]["requestBody"]["content"][MEDIA_TYPE]
    model = MODELS[name.partition(".")[0]]
    assert media["schema"] == {"$ref": f"#/components/schemas/{model.__name__}"}
    shown = model.model_validate_json(json.dumps(media["example"]))
    assert shown.type == name
    assert name in contract["components"]["schemas"][model.__name__]["properties"]["type"]["enum"]
    assert shown.dataschema.rpartition("/")[2] in contract["components"]["schemas"]
