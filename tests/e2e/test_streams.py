"""Streams against the service as it runs: a thousand at once, a server that is killed or stopped, callers that do not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.fixtures.billing import open_invoice, posted
from tests.fixtures.service import API_KEY, MakeService, Service
from tests.fixtures.waiting import until

pytestmark = pytest.mark.e2e

STREAMS = 1000
MOST_PER_STREAM = 64 * 1024
"""Bytes; what one idle stream may cost the process. Bench measures what it does cost."""


class Stream:
    """One stream over one socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.events: list[dict[str, Any]] = []
        self.last = ""
        self.head = b""

    @classmethod
    async def open(cls, url: str, path: str = "/v1/events/stream", last: str = "", **socket_options: int) -> Stream:
        place = urlsplit(url)
        raw = socket.socket()
        raw.setblocking(False)
        for option, value in socket_options.items():
            raw.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        await asyncio.get_running_loop().sock_connect(raw, (place.hostname, place.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=2**20)
        resumed = f"Last-Event-ID: {last}\r\n" if last else ""
        asked = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n{resumed}\r\n"
        writer.write(asked.encode())
        stream = cls(reader, writer)
        stream.head = await reader.readuntil(b"\r\n\r\n")
        assert stream.head.startswith(b"HTTP/1.1 200"), stream.head
        await stream.line(b"id: ")
        return stream

    async def line(self, opening: bytes) -> bytes:
        """The next line that begins with `opening`; ids and events are kept on the way."""
        while True:
            line = await self.reader.readline()
            if not line:
                raise EOFError
            if line.startswith(b"id: "):
                self.last = line[4:].decode().strip()
            elif line.startswith(b"data: "):
                self.events.append(json.loads(line[6:]))
            if line.startswith(opening):
                return line

    async def told(self, event_type: str) -> None:
        """Return when an event of the type was told."""
        while not any(event["type"] == event_type for event in self.events):
            await self.line(b"data: ")

    async def ended(self) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                await self.line(b"data: ")

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def streams() -> AsyncIterator[list[Stream]]:
    made: list[Stream] = []
    yield made
    for one in made:
        one.close()
        with contextlib.suppress(ConnectionError):
            await one.writer.wait_closed()


def memory(service: Service) -> int:
    return int(psutil.Process(service.pid("api")).memory_info().rss)


@pytest.fixture
def many_files() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < STREAMS + 500:
        pytest.skip(f"this machine allows {most} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, STREAMS * 4)), most))


async def test_a_thousand_streams_on_one_process_all_hear_of_a_change(
    make_service: MakeService, streams: list[Stream], many_files: None
) -> None:
    service = await make_service(worker=False)
    streams += [await Stream.open(service.url) for _ in range(10)]  # what the first ones load is not theirs
    before = memory(service)
    for _ in range(STREAMS // 50):
        streams += await asyncio.gather(*(Stream.open(service.url) for _ in range(50)))
    per_stream = (memory(service) - before) / STREAMS
    invoice = await open_invoice(service.client)
    async with asyncio.timeout(60):
        await asyncio.gather(*(stream.told("invoice.finalized") for stream in streams))
    assert {stream.events[0]["subject"] for stream in streams} == {invoice["id"]}
    assert per_stream < MOST_PER_STREAM
    assert (await service.client.get("/readyz")).status_code == 200
    print(f"a stream: {per_stream / 1024:.0f} KiB")  # noqa: T201 -- seen with -s


async def test_whoever_was_cut_off_when_the_server_was_killed_resumes_and_misses_nothing(
    make_service: MakeService, streams: list[Stream]
) -> None:
    service = await make_service()
    streams.append(await Stream.open(service.url))
    first = await open_invoice(service.client)
    await streams[0].told("invoice.finalized")
    service.kill("api", signal.SIGKILL)
    await streams[0].ended()
    service.start("api")
    await service.ready()
    second = await open_invoice(service.client)  # nobody listens
    streams.append(await Stream.open(service.url, last=streams[0].last))
    await posted(service.client, f"/v1/invoices/{second['id']}/void")
    await streams[1].told("invoice.voided")

    async def all_told() -> bool:
        page = (await service.client.get("/v1/events", params={"limit": 500})).json()["data"]
        told = streams[0].events + streams[1].events
        if len(told) < len(page):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(streams[1].line(b"data: "), 1)
        return [event["id"] for event in told] == [event["id"] for event in page]

    assert await until(all_told)
    assert {event["subject"] for event in streams[0].events} == {first["id"]}


async def test_streams_end_at_once_when_the_server_is_told_to_stop(
    make_service: MakeService, streams: list[Stream]
) -> None:
    service = await make_service(worker=False)
    streams += [await Stream.open(service.url) for _ in range(5)]
    waiting = asyncio.create_task(service.client.get("/v1/events", params={"after": "now", "wait": 30}))
    await posted(service.client, "/v1/products", {"name": "x"})  # the long poll is there by now, or is refused like all
    service.send("api", signal.SIGTERM)
    async with asyncio.timeout(10):
        await asyncio.gather(*(stream.ended() for stream in streams))
        answer = await waiting
    assert answer.json()["data"] == []
    assert await asyncio.to_thread(service.kill, "api", signal.SIGTERM) in {0, -signal.SIGTERM}
    assert "Traceback" not in service.logs("api")


async def test_a_caller_that_does_not_read_holds_up_nobody_and_costs_a_bounded_amount(
    make_service: MakeService, streams: list[Stream]
) -> None:
    service = await make_service(worker=False)
    mute = await Stream.open(service.url, SO_RCVBUF=4096)
    quick = await Stream.open(service.url)
    streams += [mute, quick]
    mute.reader._transport.pause_reading()  # type: ignore[attr-defined]
    notes = {f"note_{number}": "x" * 500 for number in range(40)}  # each event is 20 kB
    before = memory(service)
    invoice = await open_invoice(service.client, metadata=notes, finalize=False)
    for number in range(60):
        changed = await service.client.patch(f"/v1/invoices/{invoice['id']}", json={"description": f"the {number}th"})
        assert changed.status_code == 200, changed.text
    async with asyncio.timeout(30):
        while len(quick.events) < 61:
            await quick.line(b"data: ")
    assert memory(service) - before < 32 * 2**20
    mute.reader._transport.resume_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        while len(mute.events) < 61:
            await mute.line(b"data: ")
    assert [event["id"] for event in mute.events] == [event["id"] for event in quick.events]
