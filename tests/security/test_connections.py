"""What a stranger can do with connections: hold them, fill memory by them, write into others' answers. Loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from stripe import WebhookSignature

from app.http import connections
from app.http.connections import Connections
from app.settings import Settings
from tests.fixtures.service import API_KEY, MakeService
from tests.fixtures.waiting import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[..., Awaitable[Streams]]
KEY = f"Authorization: Bearer {API_KEY}"
EVENT = json.dumps(
    {
        "id": "evt_beside_an_attack",
        "object": "event",
        "type": "charge.succeeded",
        "created": 1_795_000_000,
        "livemode": False,
        "data": {"object": {}},
    }
).encode()


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode() + body


def delivery(settings: Settings) -> bytes:
    secret = settings.stripe_webhook_secrets[0].get_secret_value()
    signature = WebhookSignature.generate_signature_header(EVENT.decode(), secret)
    headers = (f"Stripe-Signature: {signature}", f"Content-Length: {len(EVENT)}", "Connection: close")
    return request("POST", "/webhooks/stripe", *headers, body=EVENT)


def chunked(method: str, path: str, body: bytes, *headers: str, trailers: bytes) -> bytes:
    head = request(method, path, "Transfer-Encoding: chunked", "Content-Type: application/json", *headers)
    return head + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers)


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answers)]


async def all_of(reader: asyncio.StreamReader, within_s: float = 15) -> bytes:
    """What comes until the server closes; a connection that it cut has brought nothing more."""
    came = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(within_s):
            while piece := await reader.read(2**20):
                came += piece
    return came


@pytest.fixture
async def connect(server: uvicorn.Server, settings: Settings) -> AsyncIterator[Connect]:
    opened: list[asyncio.StreamWriter] = []

    async def one(*sent: bytes, source: str = "127.0.0.1", buffer: int | None = None) -> Streams:
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, (settings.host, settings.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**16)
        opened.append(writer)
        writer.writelines(sent)
        return reader, writer

    yield one
    for writer in opened:
        writer.transport.abort()


@pytest.fixture
def limit(app: FastAPI, server: uvicorn.Server) -> Callable[..., None]:
    def set_limits(most: int, per_address: int = 0) -> None:
        app.state.connections = Connections(most, per_address)

    return set_limits


async def test_trailers_do_not_change_the_head(connect: Connect) -> None:
    stranger = chunked("POST", "/v1/products", b'{"name":"x"}', "Connection: close", trailers=f"{KEY}\r\n".encode())
    reader, _ = await connect(stranger)
    assert statuses(await all_of(reader)) == [401]
    known = chunked("POST", "/v1/products", b'{"name":"x"}', KEY, "Connection: close", trailers=b"X-Request-ID: me\r\n")
    reader, _ = await connect(known)
    answer = await all_of(reader)
    assert statuses(answer) == [201]
    assert b"x-request-id: me" not in answer


async def test_endless_trailers_end_their_connection(connect: Connect) -> None:
    head = request("POST", "/v1/products", KEY, "Transfer-Encoding: chunked", "Content-Type: application/json")
    reader, writer = await connect(head, b'c\r\n{"name":"x"}\r\n0\r\n')
    sent = 0
    with contextlib.suppress(ConnectionError):
        for number in range(512):
            writer.write(b"".join(b"x-%d-%d: y\r\n" % (number, one) for one in range(512)))
            await writer.drain()
            sent += 1
            await asyncio.sleep(0)
        writer.write(b"\r\n")
    assert 201 not in statuses(await all_of(reader))
    assert sent < 512


async def test_one_address_cannot_take_all_connections(connect: Connect, limit: Callable[..., None]) -> None:
    limit(100, per_address=5)
    greedy = [await connect() for _ in range(20)]
    other, _ = await connect(request("GET", "/healthz", "Connection: close"), source="127.0.0.2")
    assert statuses(await all_of(other)) == [200]
    ended = await asyncio.gather(*(all_of(reader, 1) for reader, _ in greedy), return_exceptions=True)
    assert [isinstance(end, TimeoutError) for end in ended] == [True] * 5 + [False] * 15


async def test_a_trusted_proxy_may_take_more_than_one_address(connect: Connect, app: FastAPI) -> None:
    app.state.connections = Connections(100, 5, [ip_network("127.0.0.0/8")])
    opened = [await connect(request("GET", "/healthz", "Connection: close")) for _ in range(20)]
    assert [statuses(await all_of(reader)) for reader, _ in opened] == [[200]] * 20


async def test_idle_connections_make_room_for_new_ones(
    connect: Connect, limit: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "EVICT_EVERY_S", 0.0)
    monkeypatch.setattr(connections, "IDLE_FOR_S", 0.0)
    limit(10)
    idle = [await connect() for _ in range(10)]
    for _ in range(5):
        reader, _ = await connect(request("GET", "/v1/invoices", KEY, "Connection: close"))
        assert statuses(await all_of(reader)) == [200]
    assert await all_of(idle[0][0]) == b""  # the oldest


async def test_with_all_connections_busy_deliveries_and_probes_are_served(
    connect: Connect, limit: Callable[..., None], settings: Settings
) -> None:
    limit(10)
    unfinished = request("POST", "/v1/products", KEY, "Content-Length: 9", "Content-Type: application/json")
    for _ in range(15):
        await connect(unfinished)
    for sent, expected in (
        (request("GET", "/v1/invoices", KEY), 503),
        (delivery(settings), 200),
        (request("GET", "/healthz", "Connection: close"), 200),
        (request("GET", "/readyz", "Connection: close"), 200),  # or Kubernetes sends this process no delivery any more
    ):
        reader, _ = await connect(sent)
        assert statuses(await all_of(reader)) == [expected]


async def test_beyond_the_reserved_connections_new_ones_are_cut(
    connect: Connect, limit: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "RESERVED", 2)
    limit(3)
    plausible = f"Stripe-Signature: t={int(time.time())},v1={'0' * 64}"
    for _ in range(5):
        await connect(request("POST", "/webhooks/stripe", plausible, "Content-Length: 9"))
    reader, _ = await connect()
    assert await all_of(reader, 5) == b""


async def test_an_answer_that_nobody_reads_ends_its_connection(
    connect: Connect, server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_WITHIN_S", 0.5)
    bundle = "/docs/assets/swagger-ui-bundle.js"
    for last in ("Connection: keep-alive", "Connection: close"):  # more than the system's buffers hold
        _, writer = await connect(request("GET", bundle) * 12, request("GET", bundle, last), buffer=4096)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
    await until(lambda: asyncio.sleep(0, len(server.server_state.connections) == 2))
    await until(lambda: asyncio.sleep(0, not server.server_state.connections), within=10)


async def test_an_answer_that_is_read_slowly_is_given_whole(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_WITHIN_S", 1.5)
    reader, _ = await connect(request("GET", "/docs/assets/swagger-ui-bundle.js", "Connection: close"), buffer=4096)
    answer = b""
    slow_until = time.monotonic() + 3
    while piece := await reader.read(64 * 1024):
        answer += piece
        if time.monotonic() < slow_until:
            await asyncio.sleep(0.2)  # as long as the deadline's double, but reading on
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(re.findall(rb"content-length: (\d+)", head)[0]) == len(body)


async def test_the_last_answer_says_so_also_to_a_request_that_came_before_the_stop(
    connect: Connect, server: uvicorn.Server
) -> None:
    reader, writer = await connect(request("POST", "/v1/products", KEY, "Content-Length: 2"))
    await until(lambda: asyncio.sleep(0, server.server_state.tasks))
    await server.on_tick(0)  # each second: from now on requests get another list of the server's headers
    server.should_exit = True
    await until(lambda: asyncio.sleep(0, not server.servers[0].is_serving()))
    writer.write(b"{}")
    assert b"connection: close" in await all_of(reader)


async def test_few_requests_may_wait_on_a_connection(connect: Connect) -> None:
    waiting = request("GET", "/v1/events?wait=2&after=now", KEY)
    reader, writer = await connect(waiting, request("GET", "/healthz") * 5000)
    assert await all_of(reader) == b""
    writer.close()
    reader, _ = await connect(request("GET", "/healthz") * 15, request("GET", "/healthz", "Connection: close"))
    assert statuses(await all_of(reader)) == [200] * 16


async def test_an_error_is_not_written_into_the_answer_of_another_request(connect: Connect) -> None:
    waiting = request("GET", "/v1/events?wait=1&after=now", KEY)
    for junk in (b"no request\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 300_000):
        reader, writer = await connect(waiting)
        await asyncio.sleep(0.2)
        writer.write(junk)
        assert statuses(await all_of(reader)) in ([], [200])


async def test_what_is_no_request_is_refused_where_no_answer_is_pending(connect: Connect) -> None:
    reader, _ = await connect(b"no request\r\n\r\n")
    assert statuses(await all_of(reader)) == [400]
    reader, writer = await connect(request("GET", "/healthz"))
    await asyncio.sleep(0.2)
    writer.write(b"no request\r\n\r\n")
    assert statuses(await all_of(reader)) == [200, 400]


@pytest.mark.parametrize("line", ["CONNECT a:80", "CONNECT a://b/c", "GET http://x", "GET http://x:99999/"])
async def test_what_is_no_address_is_refused_without_an_error_of_ours(
    connect: Connect, logged: Callable[[], str], line: str
) -> None:
    reader, _ = await connect(f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert statuses(await all_of(reader)) == [400]
    assert "Error" not in logged()


OFFER = ("Connection: Upgrade", "Upgrade: h2c")
"""As Java's client and others begin; a proxy may pass it on."""


async def test_a_body_beside_the_offer_of_another_protocol_is_no_request(connect: Connect) -> None:
    smuggled = request("GET", "/healthz")
    reader, writer = await connect(request("POST", "/webhooks/stripe", *OFFER, f"Content-Length: {len(smuggled)}"))
    await asyncio.sleep(0.2)
    writer.write(smuggled + request("GET", "/v1/invoices", "Connection: close"))
    assert statuses(await all_of(reader)) == [400, 401]


async def test_a_body_arrives_whatever_protocol_is_offered_beside_it(connect: Connect) -> None:
    body = b'{"name":"x"}'
    headers = (KEY, *OFFER, "Content-Type: application/json")
    stated = request("POST", "/v1/products", *headers, f"Content-Length: {len(body)}", body=body)
    last = request("GET", "/healthz", *OFFER, "Connection: close")
    for sent in ([stated, chunked("POST", "/v1/products", body, *headers, trailers=b""), last], [stated * 2 + last]):
        reader, writer = await connect()
        for piece in (half for one in sent for half in (one[:-5], one[-5:])):
            writer.write(piece)
            await asyncio.sleep(0.05)
        assert statuses(await all_of(reader)) == [201, 201, 200]


async def test_what_follows_the_last_request_is_left_unread_also_beside_an_offer(connect: Connect) -> None:
    for offer in ((), OFFER):
        reader, _ = await connect(request("GET", "/healthz", *offer, "Connection: close") + request("GET", "/healthz"))
        assert statuses(await all_of(reader)) == [200]


async def test_bodies_that_come_slowly_make_room_for_others(
    connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_HELD", 100_000)
    plausible = f"Stripe-Signature: t={int(time.time())},v1={'0' * 64}"
    slow = []
    for _ in range(6):
        slow.append(
            (await connect(request("POST", "/webhooks/stripe", plausible, "Content-Length: 999999"), b"x" * 30_000))[0]
        )
        await asyncio.sleep(0.1)
    reader, _ = await connect(delivery(settings))
    assert statuses(await all_of(reader)) == [200]
    ended = await asyncio.gather(*(all_of(reader, 1) for reader in slow), return_exceptions=True)
    assert [statuses(end) if isinstance(end, bytes) else "open" for end in ended] == [[503]] * 3 + ["open"] * 3


async def test_an_address_over_4_kib_is_refused(app_client: httpx.AsyncClient) -> None:
    for path in ("/" + "a" * 4097, "/v1/invoices?cursor=" + "a" * 4090):
        answer = await app_client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


MANY = {f"key{number}": 1 for number in range(60_000)}
NULLS = dict.fromkeys(list(MANY)[:50_000])


@pytest.mark.parametrize(
    ("asked", "body", "param"),
    [
        ("POST /v1/invoices", MANY, "key0"),
        ("POST /v1/invoices", {"customer": "cus_1", "metadata": MANY}, "metadata.key0"),
        ("POST /v1/invoices", {"items": [dict.fromkeys(list(MANY)[:240], 1)] * 240}, "items[0].key0"),
        ("POST /v1/prices", {"currency_options": MANY}, "currency_options.key0"),
        ("PATCH /v1/invoices/in_1/payment-intent", {"payment_method_options": MANY}, "payment_method_options.key0"),
        (
            "PATCH /v1/invoices/in_1/payment-intent",
            {"payment_method_options": {"card": NULLS}},
            "payment_method_options.card.key0",
        ),
        (
            "PATCH /v1/invoices/in_1/payment-intent",
            {"payment_method_options": {"card": {"a": NULLS}}},
            "payment_method_options.card.a",
        ),
    ],
)
async def test_a_body_of_many_unknown_keys_is_refused_within_milliseconds(
    app_client: httpx.AsyncClient, asked: str, body: dict[str, object], param: str
) -> None:
    method, _, path = asked.partition(" ")
    sent = json.dumps(body).encode()
    assert len(sent) > 600_000
    took = []
    for _ in range(3):
        started = time.process_time()
        answer = await app_client.request(method, path, content=sent, headers={"Content-Type": "application/json"})
        took.append(time.process_time() - started)
        assert answer.status_code == 422
        listed = answer.json()["errors"]
        assert any(".".join(map(str, one["loc"])).replace("items.0", "items[0]").startswith(param) for one in listed)
        assert len(listed) <= 20
    assert min(took) < 0.15


async def test_few_unknown_fields_are_all_named(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.post("/v1/products", json={f"key{number}": 1 for number in range(10)})
    named = [one["loc"] for one in answer.json()["errors"] if one["type"] == "extra_forbidden"]
    assert named == [[f"key{number}"] for number in range(10)]


async def test_what_anybody_may_ask_is_rate_limited_too(app: FastAPI, settings: Settings) -> None:
    from app.main import create_app  # noqa: PLC0415

    limited = create_app(settings.model_copy(update={"rate_limit_address": 0.01}))
    transport = httpx.ASGITransport(limited)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        for path in ("/openapi.json", "/docs", "/nothing"):
            found = [(await client.get(path)).status_code for _ in range(4)]
            assert found[-1] == 429
        assert [(await client.get("/healthz")).status_code for _ in range(5)] == [200] * 5


async def test_the_contract_is_made_once(app_client: httpx.AsyncClient) -> None:
    first = await app_client.get("/openapi.json")
    started = time.process_time()
    for _ in range(20):
        assert (await app_client.get("/openapi.json")).content == first.content
    assert (time.process_time() - started) / 20 < 0.005


@pytest.mark.e2e
async def test_the_server_writes_json_whatever_strangers_send(make_service: MakeService) -> None:
    service = await make_service(worker=False)
    host, port = service.url.removeprefix("http://").split(":")
    for sent in (
        b"no request\r\n\r\n",
        request("GET", "/healthz", "Connection: Upgrade", "Upgrade: h2c"),
        b"\x16\x03\x01",
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 15)
        writer.close()
    service.kill("api", signal.SIGTERM)
    lines = [line for line in service.logs("api").splitlines() if not line.startswith("Listening on ")]  # not logged
    assert all(isinstance(json.loads(line), dict) for line in lines)
