"""What every request passes: bounds, time, headers for browsers, and answers where nobody foresaw the error."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from stripe import WebhookSignature

from app.http import protocol
from app.inbox.signature import ABSENT, FORGED
from app.main import create_app
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.postgres import Database
from tests.fixtures.service import API_KEY, MakeService, client_of

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
}


@contextlib.asynccontextmanager
async def served(settings: Settings, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(settings.model_copy(update=changes))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of("http://x", transport) as client:
        client.app = application  # type: ignore[attr-defined]
        yield client


@pytest.mark.parametrize("path", ["/v1/invoices", "/v1/none", "/healthz", "/nothing", "/openapi.json"])
async def test_every_answer_carries_the_headers_browsers_need(app_client: httpx.AsyncClient, path: str) -> None:
    answer = await app_client.get(path)
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    assert answer.headers["x-request-id"]
    assert "strict-transport-security" not in answer.headers
    kept = {"/v1/invoices": "private, no-cache", "/v1/none": "no-store"}  # by whoever asked, and asked about each time
    assert answer.headers.get("cache-control") == kept.get(path)


async def test_behind_tls_browsers_are_told_to_stay_there(settings: Settings) -> None:
    async with served(settings, public_base_url="https://pay.example") as client:
        assert (await client.get("/healthz")).headers["strict-transport-security"].startswith("max-age=31536000")


async def test_the_docs_run_nothing_inline_and_nothing_of_others(app_client: httpx.AsyncClient) -> None:
    page = await app_client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy  # so that it is default-src, without 'unsafe-inline'
    assert "://" not in page.text
    assert "persistAuthorization" not in (await app_client.get("/docs/start.js")).text  # no key stays in the browser


async def test_without_origins_configured_no_page_may_read_an_answer(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.get("/v1/invoices", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_pages_of_listed_origins_may_call_and_no_others(settings: Settings) -> None:
    async with served(settings, cors_origins=("https://shop.example",)) as client:
        wanted = "authorization,if-none-match"  # and a page may read the tag that it sends back
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
        allowed = await client.options("/v1/invoices", headers={"Origin": "https://shop.example"} | asked)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-credentials" not in allowed.headers
        replacing = {"Origin": "https://shop.example"} | asked | {"Access-Control-Request-Method": "PUT"}
        assert (await client.options("/v1/invoices/in_1/items", headers=replacing)).status_code == 200
        refused = await client.options("/v1/invoices", headers={"Origin": "https://evil.example"} | asked)
        assert refused.status_code == 400
        for origin, shown in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
            for headers in ({}, {"Authorization": ""}):  # an error is to be read as well
                answer = await client.get("/v1/invoices", headers={"Origin": origin} | headers)
                assert answer.headers.get("access-control-allow-origin") == shown
                assert "ETag" in answer.headers.get("access-control-expose-headers", "ETag" * (shown is None))


async def test_headers_beyond_the_bound_answer_431(app_client: httpx.AsyncClient) -> None:
    answer = await app_client.get("/v1/invoices", headers={"X-Large": "x" * 17_000})
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


async def test_an_error_nobody_foresaw_is_a_problem_document_that_gives_nothing_away(
    app: FastAPI, app_client: httpx.AsyncClient
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the database password is swordfish")

    answer = await app_client.get("/broken", headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.json()["code"], answer.headers["x-request-id"]) == (
        500,
        "internal_error",
        "mine",
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "swordfish" not in answer.text


async def test_a_request_that_takes_too_long_is_stopped_and_told_so(settings: Settings) -> None:
    async with served(settings, request_timeout_s=0.05) as client:
        stopped = asyncio.Event()

        @client.app.get("/slow")  # type: ignore[attr-defined, untyped-decorator]
        async def slow() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        answer = await client.get("/slow")
        assert (answer.status_code, answer.json()["code"]) == (503, "request_timeout")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-request-id"]
        assert stopped.is_set()


async def turns() -> None:
    """Let a server in this process read what was sent, before it is sent more."""
    for _ in range(20):
        await asyncio.sleep(0)


async def raw(url: str, *pieces: bytes, timeout_s: float = 15) -> bytes:
    """Send bytes, and read until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await turns()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(timeout_s):
            answer = await reader.read()
            writer.close()
            return answer
    return b""


@pytest.mark.e2e
async def test_connections_are_bounded_before_there_is_a_request(make_service: MakeService) -> None:
    service = await make_service(worker=False, KEEP_ALIVE_S="1")
    endless = await raw(service.url, b"GET / HTTP/1.1\r\nX-Endless: ", *([b"x" * 4096] * 40))
    assert endless == b"" or endless.startswith(b"HTTP/1.1 431")
    # Who sends heads in pieces, one request after the other, is served as ever.
    head = f"GET /v1/invoices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n".encode()
    served_ = await raw(service.url, head, b"\r\n", head, b"Connection: close\r\n\r\n")
    assert served_.count(b"HTTP/1.1 200 OK") == 2
    # And let go of when nothing more comes.
    rests = await raw(service.url, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert rests.startswith(b"HTTP/1.1 200 OK")
    assert (await service.client.get("/v1/invoices")).status_code == 200


async def test_who_sends_half_a_head_or_nothing_is_told_that_it_took_too_long(
    served_app: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.3)
    url = settings.public_base_url
    slow = await asyncio.gather(raw(url, b"GET / HTTP/1.1\r\nHost: x\r\n"), raw(url))
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in slow)


async def test_a_body_that_dawdles_is_cut_off_and_one_in_pieces_is_not(
    served_app: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.public_base_url
    head = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    plausible = f"Stripe-Signature: t={int(time.time())},v1={'0' * 64}\r\n".encode()
    monkeypatch.setattr(protocol, "BODY_WITHIN_S", 0.3)
    slow = await raw(url, head, plausible, b"\r\nab")
    assert slow.startswith(b"HTTP/1.1 408")
    # One that is refused by its head has its answer already, and gets no second one.
    refused = await raw(url, head, b"\r\nab")
    assert refused.startswith(b"HTTP/1.1 400")
    assert refused.count(b"HTTP/1.1") == 1
    monkeypatch.setattr(protocol, "BODY_WITHIN_S", 30.0)
    forged = await raw(url, head, b"Connection: close\r\n", plausible, b"\r\nab", b"cd")
    assert forged.startswith(b"HTTP/1.1 400")


def delivery(body: bytes, signature: str | None, *more: str) -> bytes:
    lines = ["POST /webhooks/stripe HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *more]
    lines += [f"Stripe-Signature: {signature}"] if signature else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answers)]


def said(answer: bytes) -> set[bytes]:
    """An answer's lines, without what tells when it came and whether another may follow."""
    return {line for line in answer.splitlines() if not line.startswith((b"date:", b"connection:"))}


EVENT = json.dumps(
    {
        "id": "evt_piped",
        "object": "event",
        "type": "charge.succeeded",
        "created": 1_795_000_000,
        "livemode": False,
        "data": {"object": {}},
    }
).encode()
LAST = "Connection: close"


async def test_a_connection_at_rest_is_closed_however_its_last_request_came(
    server: uvicorn.Server, settings: Settings
) -> None:
    server.config.timeout_keep_alive = 1
    url, secret = settings.public_base_url, settings.stripe_webhook_secrets[0].get_secret_value()
    good = delivery(EVENT, WebhookSignature.generate_signature_header(EVENT.decode(), secret))
    unsigned = delivery(EVENT, None)
    ways = {
        "a read": [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
        "a delivery": [good],
        "a delivery in pieces": [good[:-9], good[-9:]],
        "junk": [unsigned],
        "junk answered before its body": [unsigned[: -len(EVENT)], EVENT[:9], EVENT[9:]],
        "two, one after the other": [unsigned, good],
    }
    answers = await asyncio.gather(*(raw(url, *pieces) for pieces in ways.values()))
    said = {way: statuses(answer) for way, answer in zip(ways, answers, strict=True)}
    assert list(said.values()) == [[200], [200], [200], [400], [400], [400, 200]], said


async def test_a_delivery_that_has_begun_when_the_server_stops_is_still_taken(
    server: uvicorn.Server, settings: Settings
) -> None:
    secret = settings.stripe_webhook_secrets[0].get_secret_value()
    whole = delivery(EVENT, WebhookSignature.generate_signature_header(EVENT.decode(), secret))
    host, port = settings.public_base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(whole[:-9])
    await turns()
    server.should_exit = True
    async with asyncio.timeout(15):
        while protocol.LAST not in server.server_state.default_headers:  # noqa: ASYNC110 -- uvicorn has a list, no event
            await asyncio.sleep(0.01)  # the server looks once in a tenth of a second whether it is to stop
    writer.write(whole[-9:])
    answer = await asyncio.wait_for(reader.read(), 15)
    writer.close()
    assert statuses(answer) == [200]
    assert b"connection: close" in answer


async def test_junk_between_good_deliveries_on_one_connection_is_answered_in_its_turn(
    served_app: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    url, secret = settings.public_base_url, settings.stripe_webhook_secrets[0].get_secret_value()
    good = WebhookSignature.generate_signature_header(EVENT.decode(), secret)
    forged = WebhookSignature.generate_signature_header(EVENT.decode(), "whsec_of_somebody_else")
    turns = [delivery(EVENT, signature) for signature in (None, good, forged, None, good, forged, forged)]
    last = delivery(EVENT, forged, LAST)
    at_once = await raw(url, b"".join([*turns, last]))
    assert statuses(at_once) == [400, 200, 400, 400, 200, 400, 400, 400]
    in_pieces = await raw(url, *(piece for one in (*turns, last) for piece in (one[:40], one[40:-9], one[-9:])))
    assert statuses(in_pieces) == statuses(at_once)
    connection = await database.connect()
    assert await connection.fetchval("SELECT count(*) FROM webhook_events") == 1
    await connection.close()


@pytest.mark.parametrize("signature", [None, "forged"])
async def test_junk_is_answered_alike_whichever_way_it_came(
    served_app: httpx.AsyncClient, settings: Settings, signature: str | None
) -> None:
    url = settings.public_base_url
    header = signature and WebhookSignature.generate_signature_header(EVENT.decode(), "whsec_of_somebody_else")
    large = EVENT + b" " * 200_000
    forged_large = signature and WebhookSignature.generate_signature_header(large.decode(), "whsec_of_somebody_else")
    bodies = [(EVENT, header)]
    if signature:  # else the connection would be closed, by its end's own wish, on a sender who still sends
        bodies.append((large, forged_large))
    for body, signed in bodies:
        soon = await raw(url, delivery(body, signed, "X-Request-ID: mine"), delivery(b"", None, LAST))
        assert statuses(soon) == [400, 400]
        usual = await raw(url, delivery(body, signed, "X-Request-ID: mine", LAST))
        first = soon[: soon.index(b"HTTP/1.1", 1)]
        assert said(usual) == said(first)
    waited = await raw(url, delivery(EVENT, header, "Expect: 100-continue", LAST))
    assert statuses(waited)[-1] == 400


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X-Large": "x" * 17_000}, 431, "headers_too_large"),
        ({"Content-Length": "1048577"}, 413, "payload_too_large"),
    ],
)
async def test_a_delivery_that_could_be_stripes_is_held_to_the_same_bounds(
    app_client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    plausible = {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}", "X-Request-ID": "mine"}
    answer = await app_client.post("/webhooks/stripe", content=b"{}", headers=plausible | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (answer.headers["x-request-id"], answer.headers["x-content-type-options"]) == ("mine", "nosniff")


@pytest.mark.parametrize("length", [1, 31, 32, 33, 128])
async def test_a_refusal_is_whole_however_long_the_request_id_is(app_client: httpx.AsyncClient, length: int) -> None:
    mine = "-" * length
    answer = await app_client.post("/webhooks/stripe", content=b"{}", headers={"X-Request-Id": mine})
    assert (answer.headers["x-request-id"], answer.json()["request_id"]) == (mine, mine)
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_a_refused_delivery_carries_its_request_id(app_client: httpx.AsyncClient) -> None:
    given = await app_client.post("/webhooks/stripe", content=b"{}", headers={"X-Request-ID": "mine"})
    assert (given.headers["x-request-id"], given.json()["request_id"]) == ("mine", "mine")
    made = await app_client.post("/webhooks/stripe", content=b"{}")
    assert made.headers["x-request-id"] == made.json()["request_id"] != ""


@pytest.mark.e2e
async def test_a_flood_of_junk_deliveries_is_counted_in_a_line_a_second(
    make_service: MakeService, eventually: Callable[..., Awaitable[object]]
) -> None:
    service = await make_service(worker=False)
    plausible = {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"}
    started = time.monotonic()
    for _ in range(20):
        assert (await service.client.post("/webhooks/stripe", content=b"{}")).status_code == 400
        assert (await service.client.post("/webhooks/stripe", content=b"{}", headers=plausible)).status_code == 400

    def told() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in service.logs("api").splitlines() if '"webhooks_refused"' in line]
        return lines if sum(line["count"] for line in lines) == 40 else []

    async def all_told() -> bool:
        return bool(told())

    await eventually(all_told, within=10)
    assert len(told()) <= 2 + (time.monotonic() - started)
    reasons = Counter[str]()
    for line in told():
        reasons.update(line["why"])
    assert reasons == {ABSENT: 20, FORGED: 20}


@pytest.mark.e2e
async def test_forwarded_addresses_of_strangers_are_not_believed(make_service: MakeService) -> None:
    service = await make_service(worker=False, RATE_LIMIT_ADDRESS="0.01")

    async def ask(address: str) -> int:
        return (await service.client.get("/v1/invoices", headers={"X-Forwarded-For": address})).status_code

    assert [await ask("1.1.1.1"), await ask("2.2.2.2")] == [200, 429]
