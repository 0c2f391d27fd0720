"""Telling others: what a delivery costs, how long after the commit it arrives, what a slow endpoint does to the intake."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import asyncpg
import httpx
import msgspec

from bench.cpu import Meter
from bench.load import Plan
from bench.report import Section, at_least, at_most
from bench.rounds import Race, Sample, interleave, ratio
from bench.stage import API_KEY, BRIEF_S, Server, Stage, until
from dev.processes import Child

RATE = 50.0
DATA = msgspec.json.encode(
    {
        "previous_status": "open",
        "invoice": {
            "id": "in_1PgFbench000001",
            "number": "XK4C7QPL-0001",
            "status": "paid",
            "customer": "cus_bench000001",
            "reference": "order-1042",
            "collection_method": "send_invoice",
            "currency": "usd",
            **dict.fromkeys(("subtotal", "total", "amount_due", "amount_paid"), 25990),
            "amount_remaining": 0,
            "payment_intent": "pi_3PgFbench000001",
            "paid_out_of_band": False,
            "metadata": {"team": "emea", "order": "1042"},
            "livemode": False,
            **dict.fromkeys(
                ("due_at", "created_at", "finalized_at", "paid_at", "updated_at"), "2026-11-22T10:18:00.000Z"
            ),
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
    }
).decode()

ADD = """
WITH added AS (
    INSERT INTO changes (event, type, schema_version, position, invoice, subject, was, became, data)
    SELECT 'iev_' || replace(gen_random_uuid()::text, '-', ''), 'invoice.paid', 1,
        (SELECT base FROM feed) + pg_current_xact_id()::text::bigint, 'in_bench', 'invoice', 'open', 'paid', $2::jsonb
    FROM generate_series(1, $1::integer)
) SELECT pg_notify('feed', '')
"""
DELIVERED = "SELECT count(*) FROM deliveries WHERE status = 'delivered'"
PROCESSED = "SELECT NOT EXISTS (SELECT FROM webhook_events WHERE status IN ('received', 'processing', 'failed'))"
COMMITTED = """
SELECT event, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM changes WHERE event = ANY($1::text[])
"""


@dataclass(frozen=True, slots=True)
class Push:
    """What stands there: the service, its worker, a receiver, and the database's connection."""

    stage: Stage
    ours: Server
    worker: Child
    receiver: Server
    client: httpx.AsyncClient
    connection: "asyncpg.Connection[asyncpg.Record]"

    async def endpoints(self, *paths: str, ordered: bool = False) -> None:
        """Have these endpoints of the receiver, and no others."""
        await self.connection.execute("DELETE FROM deliveries")
        await self.connection.execute("DELETE FROM webhook_endpoints")
        await self.client.get(f"{self.address}/report")
        for path in paths:
            body = {"url": f"{self.address}{path}", "ordered": ordered}
            (await self.client.post("/v1/webhook-endpoints", json=body)).raise_for_status()
        await self.connection.execute("VACUUM (ANALYZE) changes, deliveries, webhook_endpoints")  # as autovacuum would

    @property
    def address(self) -> str:
        """Where the receiver is."""
        return f"http://127.0.0.1:{self.receiver.port}"

    async def received(self) -> dict[str, float]:
        """When each event came, and forget it."""
        return msgspec.json.decode((await self.client.get(f"{self.address}/report")).content, type=dict[str, float])

    async def drained(self, count: int, endpoints: int, *, ordered: bool = False) -> tuple[float, float, float]:
        """Deliveries per second, and processor milliseconds per delivery of the worker and of PostgreSQL."""
        await self.endpoints(*(f"/hooks?{number}" for number in range(endpoints)), ordered=ordered)
        meter = Meter((self.worker.pid,), self.stage.database)
        meter.start()
        started = time.perf_counter()
        await self.connection.execute(ADD, count, DATA)
        total = count * endpoints

        async def done() -> bool:
            return bool(await self.connection.fetchval(DELIVERED) == total)

        await until(done, every_s=0.05)
        elapsed = time.perf_counter() - started
        worker_s, postgres_s = meter.stop()
        return total / elapsed, worker_s * 1000 / total, postgres_s * 1000 / total

    async def latencies(self, count: int) -> list[float]:
        """Milliseconds from the commit of each of `count` events, at RATE, to its receipt, in order of size."""
        await self.endpoints("/hooks")
        start = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            await self.connection.execute(ADD, 1, DATA)

        async def done() -> bool:
            return bool(await self.connection.fetchval(DELIVERED) == count)

        await until(done, every_s=0.05)
        received = await self.received()
        rows = await self.connection.fetch(COMMITTED, list(received))
        return sorted((received[row["event"]] - row["at"]) * 1000 for row in rows)


@dataclass(frozen=True, slots=True)
class Beside:
    """The intake of webhooks, with these endpoints standing there."""

    push: Push
    paths: tuple[str, ...]
    race: Race

    async def __call__(self) -> Sample:
        await self.push.endpoints(*self.paths)
        sample = await self.race()
        await until(lambda: self.push.connection.fetchval(PROCESSED), every_s=0.05)
        return sample


async def run(stage: Stage) -> Section:
    """Deliveries, their latency, and the intake beside them."""
    name = await stage.create("push")
    reach = {"OUTGOING_PRIVATE_NETWORKS": "127.0.0.0/8", "OUTGOING_TIMEOUT_S": "10"}
    count, few, rounds, seconds = (40, 10, 1, BRIEF_S) if stage.quick else (4000, 500, 3, 3.0)
    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {API_KEY}"}, trust_env=False, timeout=30) as client,
        stage.connect(name) as connection,
    ):
        worker = await stage.worker(name, **reach)
        push = Push(
            stage,
            await stage.service(name, **reach),
            worker,
            await stage.baseline("receiver", name),
            client,
            connection,
        )
        client.base_url = httpx.URL(f"http://127.0.0.1:{push.ours.port}")
        kinds = {
            "one endpoint": [await push.drained(count, 1) for _ in range(rounds)],
            "ten endpoints": [await push.drained(count // 10, 10) for _ in range(rounds)],
            "one endpoint, in order": [await push.drained(count // 4, 1, ordered=True) for _ in range(rounds)],
        }
        after = await push.latencies(few)
        plan = Plan(0, "delivery", seconds, 8, 200.0, int(200 * seconds) + 1)
        race = Race(push.ours, plan, stage.database)
        beside = await interleave(
            {
                "no endpoint": Beside(push, (), race),
                "one that answers": Beside(push, ("/hooks",), race),
                "one that hangs": Beside(push, ("/slow",), race),
            },
            rounds,
        )
    stage.stop_all()
    p50, p99 = after[len(after) // 2], after[int(len(after) * 0.99)]
    rows: list[tuple[str, list[float | str]]] = [
        (kind, [*(cells := _medians(found)), 1000 / sum(cells[1:]), "", ""]) for kind, found in kinds.items()
    ]
    rows.append((f"commit to receipt at {RATE:.0f}/s", ["", "", "", "", p50, p99]))
    for kind, samples in beside.items():
        middles = [median(getattr(one, part) for one in samples) for part in ("p50_ms", "p99_ms")]
        rows.append((f"intake at 200/s beside {kind}", ["", "", "", "", *middles]))
    return Section(
        "push",
        f"Outgoing webhooks: an event of {len(DATA) / 1000:.1f} KB of data, {count:,} at once",
        ["deliveries/s", "worker ms", "pg ms", "per CPU-second", "p50 ms", "p99 ms"],
        rows,
        [
            at_least(
                "deliveries per CPU-second, worker and PostgreSQL",
                1000 / sum(_medians(kinds["one endpoint"])[1:]),
                500,
                "",
            ),
            at_most("commit to receipt, p50", p50, 25, "ms"),
            at_most("commit to receipt, p99", p99, 100, "ms"),
            at_most(
                "intake p50 beside one that hangs, of none",
                ratio(beside, "one that hangs", "no endpoint", "p50_ms"),
                1.25,
            ),
            at_most(
                "intake p50 beside one that answers, of none",
                ratio(beside, "one that answers", "no endpoint", "p50_ms"),
                1.5,
            ),
        ],
        {"kinds": kinds, "after_ms": after, "beside": beside},
    )


def _medians(found: Sequence[tuple[float, float, float]]) -> list[float]:
    return [median(column) for column in zip(*found, strict=True)]
