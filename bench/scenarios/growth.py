"""The same work among more and more rows: intake, the first page, a page far down, one invoice, a replay."""

import base64
from datetime import UTC, datetime, timedelta
from statistics import median

import msgspec

from bench import rows
from bench.load import Plan
from bench.report import Section, at_most
from bench.rounds import Race, Sample, interleave
from bench.stage import API_KEY, Stage


async def run(stage: Stage) -> Section:
    """Cost per operation at each size."""
    name = await stage.create("growth")
    sizes = [10**3, 10**4] if stage.quick else [10**power for power in range(3, stage.powers + 1)]
    seconds, rounds = (0.15, 1) if stage.quick else (1.5, 5)
    costs: dict[str, list[Sample]] = {}
    before = 0
    raw = {}
    for size in sizes:
        async with stage.connect(name) as connection:
            await rows.invoices(connection, size, before)
            await rows.history(connection, size, before)
            await connection.execute("CHECKPOINT")
        before = size
        stub = await stage.baseline("stripe_stub", name, BENCH_LATENCY_S="0")
        ours = await stage.service(name, STRIPE_API_BASE=f"http://127.0.0.1:{stub.port}")
        middle_of = f"/v1/invoices?limit=20&cursor={_cursor(size // 2)}"
        ones = [f"/v1/invoices/{rows.invoice_id(number * 7919 % size)}" for number in range(1000)]
        gets = {
            "one invoice": ones,
            "first page": ["/v1/invoices?limit=20"],
            "page in the middle": [middle_of],
            "of a customer": [f"/v1/invoices?customer=cus_row{number:06d}" for number in range(97)],
            "open ones": ["/v1/invoices?status=open"],
            "by reference": [f"/v1/invoices?reference=order-{number * 7919 % size}" for number in range(500)],
            "events": ["/v1/webhook-events?limit=20"],
        }
        contest = {
            title: Race(
                ours, Plan(0, "get", seconds, 16, at_most=int(4000 * seconds), paths=paths, key=API_KEY), stage.database
            )
            for title, paths in gets.items()
        }
        contest["intake"] = Race(ours, Plan(0, "delivery", seconds, 32, at_most=int(3500 * seconds)), stage.database)
        contest["replay of a write"] = Race(
            ours,
            Plan(0, "replay", seconds, 16, at_most=int(4000 * seconds), paths=["/v1/customers"], key=API_KEY),
            stage.database,
            "201",
        )
        first = Plan(0, "replay", 5, 1, at_most=1, paths=["/v1/customers"], key=API_KEY)
        await Race(ours, first, None, "201")()
        samples = await interleave(contest, rounds)
        raw[str(size)] = samples
        for title, taken in samples.items():
            middle = Sample(
                0, 0, median(one.server_ms for one in taken), median(one.postgres_ms for one in taken), 0, 0
            )
            costs.setdefault(title, []).append(middle)
        stage.stop(ours, stub)
    reference = min(1, len(sizes) - 2)
    targets = [
        at_most(f"{title}: total CPU at {sizes[-1]:,} rows, of that at {sizes[reference]:,}",
                found[-1].total_ms / found[reference].total_ms, 1.1)
        for title, found in costs.items()
    ]  # fmt: skip
    columns = [f"{size:,} rows" for size in sizes]
    table: list[tuple[str, list[float | str]]] = [
        (f"{title}: total ms", [one.total_ms for one in found]) for title, found in costs.items()
    ]
    table += [(f"{title}: pg ms", [one.postgres_ms for one in found]) for title, found in costs.items()]
    return Section("growth", "Growth: processor time per operation", columns, table, targets, raw)


def _cursor(number: int) -> str:
    """The cursor that the list would answer at this row."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=5 * number)
    return base64.urlsafe_b64encode(msgspec.json.encode([at, rows.invoice_id(number)])).decode().rstrip("=")
