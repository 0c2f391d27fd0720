"""From nothing to ready, and what a process weighs."""

import time
from statistics import median

from bench.cpu import megabytes_of, seconds_of
from bench.load import Plan
from bench.report import Section, at_most
from bench.rounds import Race
from bench.stage import BRIEF_S, Stage, ready


async def run(stage: Stage) -> Section:
    """Start the service and the worker several times."""
    name = await stage.create("start")
    rounds = 1 if stage.quick else 5
    starts: list[tuple[float, float, float]] = []
    workers: list[tuple[float, float, float]] = []
    busy = 0.0
    for number in range(rounds + 1):  # the first fills the file cache
        started = time.perf_counter()
        ours = await stage.service(name)
        await ready(f"http://127.0.0.1:{ours.port}/readyz")
        starts.append((time.perf_counter() - started, seconds_of(ours.pids), megabytes_of(ours.pids)))
        if number == rounds:
            await Race(ours, Plan(0, "delivery", BRIEF_S if stage.quick else 5.0, 32, at_most=5000), stage.database)()
            busy = megabytes_of(ours.pids)
        stage.stop(ours)
        started = time.perf_counter()
        worker = await stage.worker(name)
        workers.append((time.perf_counter() - started, seconds_of([worker.pid]), megabytes_of([worker.pid])))
        stage.stop(worker)
    api = [median(column) for column in zip(*starts[1:], strict=True)]
    work = [median(column) for column in zip(*workers[1:], strict=True)]
    return Section(
        "start",
        "Cold start with a migrated database, and memory",
        ["s to ready", "CPU s", "MB at rest", "MB after a burst"],
        [("API", [*api, busy]), ("worker", [*work, ""])],
        [
            at_most("API, start to ready", api[0], 2.0, "s"),
            at_most("API, memory after a burst", busy, 130, "MB"),
            at_most("worker, start to listening", work[0], 2.0, "s"),
            at_most("worker, memory", work[2], 130, "MB"),
        ],
        {"api": starts, "worker": workers},
    )
