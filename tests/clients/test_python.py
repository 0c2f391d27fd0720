"""The Python client: its documentation as it stands there, and what it does when calls fail."""

import asyncio
import copy
import itertools
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from invoicing_client import AsyncInvoicing, Invoicing, InvoicingError, InvoicingUnavailable, SqlitePlace
from invoicing_client._call import FIRST_WAIT_S, LONGEST_WAIT_S, Call
from invoicing_client._call import Service as Address
from invoicing_client.models import FeedEvent, ItemCreate
from invoicing_client.webhooks import NotFromTheService, verify
from tests.fixtures.sandbox import PROJECT
from tests.fixtures.service import MakeService, Service

SOURCE = PROJECT / "clients/python/src"
README = (PROJECT / "clients/python/README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest_asyncio.fixture
async def service(make_service: MakeService) -> Service:
    return await make_service(WORKER_POLL_S="0.2")


@pytest_asyncio.fixture
async def invoicing(service: Service) -> AsyncIterator[AsyncInvoicing]:
    async with AsyncInvoicing(service.url, service.api_key) as client:
        yield client


def answering(*responses: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """What gives these answers, one after the other, and the requests that are sent."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = responses[len(asked) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.MockTransport(answer), asked


def answers(*responses: httpx.Response | Exception) -> tuple[Invoicing, list[httpx.Request]]:
    """A client whose calls get these answers, and the requests it sends."""
    transport, asked = answering(*responses)
    return Invoicing("http://service.test", "key", http=httpx.Client(transport=transport)), asked


def told(*lines: str) -> httpx.Response:
    """A stream that tells this and ends."""
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text="\n".join([*lines, "", ""]))


CUSTOMER = httpx.Response(201, json={"id": "cus_1"})
TRAVEL: ItemCreate = {"amount": 4900, "currency": "usd", "description": "Travel"}
NO_WAIT = {"Retry-After": "0"}


@pytest.mark.e2e
async def test_the_documented_calls_work_as_they_stand_there(service: Service, tmp_path: Path) -> None:
    documented = [block for block in BLOCKS if "invoicing_stack" not in block]
    program = "\n".join([f"api_key = {service.api_key!r}", *documented]).replace("http://127.0.0.1:8000", service.url)
    (tmp_path / "program.py").write_text(program)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "program.py"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "open 4900"
    assert re.fullmatch(r"not_found None \w+", said[3])
    assert re.fullmatch(r"invoice.finalized in_\w+", said[-2])
    assert said[-1] == "answer 400"


def test_the_documented_calls_pass_a_strict_type_checker(tmp_path: Path) -> None:
    first = ["api_key = 'key'", *[block for block in BLOCKS if "def handle" not in block and "def test" not in block]]
    (tmp_path / "program.py").write_text("\n".join(first))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "program.py"],
        cwd=tmp_path, env=os.environ | {"MYPYPATH": str(SOURCE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.e2e
async def test_lists_go_on_page_after_page(invoicing: AsyncInvoicing) -> None:
    made = [(await invoicing.customers.create(name=f"Customer {number}"))["id"] for number in range(5)]
    assert [one["id"] async for one in invoicing.customers.list(limit=2)] == made[::-1]
    page = await invoicing.customers.list(limit=2).page()
    assert [one["id"] for one in page["data"]] == made[:2:-1]
    assert page["has_more"]


@pytest.mark.e2e
async def test_a_consumer_that_stops_goes_on_and_handles_each_event_once(
    invoicing: AsyncInvoicing, tmp_path: Path
) -> None:
    customer = await invoicing.customers.create(email="jenny.rosen@example.com")
    made = [
        (await invoicing.invoices.create(customer=customer["id"], items=[TRAVEL], finalize=True))["id"]
        for _ in range(3)
    ]
    handled: list[str] = []

    async def handle(event: FeedEvent) -> None:
        handled.append(event["subject"])
        if len(handled) in {2, 4}:
            raise InterruptedError

    for _ in range(2):
        with pytest.raises(InterruptedError):
            async with asyncio.timeout(60):
                await invoicing.feed.consume(SqlitePlace(tmp_path / "place"), handle, "invoice.finalized", wait=0.2)
                # the second event failed after it was noted here: it comes again
    assert handled == [made[0], made[1], *made[1:]]


@pytest.mark.e2e
async def test_a_stream_goes_on_after_its_connection_ended(make_service: MakeService) -> None:
    service = await make_service(WORKER_POLL_S="0.2", STREAM_LIFETIME_S="0.3")
    async with AsyncInvoicing(service.url, service.api_key) as invoicing:
        customer = await invoicing.customers.create(email="jenny.rosen@example.com")
        told = invoicing.feed.stream("start", "invoice.created")
        for _ in range(3):
            made = await invoicing.invoices.create(customer=customer["id"])
            async with asyncio.timeout(20):
                assert (await anext(told))["subject"] == made["id"]
        await told.aclose()  # type: ignore[attr-defined]  # a generator


def broken_streams() -> Iterator[httpx.Response]:
    yield told(": ", "id: 00aa")  # a heartbeat, and the connection ends
    yield httpx.Response(503, json={"code": "database_unavailable"}, headers=NO_WAIT)
    yield told("id: 00ab", 'data: {"id":"iev_1"}')


def test_a_stream_that_broke_before_it_told_anything_goes_on_where_it_was() -> None:
    client, asked = answers(*broken_streams())
    began = time.monotonic()
    assert next(client.feed.stream())["id"] == "iev_1"
    assert time.monotonic() - began >= 2 * FIRST_WAIT_S
    assert [request.url.params["after"] for request in asked] == ["now", "00aa", "00aa"]


async def test_the_same_stream_awaited_does_so_too() -> None:
    transport, asked = answering(*broken_streams())
    client = AsyncInvoicing("http://service.test", "key", http=httpx.AsyncClient(transport=transport))
    began = time.monotonic()
    assert (await anext(client.feed.stream()))["id"] == "iev_1"
    assert time.monotonic() - began >= 2 * FIRST_WAIT_S
    assert [request.url.params["after"] for request in asked] == ["now", "00aa", "00aa"]


def test_a_stream_that_is_refused_says_why() -> None:
    client, _ = answers(httpx.Response(422, json={"code": "validation_error", "param": "after"}))
    with pytest.raises(InvoicingError) as refused:
        next(client.feed.stream("nowhere"))
    assert (refused.value.code, refused.value.param) == ("validation_error", "after")


def test_a_long_poll_may_be_silent_for_as_long_as_it_waits() -> None:
    client, asked = answers(httpx.Response(200, json={"data": [], "next_cursor": "00aa"}), CUSTOMER)
    next(client.feed.pages(wait=25))
    client.customers.create()
    assert [request.extensions["timeout"]["read"] for request in asked] == [30, 5]


def test_a_consumer_goes_on_after_what_it_did_not_ask_for(tmp_path: Path) -> None:
    event = {"id": "iev_1", "sequence": "00aa"}
    client, _ = answers(httpx.Response(200, json={"data": [event], "next_cursor": "00ff"}), InterruptedError())
    place = SqlitePlace(tmp_path / "place")
    with pytest.raises(InterruptedError):
        client.feed.consume(place, lambda _: None, "refund.failed")
    assert place.cursor() == "00ff"
    assert place.knows("iev_1")


def outlasted() -> Iterator[httpx.Response]:
    yield httpx.Response(200, json={"data": [], "next_cursor": "00aa"})
    for _ in range(10):
        yield httpx.Response(503, headers=NO_WAIT)
    yield httpx.Response(200, json={"data": [], "next_cursor": "00ab"})


async def test_a_reader_of_pages_waits_for_a_service_that_is_away() -> None:
    client, _ = answers(*outlasted())
    assert [page["next_cursor"] for page in itertools.islice(client.feed.pages(), 2)] == ["00aa", "00ab"]
    transport, _ = answering(*outlasted())
    awaited = AsyncInvoicing("http://service.test", "key", http=httpx.AsyncClient(transport=transport)).feed.pages()
    assert [(await anext(awaited))["next_cursor"] for _ in range(2)] == ["00aa", "00ab"]
    away = Call(Address("http://service.test", "key", math.inf), "GET", "/", {}, tried=2000)
    assert away.wait_without_answer(httpx.ConnectError("refused")) <= LONGEST_WAIT_S
    wrong, asked = answers(*[httpx.Response(503, headers=NO_WAIT)] * 5)
    with pytest.raises(InvoicingError):
        next(wrong.feed.pages())  # what never answered may be the wrong address
    assert len(asked) == 5


def test_two_clients_may_share_the_connections_of_one() -> None:
    transport, asked = answering(CUSTOMER, told("id: 00ab", 'data: {"id":"iev_1"}'), CUSTOMER)
    http = httpx.Client(transport=transport)
    test, live = (
        Invoicing("http://test.test/", "ik_test_1\n", http=http),  # as read from a file
        Invoicing("http://live.test", "ik_live_1", http=http),
    )
    test.customers.create()
    next(test.feed.stream())
    live.customers.create()
    assert [(request.url.host, request.headers["Authorization"]) for request in asked] == [
        ("test.test", "Bearer ik_test_1"), ("test.test", "Bearer ik_test_1"), ("live.test", "Bearer ik_live_1"),
    ]  # fmt: skip
    assert "Authorization" not in http.headers


def test_the_api_key_is_not_shown() -> None:
    assert "ik_test_1" not in repr(Invoicing("http://service.test", "ik_test_1").feed._caller.service)


def test_a_write_is_sent_again_under_its_key_until_it_is_answered() -> None:
    busy = httpx.Response(409, json={"code": "idempotency_in_progress"}, headers=NO_WAIT)
    away = httpx.Response(503, json={"code": "database_unavailable"}, headers=NO_WAIT)
    client, asked = answers(httpx.ConnectError("refused"), away, busy, httpx.Response(429, headers=NO_WAIT), CUSTOMER)
    assert client.customers.create(name="Jenny Rosen")["id"] == "cus_1"
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len({request.content for request in asked}) == 1
    assert len(asked) == 5


def test_a_write_without_an_answer_tells_the_key_to_send_it_again_with() -> None:
    client, asked = answers(*[httpx.ReadTimeout("late")] * 5)
    with pytest.raises(InvoicingUnavailable) as unavailable:
        client.customers.create(name="Jenny Rosen", idempotency_key="order-1042")
    assert unavailable.value.idempotency_key == "order-1042"
    assert str(copy.copy(unavailable.value)) == "the service did not answer: ReadTimeout('late')"
    assert len(asked) == 5


def test_a_write_of_which_nobody_knows_whether_it_happened_tells_its_key() -> None:
    client, asked = answers(*[httpx.Response(504, json={"code": "stripe_timeout"}, headers=NO_WAIT)] * 5)
    with pytest.raises(InvoicingError) as unknown:
        client.customers.create(name="Jenny Rosen")
    assert unknown.value.idempotency_key == asked[0].headers["Idempotency-Key"]


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        (
            httpx.Response(422, json={"code": "validation_error", "param": "name", "detail": "no"}),
            "validation_error",
            "name",
        ),
        (httpx.Response(409, json={"code": "reference_taken", "param": "reference"}), "reference_taken", "reference"),
        (httpx.Response(500, text="<html>"), "unknown", None),
        (httpx.Response(404, json=["odd"]), "unknown", None),
    ],
)
def test_a_refusal_is_an_error_with_its_code_and_is_not_tried_again(
    response: httpx.Response, code: str, param: str | None
) -> None:
    client, asked = answers(response)
    with pytest.raises(InvoicingError) as refused:
        client.customers.create(name="")
    for error in (refused.value, copy.copy(refused.value)):  # as another process is told of it
        assert (error.code, error.param, error.status) == (code, param, response.status_code)
        assert error.idempotency_key == asked[0].headers["Idempotency-Key"]
    assert len(asked) == 1


def test_ids_and_queries_stand_in_addresses_as_they_must() -> None:
    client, asked = answers(*[httpx.Response(200, json={"data": [], "has_more": False, "next_cursor": None})] * 4)
    client.customers.get("../x?y")
    client.reports.get_balance(from_="2026-01-01", to="2026-02-01")
    client.prices.list(active=True, limit=5).page()
    client.invoices.list(status=["open", "paid"], metadata={"team": "emea"}).page()
    assert [request.url.raw_path for request in asked] == [
        b"/v1/customers/..%2Fx%3Fy",
        b"/v1/reports/balance?from=2026-01-01&to=2026-02-01",
        b"/v1/prices?active=true&limit=5",
        b"/v1/invoices?status=open&status=paid&metadata%5Bteam%5D=emea",
    ]
    for other in ("", ".", ".."):  # it would be a call for the customer
        with pytest.raises(ValueError, match="is no id"):
            client.payment_methods.detach("cus_1", other)


def test_a_delivery_is_verified_with_its_raw_body() -> None:
    secret, body = "whsec_c2VjcmV0", '{"id":"iev_1"}'

    at = datetime.now(UTC)
    headers = {
        "webhook-id": "iev_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("iev_1", at, body),
    }
    assert verify(secret, body, headers)["id"] == "iev_1"
    with pytest.raises(NotFromTheService):
        verify(secret, body.replace("1", "2"), headers)


@pytest.mark.parametrize(
    ("signature", "body"), [("v1", "{}"), ("v1,abc", "{}"), ("v1,é", "{}"), ("v1,a,b", "{}"), ("v1,AAAA", b"\xff")]
)
def test_what_has_not_the_form_of_a_delivery_is_not_from_the_service(signature: str, body: str | bytes) -> None:
    at = str(int(datetime.now(UTC).timestamp()))
    headers = {"webhook-id": "iev_1", "webhook-timestamp": at, "webhook-signature": signature}
    with pytest.raises(NotFromTheService):
        verify("whsec_c2VjcmV0", body, headers)


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_the_plugin_serves_an_empty_project(tmp_path: Path) -> None:
    if not (PROJECT / ".venv/bin/python").exists():
        pytest.skip("this checkout was not installed by make")
    (documented,) = [block for block in BLOCKS if "invoicing_stack" in block]
    (tmp_path / "test_shop.py").write_text(documented)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "invoicing_client.testing", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(SOURCE), "INVOICING_CHECKOUT": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "1 passed" in done.stdout
