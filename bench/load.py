"""`python -m bench.load`: the load generator, a process of its own. A Plan on standard input, a Result out.

For each it builds every request beforehand, says `ready`, waits for a line, and then does nothing but send and time.

closed   (no rate) `connections` senders, each with one request in flight: what the server can take
paced    `rate` requests a second whatever the server does: latencies from the moment a request was due
"""

import asyncio
import itertools
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec
import uvloop

from bench.events import SECRET, delivery

Kind = Literal["delivery", "forged", "stale", "unsigned", "repeated", "get", "write", "replay"]

SLACK_S = 15.0
"""How much longer than its duration a round may take before it counts as failed."""


class Plan(msgspec.Struct):
    """What to send. `paths` for get (in turn) and write (by number); `first` numbers the first delivery or write, so that none repeats.

    `body` is what each write sends, by `method`; without it, each makes a customer of its own.
    """

    port: int
    kind: Kind
    duration_s: float
    connections: int = 16
    rate: float = 0.0
    at_most: int = 100_000
    first: int = 0
    paths: list[str] = []
    key: str = ""
    method: str = "POST"
    body: str = ""


class Result(msgspec.Struct):
    """What came of it; latencies in milliseconds. `acknowledged`: when (Unix time) each delivery was answered."""

    requests: int
    elapsed_s: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    cpu_s: float
    acknowledged: list[float] = []


def requests_of(plan: Plan) -> list[bytes]:  # noqa: PLR0911 -- one per kind
    """Every request of the round, ready to send."""
    numbers = range(plan.first, plan.first + plan.at_most)
    match plan.kind:
        case "delivery":
            return [delivery(number) for number in numbers]
        case "forged":
            return [delivery(number, SECRET + "x") for number in numbers]
        case "stale":
            return [delivery(number, age_s=3600) for number in numbers]
        case "unsigned":
            return [delivery(number).replace(b"Stripe-Signature", b"X-Something-Else", 1) for number in numbers]
        case "repeated":
            return [delivery(plan.first)] * plan.at_most
        case "get":
            return [_get(path, plan.key) for path, _ in zip(itertools.cycle(plan.paths), numbers, strict=False)]
        case "write":
            return [_write(plan, number, f"bench-{number}") for number in numbers]
        case "replay":
            return [_write(plan, 0, "bench-replay")] * plan.at_most


def _get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def _write(plan: Plan, number: int, idempotency_key: str) -> bytes:
    customer = b'{"name":"Customer %d","email":"customer%d@example.com","metadata":{"team":"blue"}}' % (number, number)
    body = plan.body.encode() or customer
    head = (
        f"{plan.method} {plan.paths[number % len(plan.paths)]} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {plan.key}\r\nIdempotency-Key: {idempotency_key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Tally:
    """What the senders share."""

    pending: deque[bytes]
    until: float
    latencies: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


class Sender(asyncio.Protocol):
    """One connection; knows of HTTP what a server's answer with a Content-Length needs."""

    def __init__(self) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self.answered: asyncio.Future[str] | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.answered and not self.answered.done():
            self.answered.set_result("closed")

    def data_received(self, data: bytes) -> None:
        self._seen = self._seen + data if self._seen else data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._seen[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._seen) < end + 4 + length:
            return
        status = self._seen[9:12].decode()
        self._seen = b""
        if self.answered and not self.answered.done():
            self.answered.set_result(status)

    async def send(self, request: bytes) -> str:
        """Send `request`; the status it is answered with."""
        if self.transport is None:
            raise RuntimeError("not connected")
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def _connected(plan: Plan, count: int) -> list[Sender]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Sender, "127.0.0.1", plan.port))[1] for _ in range(count)]


async def _keep_sending(sender: Sender, tally: Tally) -> None:
    while tally.pending:
        started = time.perf_counter()
        status = await sender.send(tally.pending.popleft())
        _count(tally, status, started)
        if status == "closed" or time.perf_counter() >= tally.until:
            return


def _count(tally: Tally, status: str, started: float) -> None:
    tally.latencies.append(time.perf_counter() - started)
    tally.acknowledged.append(time.time())
    tally.statuses[status] += 1


async def _closed(plan: Plan, tally: Tally) -> None:
    senders = await _connected(plan, plan.connections)
    await asyncio.gather(*(_keep_sending(sender, tally) for sender in senders))


async def _paced(plan: Plan, tally: Tally) -> None:
    """Send by the clock; a request whose turn finds no free connection waits, and its wait counts."""
    free: asyncio.Queue[Sender] = asyncio.Queue()
    for sender in await _connected(plan, plan.connections):
        free.put_nowait(sender)
    start = time.perf_counter()

    async def one(request: bytes, due: float) -> None:
        sender = await free.get()
        status = await sender.send(request)
        _count(tally, status, due)
        if status != "closed":
            free.put_nowait(sender)

    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            due = start + number / plan.rate
            if due >= tally.until or not tally.pending:
                return
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            group.create_task(one(tally.pending.popleft(), due))


async def run(plan: Plan, requests: list[bytes]) -> Result:
    """Send `requests` as `plan` says."""
    started, cpu = time.perf_counter(), time.process_time()
    tally = Tally(deque(requests), started + plan.duration_s)
    async with asyncio.timeout(plan.duration_s + SLACK_S):
        await (_paced if plan.rate else _closed)(plan, tally)
    elapsed = time.perf_counter() - started
    ordered = sorted(tally.latencies) or [0.0]
    return Result(
        requests=len(tally.latencies),
        elapsed_s=elapsed,
        statuses=dict(tally.statuses),
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000,
        cpu_s=time.process_time() - cpu,
        acknowledged=tally.acknowledged if plan.rate else [],
    )


def main() -> None:
    for line in sys.stdin:
        plan = msgspec.json.decode(line, type=Plan)
        requests = requests_of(plan)
        print("ready", flush=True)
        sys.stdin.readline()
        result = uvloop.run(run(plan, requests))
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
