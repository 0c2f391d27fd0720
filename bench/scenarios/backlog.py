"""A backlog of events, as after an outage, drained oldest first by one worker and by two. By name only; `--soak` says how many."""

from bench import rows
from bench.report import Section, at_least
from bench.scenarios.worker import drain, paid
from bench.stage import Stage


async def run(stage: Stage) -> Section:
    """Events per second, and processor time per event."""
    name, count = await stage.create("backlog"), 200 if stage.quick else stage.soak
    async with stage.connect(name) as connection:
        await rows.customers(connection)
    found: dict[int, tuple[float, float, float]] = {}
    workers = []
    for number in (1, 2):
        workers.append(await stage.worker(name, STRIPE_API_BASE="http://127.0.0.1:9"))
        found[number] = await drain(stage, name, workers, paid(count))
    stage.stop_all()
    return Section(
        "backlog",
        f"A backlog of {count:,} events, oldest first",
        ["events/s", "worker ms", "pg ms"],
        [(f"workers: {number}", [*figures]) for number, figures in found.items()],
        [at_least("events per second by two workers, of one's", found[2][0] / found[1][0], 1)],
    )
