"""Taking a delivery in: what an event costs when many come, what a lone one waits."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from bench import events
from bench.baselines import statements
from bench.cpu import Meter
from bench.load import Kind, Plan
from bench.report import COST_COLUMNS, Section, at_least, at_most, cost_rows
from bench.rounds import Race, Sample, interleave, ratio
from bench.stage import BRIEF_S, Server, Stage
from dev.postgres import bundled

CONNECTIONS = 32
RATE = 100.0
PER_S = 3500
"""More than any contestant takes: requests are built beforehand."""


@dataclass(frozen=True, slots=True)
class Pgbench:
    """The bare handler's statement without HTTP, Python or signatures: what PostgreSQL itself takes."""

    url: str
    script: Path
    database: Path
    seconds: int

    async def __call__(self) -> Sample:
        meter = Meter((), self.database)
        meter.start()
        command = ["-n", "-M", "prepared", "-c", "16", "-j", "1", "-T", str(self.seconds), "-f", str(self.script)]
        process = await asyncio.create_subprocess_exec(
            str(bundled("pgbench")), *command, self.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, said = await process.communicate()
        _, postgres_s = meter.stop()
        found = re.search(r"actually processed: (\d+)", out.decode())
        latency = re.search(r"latency average = ([\d.]+)", out.decode())
        if not found or not latency:
            raise RuntimeError(said.decode())
        count = int(found[1])
        average = float(latency[1])
        return Sample(count, count / self.seconds, 0.0, postgres_s * 1000 / count, average, average)


def _script(folder: Path) -> Path:
    """The bare handler's statement with an event of the same size, as a pgbench script."""
    body = events.payload(0).decode().replace("'", "''")
    values = ["'evt_pgbench' || :n", "'invoice.paid'", "'in_pgbench' || :n", "1795343385", f"'{body}'"]
    values += ["'paid'", "'cus_bench000001'", "25990", "25990"]
    statement = statements.MIRROR
    for number, value in reversed(list(enumerate(values, start=1))):
        statement = statement.replace(f"${number}", value)
    script = folder / "mirror.sql"
    script.write_text(f"\\set n random(1, 1000000000000000)\n{statement.strip()};\n")
    return script


async def run(stage: Stage) -> Section:
    """Intake against its baselines."""
    name = await stage.create("intake")
    servers = {
        "bare ASGI, verify only": await stage.baseline("bare", name, "verify", BENCH_INTAKE="verify"),
        "bare ASGI, one row": await stage.baseline("bare", name, "record", BENCH_INTAKE="record"),
        "bare ASGI, one statement": await stage.baseline("bare", name, "mirror", BENCH_INTAKE="mirror"),
        "FastAPI, one statement": await stage.baseline("framework", name),
        "ours": await stage.service(name),
    }
    seconds = BRIEF_S if stage.quick else 1.5
    rounds = 1 if stage.quick else 5
    bare, ours = servers["bare ASGI, one statement"], servers["ours"]

    def race(server: Server, kind: Kind = "delivery", connections: int = CONNECTIONS, rate: float = 0.0) -> Race:
        most = int(PER_S * seconds)
        plan = Plan(0, kind, seconds, connections, rate, most)
        return Race(server, plan, stage.database)

    crowd = {title: race(server) for title, server in servers.items()}
    pgbench = Pgbench(stage.url(name), _script(stage.folder), stage.database, max(1, int(seconds)))
    samples = await interleave({"pgbench, the same statement": pgbench, **crowd}, rounds)
    few = await interleave(
        {
            "bare, alone": race(bare, connections=1),
            "ours, alone": race(ours, connections=1),
            f"bare, {RATE:.0f}/s": race(bare, rate=RATE),
            f"ours, {RATE:.0f}/s": race(ours, rate=RATE),
            "ours, the same event again": race(ours, "repeated"),
        },
        rounds,
    )
    stage.stop_all()
    reference = "bare ASGI, one statement"
    targets = [
        at_most("CPU per event, of the bare handler's", ratio(samples, "ours", reference), 0.55),
        at_least("events/s, of the bare handler's", ratio(samples, "ours", reference, "per_s"), 1.3),
        at_most("CPU per event, of pgbench's", ratio(samples, "ours", "pgbench, the same statement"), 1.3),
        at_most(
            "p50 of a lone delivery, of the bare handler's", ratio(few, "ours, alone", "bare, alone", "p50_ms"), 1.15
        ),
    ]
    return Section(
        "intake",
        f"Webhook intake: an `invoice.paid` of {len(events.payload(0)) / 1000:.1f} KB, {CONNECTIONS} connections",
        COST_COLUMNS,
        cost_rows(samples | few),
        targets,
        {"crowd": samples, "few": few},
    )
