"""A flood for a long time: whether a process grows. Asked for by name only; `--soak` says how many events."""

from itertools import pairwise

from bench import rows
from bench.cpu import megabytes_of
from bench.load import Plan
from bench.report import Section, at_most
from bench.rounds import Race
from bench.scenarios.worker import DONE
from bench.stage import Stage, until

PARTS = 10


async def run(stage: Stage) -> Section:
    """Deliver and process, and weigh both processes after every tenth."""
    name = await stage.create("soak")
    async with stage.connect(name) as connection:
        await rows.customers(connection)
        ours, worker = await stage.service(name), await stage.worker(name)
        weighed: list[tuple[float, float]] = []
        for _ in range(PARTS):
            remaining = stage.soak // PARTS
            while remaining > 0:
                # In portions that the generator can hold in memory.
                race = Race(ours, Plan(0, "delivery", 600, 32, at_most=min(remaining, 20_000)), stage.database)
                remaining -= (await race()).requests
            await until(lambda: connection.fetchval(DONE), every_s=0.2)
            await connection.execute("VACUUM (ANALYZE)")
            weighed.append((megabytes_of(ours.pids), megabytes_of([worker.pid])))
    stage.stop_all()
    half = weighed[PARTS // 2 :]
    growth = max(last[part] - first[part] for part in (0, 1) for first, last in [(half[0], half[-1])])
    steps = [round(last[0] - first[0], 2) for first, last in pairwise(weighed)]
    return Section(
        "soak",
        f"Soak: {stage.soak:,} events taken in and processed",
        [f"{tenth}/{PARTS}" for tenth in range(1, PARTS + 1)],
        [("API, MB", [api for api, _ in weighed]), ("worker, MB", [worker for _, worker in weighed])],
        [at_most("growth of a process over the second half", growth, 3, "MB")],
        {"api_steps_mb": steps},
    )
