"""One event among ten thousand, a million, ten million: taken in, processed, listed, read, replayed.

The events stored before lie in sixty partitions of a day each, as many as there ever are; what is measured falls into
today's, as in production. All sizes stand side by side and take turns, so that a slow minute strikes all alike.
"""

from collections.abc import Iterator
from datetime import timedelta

from bench import rows
from bench.load import Plan
from bench.machine import require_room
from bench.report import Section, at_most
from bench.rounds import Race, interleave
from bench.sizes import among, draining, scans, sizes_of, table, targets
from bench.stage import API_KEY, BRIEF_S, Server, Stage
from dev.processes import Child

DAYS = 60
GIGABYTES_EACH = 0.9e-6
"""With what is written ahead while they are filled."""
STEP = 7919
"""From one event that is read to the next: far from each other, so that each is as cold as any."""
_SETTLE = """
UPDATE webhook_events SET status = 'processed', next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL
"""
CHANGING = "invoices, invoice_items, invoice_payments, fulfillments, changes"
"""What processing writes to beside the inbox."""


async def run(stage: Stage) -> Section:
    """Cost per operation at each size."""
    sizes = sizes_of(stage)
    require_room(stage.folder, sum(sizes) * GIGABYTES_EACH)
    days = 6 if stage.quick else DAYS
    seconds, rounds, backlog = (BRIEF_S, 1, 100) if stage.quick else (1.0, 5, 1500)
    contest: dict[str, Race] = {}
    servers, on_disk, before = [], [], []
    for size in sizes:
        name = await stage.create(f"inbox{size}")
        async with stage.connect(name) as connection:
            await rows.customers(connection)
            await rows.daily_history(connection, size, days)
            on_disk.append(await rows.gigabytes(connection))
            before.append(await scans(connection))
        servers.append(await stage.service(name))
        contest |= {among(title, size): race for title, race in _races(stage, servers[-1], size, seconds)}
    samples = await interleave(contest, rounds)
    stage.stop(*servers)
    scanned = []
    workers: dict[int, tuple[str, Child]] = {}
    for size, already in zip(sizes, before, strict=True):
        async with stage.connect(f"inbox{size}") as connection:
            scanned.append(await scans(connection) - already)
            await connection.execute(_SETTLE)
        workers[size] = (f"inbox{size}", await stage.worker(f"inbox{size}", STRIPE_API_BASE="http://127.0.0.1:9"))
    today = rows.partition_of(rows.midnight())
    samples |= await interleave(draining(stage, workers, backlog, f"{today}, {CHANGING}"), rounds)
    stage.stop_all()
    listed = table(samples, sizes)
    listed += [("a large table read as a whole, times", [*scanned]), ("the database, GB", [*on_disk])]
    return Section(
        "inbox",
        f"The inbox in {days} partitions: processor time per event",
        [f"{size:,} events" for size in sizes],
        listed,
        [*targets(samples, sizes), at_most("large tables read as a whole", sum(scanned), 0, "")],
        {"samples": samples},
    )


def _races(stage: Stage, server: Server, size: int, seconds: float) -> Iterator[tuple[str, Race]]:
    ids = [rows.event_id(number * STEP % size) for number in range(min(size, 9973))]
    some = int(2500 * seconds)
    middle = rows.cursor(rows.midnight() - timedelta(days=DAYS) / 2, rows.event_id(size // 2))
    reads = {
        "the newest 20": ["/v1/webhook-events?limit=20"],
        "20 in the middle": [f"/v1/webhook-events?limit=20&cursor={middle}"],
        "one event": [f"/v1/webhook-events/{one}" for one in ids[:1000]],
    }
    yield "intake", Race(server, Plan(0, "delivery", seconds, 32, at_most=int(3500 * seconds)), stage.database)
    for title, paths in reads.items():
        yield title, Race(server, Plan(0, "get", seconds, 16, at_most=some, paths=paths, key=API_KEY), stage.database)
    replays = [f"/v1/webhook-events/{one}/replay" for one in ids]
    plan = Plan(0, "write", seconds, 16, at_most=int(200 * seconds), paths=replays, key=API_KEY, body="{}")
    yield "replay", Race(server, plan, stage.database, "202")
