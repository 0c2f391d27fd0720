"""The same work among ten thousand, a million, ten million invoices: reads, lists, a write and its replay, an event processed.

Each invoice has left items, a fulfillment, a change in the feed, and an operation with its key. All sizes stand side by
side and take turns, so that a slow minute strikes all alike. The inbox grows in inbox.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from app.domain.events import Cursor
from bench import rows
from bench.load import Kind, Plan
from bench.machine import require_room
from bench.report import Section, at_most
from bench.rounds import Race, interleave
from bench.sizes import among, draining, scans, sizes_of, table, targets
from bench.stage import API_KEY, BRIEF_S, Server, Stage
from dev.processes import Child

GIGABYTES_EACH = 5.5e-6
"""With what is written ahead while they are filled."""
STEP = 7919
"""From one row that is read to the next: far from each other, so that each is as cold as any."""


async def run(stage: Stage) -> Section:
    """Cost per operation at each size."""
    sizes = sizes_of(stage)
    require_room(stage.folder, sum(sizes) * GIGABYTES_EACH)
    seconds, rounds, backlog = (BRIEF_S, 1, 100) if stage.quick else (1.0, 5, 1500)
    stub = await stage.baseline("stripe_stub", await stage.create("growth"), BENCH_LATENCY_S="0")
    stripe = {"STRIPE_API_BASE": f"http://127.0.0.1:{stub.port}"}
    contest: dict[str, Race] = {}
    servers, on_disk, before = [], [], []
    for size in sizes:
        name = await stage.create(f"growth{size}")
        async with stage.connect(name) as connection:
            await rows.customers(connection)
            await rows.lives(connection, size)
            on_disk.append(await rows.gigabytes(connection))
            before.append(await scans(connection))
        servers.append(await stage.service(name, **stripe))
        await Race(servers[-1], _write("replay", 5.0, connections=1, at_most=1), None, "201")()
        contest |= {among(title, size): race for title, race in _races(stage, servers[-1], size, seconds)}
    samples = await interleave(contest, rounds)
    stage.stop(*servers)
    scanned = []
    for size, already in zip(sizes, before, strict=True):
        async with stage.connect(f"growth{size}") as connection:
            scanned.append(await scans(connection) - already)
    workers: dict[int, tuple[str, Child]] = {}
    for size in sizes:
        workers[size] = (f"growth{size}", await stage.worker(f"growth{size}", **stripe))
    samples |= await interleave(draining(stage, workers, backlog, "webhook_events, invoice_payments"), rounds)
    stage.stop_all()
    listed = table(samples, sizes)
    listed += [("a large table read as a whole, times", [*scanned]), ("the database, GB", [*on_disk])]
    return Section(
        "growth",
        "Growth of everything but the inbox: processor time per operation",
        [f"{size:,} invoices" for size in sizes],
        listed,
        [*targets(samples, sizes), at_most("large tables read as a whole", sum(scanned), 0, "")],
        {"samples": samples},
    )


def _races(stage: Stage, server: Server, size: int, seconds: float) -> Iterator[tuple[str, Race]]:
    some = [number * STEP % size for number in range(min(size, 997))]
    middle = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=5 * (size // 2))
    ones = [f"/v1/invoices/{rows.invoice_id(number)}" for number in some]
    reads = {
        "one invoice": ones,
        "its timeline": [f"{one}/timeline" for one in ones],
        "the newest 20": ["/v1/invoices"],
        "20 in the middle": [f"/v1/invoices?cursor={rows.cursor(middle, rows.invoice_id(size // 2))}"],
        "20 of a customer": [f"/v1/invoices?customer=cus_row{number:06d}" for number in range(97)],
        "20 open ones": ["/v1/invoices?status=open"],
        "by reference": [f"/v1/invoices?reference=order-{number}" for number in some],
        "20 fulfillments": ["/v1/fulfillments?status=fulfilled"],
        "20 of the feed": [f"/v1/events?limit=20&after={Cursor(number + 1, number + 1)}" for number in some[:97]],
    }
    for title, paths in reads.items():
        plan = Plan(0, "get", seconds, 16, at_most=int(4000 * seconds), paths=paths, key=API_KEY)
        yield title, Race(server, plan, stage.database)
    yield "a write with a key", Race(server, _write("write", seconds), stage.database, "201")
    yield "its replay", Race(server, _write("replay", seconds), stage.database, "201")


def _write(kind: Kind, seconds: float, connections: int = 16, at_most: int = 4000) -> Plan:
    return Plan(0, kind, seconds, connections, at_most=at_most, paths=["/v1/customers"], key=API_KEY)
