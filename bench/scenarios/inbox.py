"""One event among ten thousand, a million, ten million: taken in, processed, listed, read, replayed.

The events stored before lie in sixty partitions of a day each, as many as there ever are; what is measured falls into
today's, as in production. All sizes stand side by side and take turns, so that a slow minute strikes all alike.
"""

import base64
import itertools
from collections.abc import Iterator
from datetime import timedelta
from statistics import median

import msgspec

from bench import rows
from bench.load import Plan
from bench.report import Section, at_most
from bench.rounds import Race, Sample, Samples, interleave
from bench.scenarios.worker import drain
from bench.stage import API_KEY, Server, Stage

DAYS = 60
STEP = 7919
"""From one event that is read to the next: far from each other, so that each is as cold as any."""


async def run(stage: Stage) -> Section:
    """Cost per operation at each size."""
    sizes = [10**3, 10**4] if stage.quick else [10**4, 10**6, 10**stage.powers]
    days = 6 if stage.quick else DAYS
    seconds, rounds, backlog = (0.15, 1, 100) if stage.quick else (1.5, 5, 3000)
    contest: dict[str, Race] = {}
    servers, sizes_on_disk = [], []
    for size in sizes:
        name = await stage.create(f"inbox{size}")
        async with stage.connect(name) as connection:
            await rows.customers(connection)
            await rows.daily_history(connection, size, days)
            sizes_on_disk.append(await rows.gigabytes(connection))
        server = await stage.service(name)
        servers.append(server)
        contest |= {f"{title} {size}": race for title, race in _races(stage, server, size, seconds)}
    samples = await interleave(contest, rounds)
    processing = {size: await _processed(stage, size, backlog, rounds) for size in sizes}
    stage.stop(*servers)
    titles = [title for title, _ in _races(stage, servers[0], sizes[0], seconds)]
    costs = {title: [_middle(samples, f"{title} {size}") for size in sizes] for title in titles}
    costs["processing"] = [processing[size] for size in sizes]
    table: list[tuple[str, list[float | str]]] = []
    for title, found in costs.items():
        table.append((f"{title}: total ms", [server + postgres for server, postgres in found]))
        table.append((f"{title}: of it PostgreSQL", [postgres for _, postgres in found]))
    table.append(("the database, GB", list(sizes_on_disk)))
    targets = [
        at_most(f"{title}: total CPU at {sizes[-1]:,} events, of that at {sizes[0]:,}", sum(last) / sum(first), 1.1)
        for title, (first, *_, last) in costs.items()
    ]
    columns = [f"{size:,} events" for size in sizes]
    title = f"The inbox in {days} partitions: processor time per event"
    return Section("inbox", title, columns, table, targets, {"samples": samples, "processing": processing})


def _races(stage: Stage, server: Server, size: int, seconds: float) -> Iterator[tuple[str, Race]]:
    ids = [rows.event_id(number * STEP % size) for number in range(min(size, 9973))]
    some = int(2500 * seconds)
    middle = _cursor(size)
    reads = {
        "first page": ["/v1/webhook-events?limit=20"],
        "page in the middle": [f"/v1/webhook-events?limit=20&cursor={middle}"],
        "one event": [f"/v1/webhook-events/{one}" for one in ids[:1000]],
    }
    yield "intake", Race(server, Plan(0, "delivery", seconds, 32, at_most=int(3500 * seconds)), stage.database)
    for title, paths in reads.items():
        yield title, Race(server, Plan(0, "get", seconds, 16, at_most=some, paths=paths, key=API_KEY), stage.database)
    replays = [f"/v1/webhook-events/{one}/replay" for one in ids]
    plan = Plan(0, "write", seconds, 16, at_most=int(200 * seconds), paths=replays, key=API_KEY)
    yield "replay", Race(server, plan, stage.database, "202")


def _cursor(size: int) -> str:
    """The cursor that the list would answer in the middle of what was stored before."""
    at = rows.midnight() - timedelta(days=DAYS) / 2
    return base64.urlsafe_b64encode(msgspec.json.encode([at, rows.event_id(size // 2)])).decode().rstrip("=")


def _middle(samples: Samples, name: str) -> tuple[float, float]:
    taken: list[Sample] = samples[name]
    return median(one.server_ms for one in taken), median(one.postgres_ms for one in taken)


async def _processed(stage: Stage, size: int, backlog: int, rounds: int) -> tuple[float, float]:
    """Processor milliseconds per event of a worker and of PostgreSQL, for events that fulfil an invoice each."""
    name = f"inbox{size}"
    async with stage.connect(name) as connection:
        await connection.execute(
            "UPDATE webhook_events SET status = 'processed', next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL"
        )
    worker = await stage.worker(name, STRIPE_API_BASE="http://127.0.0.1:9")
    changing = f"{rows.partition_of(rows.midnight())}, invoices, invoice_items, invoice_payments, fulfillments, changes"
    taken = [await drain(stage, name, worker, backlog, changing) for _ in itertools.repeat(None, rounds + 1)][1:]
    stage.stop(worker)
    return median(server for _, server, _ in taken), median(postgres for *_, postgres in taken)
