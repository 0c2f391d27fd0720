"""The readers of the feed that a benchmark needs: many streams, a long poll, and a writer of changes."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self, cast

import asyncpg

from app.domain.changes import Change
from app.projection import change_statements
from bench.stage import API_KEY

EVENT = re.compile(rb'"id":"(iev_[0-9a-f]+)"')
CURSOR = re.compile(rb'"next_cursor":"([0-9a-f]+)"')


class Stream(asyncio.Protocol):
    """One stream of server-sent events; notes when which event came."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard: dict[bytes, float] = {}
        self.transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.opened.done():
            if not data.startswith(b"HTTP/1.1 200"):
                self.opened.set_exception(RuntimeError(data.decode()))
                return
            self.opened.set_result(None)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if line.startswith(b"data: ") and (found := EVENT.search(line)):
                self.heard[found[1]] = now

    @classmethod
    async def open(cls, port: int, query: str = "") -> Self:
        """A stream, once it is there."""
        _, stream = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        stream.write(f"GET /v1/events/stream{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n")
        await stream.opened
        return stream

    def write(self, text: str) -> None:
        if self.transport:
            self.transport.write(text.encode())

    def stop_reading(self) -> None:
        """Take nothing more."""
        if self.transport:
            self.transport.pause_reading()

    def close(self) -> None:
        if self.transport:
            self.transport.abort()


@contextlib.asynccontextmanager
async def streams(port: int, count: int, query: str = "") -> AsyncIterator[list[Stream]]:
    """`count` streams, for as long as the block runs."""
    made: list[Stream] = []
    try:
        while len(made) < count:
            made += await asyncio.gather(*(Stream.open(port, query) for _ in range(min(50, count - len(made)))))
        yield made
    finally:
        for one in made:
            one.close()


async def long_poll(port: int, heard: dict[bytes, float], begun: asyncio.Event) -> None:
    """Go on asking, and note when which event came; until cancelled. `begun`: from now on nothing is missed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    after, wait = b"now", 0
    try:
        while True:
            head = f"GET /v1/events?wait={wait}&after={after.decode()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
            writer.write(head.encode())
            said = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", said.lower())
            body = await reader.readexactly(int(length[1]) if length else 0)
            now = time.perf_counter()
            heard |= dict.fromkeys(EVENT.findall(body), now)
            if found := CURSOR.search(body):
                after, wait = found[1], 30
                begun.set()
    finally:
        writer.close()


@dataclass(slots=True)
class Writer:
    """Commits changes, one at a time, and notes when which was committed."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    metadata: dict[str, str] = field(default_factory=lambda: {"order": "order-1042"})
    committed: dict[bytes, float] = field(default_factory=dict)

    async def write(self, status: str = "open") -> None:
        number = len(self.committed)
        state: dict[str, Any] = {
            "id": f"in_bench{number:08}",
            "status": status,
            "customer": "cus_bench",
            "number": f"BENCH-{number}",
        }
        state |= {"currency": "usd", "total": 25990, "amount_due": 25990, "metadata": self.metadata}
        row = Change("invoice", "draft", state, "evt_bench").row(state)
        await change_statements.add(self.connection, [row])
        self.committed[row["event"].encode()] = time.perf_counter()

    async def pace(self, per_s: float, seconds: float) -> None:
        """Write at a pace."""
        start = time.perf_counter()
        for nth in range(max(1, int(per_s * seconds))):
            await asyncio.sleep(max(0.0, start + nth / per_s - time.perf_counter()))
            await self.write()

    def latencies(self, heard: dict[bytes, float]) -> list[float]:
        """Milliseconds from each commit to its hearing, of what was heard."""
        return [max(0.0, heard[one] - at) * 1000 for one, at in self.committed.items() if one in heard]
