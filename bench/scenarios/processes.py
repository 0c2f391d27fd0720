"""One API process and two: what an operation costs, and how much more of them two take on this machine.

Generator, PostgreSQL and the service share the machine's cores, so two processes can only take twice as much where the
cores are left over. What can be shown anywhere: that an operation does not become dearer, and how much of what the cores
allow is reached, which is all cores busy with nothing but the operation and those who send it.
"""

import os

from bench import rows
from bench.load import Kind, Plan
from bench.report import COST_COLUMNS, Section, at_least, at_most, cost_rows
from bench.rounds import Race, Sample, interleave, middle, ratio
from bench.stage import API_KEY, BRIEF_S, Stage

CONNECTIONS = 32
ENOUGH_CORES = 5
"""Two for the service, two for PostgreSQL, one for the generator: below that, throughput says nothing."""


async def run(stage: Stage) -> Section:
    """Intake and reads with one process, and with two that are as busy each."""
    name = await stage.create("processes")
    async with stage.connect(name) as connection:
        await rows.invoices(connection, 1000)
    servers = {
        f"{count} process{'es' * (count > 1)}": await stage.service(name, WORKERS=str(count)) for count in (1, 2)
    }
    seconds, rounds = (BRIEF_S, 1) if stage.quick else (2.0, 5)

    def race(title: str, kind: Kind, per_s: int, *paths: str) -> Race:
        connections = CONNECTIONS * int(title[0])  # each process as busy as the other: batches form alike
        plan = Plan(0, kind, seconds, connections, at_most=int(per_s * seconds), paths=list(paths), key=API_KEY)
        return Race(servers[title], plan, stage.database)

    ones = [f"/v1/invoices/{rows.invoice_id(number)}" for number in range(1, 500)]
    contest = {f"intake: {title}": race(title, "delivery", 6000) for title in servers}
    contest |= {f"one invoice: {title}": race(title, "get", 9000, *ones) for title in servers}
    samples = await interleave(contest, rounds)
    stage.stop_all()
    targets, notes = [], []
    for work in ("intake", "one invoice"):
        one, two = (f"{work}: {title}" for title in servers)
        targets.append(at_most(f"{work}: CPU each with two processes, of that with one", ratio(samples, two, one), 1.2))
        if (os.cpu_count() or 1) >= ENOUGH_CORES:
            targets.append(at_least(f"{work}: throughput with two", ratio(samples, two, one, "per_s"), 1.8))
        notes.append(_note(work, middle(samples[one]), middle(samples[two])))
    return Section(
        "processes",
        f"One process and two, on {os.cpu_count()} cores",
        COST_COLUMNS,
        cost_rows(samples),
        targets,
        {"rounds": samples},
        notes,
    )


def _note(work: str, one: Sample, two: Sample) -> str:
    """How much more two processes take, and what the cores allow: see above."""
    cores = os.cpu_count() or 1
    allowed = cores * 1000 / (one.total_ms + one.generator_ms)
    return (
        f"{work}: two processes take {two.per_s / one.per_s:.2f} × what one does; {cores} cores allow {allowed:,.0f}/s, "
        f"of which one process reaches {one.per_s / allowed:.0%} and two reach {two.per_s / allowed:.0%}."
    )
