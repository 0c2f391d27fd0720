"""Processing what was taken in: processor time per event, and how long from acknowledgement to fulfillment."""

import signal
import time
from collections.abc import Sequence
from statistics import median

from bench import events, rows
from bench.cpu import Meter
from bench.load import Plan
from bench.report import Section, at_most
from bench.rounds import Race, Sample, interleave, numbers
from bench.stage import Server, Stage, until
from dev.processes import Child

RATE = 20.0
DONE = """
SELECT NOT EXISTS (SELECT FROM webhook_events WHERE status IN ('received', 'failed'))
   AND NOT EXISTS (SELECT FROM webhook_events WHERE status = 'processing')
"""


async def run(stage: Stage) -> Section:
    """The worker against intake, and its latency."""
    name = await stage.create("worker")
    backlog, rounds, seconds = (200, 1, 0.3) if stage.quick else (6000, 5, 15.0)
    async with stage.connect(name) as connection:
        await rows.customers(connection)
    worker = await stage.worker(name, STRIPE_API_BASE="http://127.0.0.1:9")
    ours = await stage.service(name)
    drained = [await drain(stage, name, [worker], paid(backlog)) for _ in range(rounds + 1)][1:]
    trickle = await _fulfilled_after(stage, name, ours, seconds)
    stage.stop(worker)
    intake = Race(ours, Plan(0, "delivery", 0.3 if stage.quick else 2.0, 32, at_most=4000), stage.database)
    taken = await interleave({"intake": intake}, rounds)
    stage.stop_all()
    worker_ms = median(server + postgres for _, server, postgres in drained)
    intake_ms = median(sample.total_ms for sample in taken["intake"])
    p50, p99 = trickle[len(trickle) // 2], trickle[int(len(trickle) * 0.99)]
    return Section(
        "worker",
        f"Worker: {backlog:,} `invoice.paid` waiting, each fulfils an invoice",
        ["events/s", "worker ms", "pg ms", "total ms"],
        [
            ("processing", [*(median(column) for column in zip(*drained, strict=True)), worker_ms]),
            ("(intake of the same)", [median(sample.per_s for sample in taken["intake"]), *_parts(taken["intake"])]),
        ],
        [
            at_most("CPU per event, of intake's", worker_ms / intake_ms, 2.3),
            at_most(f"acknowledged to fulfilled at {RATE:.0f}/s, p50", p50, 25, "ms"),
            at_most(f"acknowledged to fulfilled at {RATE:.0f}/s, p99", p99, 100, "ms"),
        ],
        {"drained": drained, "after_ms": trickle, "intake": taken["intake"]},
    )


def _parts(samples: Sequence[Sample]) -> list[float]:
    return [median(getattr(one, part) for one in samples) for part in ("server_ms", "postgres_ms", "total_ms")]


def paid(count: int) -> list[str]:
    """So many `invoice.paid`, each of an invoice of its own."""
    first = next(numbers)
    return [events.payload(number).decode() for number in range(first, first + count)]


async def drain(
    stage: Stage, name: str, workers: Sequence[Child], bodies: Sequence[str], tables: str = ""
) -> tuple[float, float, float]:
    """Events per second, and processor milliseconds per event of the workers and of PostgreSQL."""
    async with stage.connect(name) as connection:
        # As autovacuum would, for plans made on empty tables stay.
        await connection.execute(f"VACUUM (ANALYZE) {tables}", timeout=600)
        for worker in workers:
            worker.send(signal.SIGSTOP)  # so that they find all of them at once
        await rows.pending(connection, bodies)
        meter = Meter([worker.pid for worker in workers], stage.database)
        meter.start()
        started = time.perf_counter()
        for worker in workers:
            worker.send(signal.SIGCONT)
        await until(lambda: connection.fetchval(DONE), every_s=0.05)
        elapsed = time.perf_counter() - started
        server_s, postgres_s = meter.stop()
    return len(bodies) / elapsed, server_s * 1000 / len(bodies), postgres_s * 1000 / len(bodies)


async def _fulfilled_after(stage: Stage, name: str, ours: Server, seconds: float) -> list[float]:
    """Milliseconds from each acknowledgement to the commit of its fulfillment, in order of size."""
    plan = Plan(0, "delivery", seconds, 8, RATE, int(RATE * seconds))
    _, result = await Race(ours, plan, stage.database).run()
    async with stage.connect(name) as connection:
        await until(lambda: connection.fetchval(DONE), every_s=0.05)
        found = await connection.fetch(
            "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM fulfillments "
            "ORDER BY invoice DESC LIMIT $1",
            result.requests,
        )
    if len(found) != result.requests:
        raise RuntimeError(f"{result.requests} deliveries, {len(found)} fulfillments")
    pairs = zip(reversed(found), result.acknowledged, strict=True)
    return sorted((row["at"] - acknowledged) * 1000 for row, acknowledged in pairs)
