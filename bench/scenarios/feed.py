"""The event feed: how soon after its commit a change is heard, what an idle stream weighs, and what intake notices of it."""

import asyncio
from collections.abc import Sequence

from bench.cpu import megabytes_of
from bench.listening import Writer, long_poll, streams
from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_most, cost_rows
from bench.rounds import Race, Sample, interleave, ratio
from bench.stage import BRIEF_S, Server, Stage, until

IDLE = "?types=invoice.deleted"
"""What a stream asks for that is to hear nothing."""
PER_S = 20.0
CONNECTIONS = 16
ALONE, CROWD, MUTE = "intake, nobody listens", "intake, idle streams", "intake, a consumer that does not read"


def _percentiles(found: Sequence[float]) -> list[float | str]:
    ordered = sorted(found)
    return [ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]]


async def _heard(writer: Writer, listeners: Sequence[dict[bytes, float]]) -> list[float]:
    """The latencies of all listeners, once each has heard of everything."""

    async def all_there() -> bool:
        return all(writer.committed.keys() <= heard.keys() for heard in listeners)

    async with asyncio.timeout(60):
        await until(all_there)
    return [latency for heard in listeners for latency in writer.latencies(heard)]


async def _latencies(stage: Stage, name: str, server: Server, count: int) -> dict[str, list[float]]:
    """From commit to consumer: alone, beside idle streams, and as one of many that all hear it."""
    seconds = 0.5 if stage.quick else 10.0
    found = {}
    async with stage.connect(name) as connection:
        async with streams(server.port, 1) as (stream,):
            await (writer := Writer(connection)).pace(PER_S, seconds)
            found["stream"] = await _heard(writer, [stream.heard])
        polled: dict[bytes, float] = {}
        polling = asyncio.create_task(long_poll(server.port, polled, begun := asyncio.Event()))
        await begun.wait()
        await (writer := Writer(connection)).pace(PER_S, seconds)
        found["long poll"] = await _heard(writer, [polled])
        polling.cancel()
        async with streams(server.port, count, IDLE), streams(server.port, 1) as (stream,):
            await (writer := Writer(connection)).pace(PER_S, seconds)
            found[f"stream, beside {count:,} idle ones"] = await _heard(writer, [stream.heard])
        async with streams(server.port, count) as crowd:
            await (writer := Writer(connection)).pace(2.0, seconds)
            found[f"{count:,} streams that all hear it"] = await _heard(writer, [one.heard for one in crowd])
    return found


async def _weight(server: Server, count: int) -> float:
    """KiB of an idle stream."""
    async with streams(server.port, 20, IDLE):
        before = megabytes_of(server.pids)
        async with streams(server.port, count, IDLE):
            return (megabytes_of(server.pids) - before) * 1e6 / 1024 / count


async def _mute(port: int) -> None:
    """A consumer that begins at the beginning and never reads; let go, it comes back and does it again. Until cancelled."""
    while True:
        async with streams(port, 1, "?after=start") as (stream,):
            stream.stop_reading()
            await stream.gone


async def run(stage: Stage) -> Section:
    """Latency, weight, and intake side by side."""
    name = await stage.create("feed")
    count = 50 if stage.quick else 1000
    server = await stage.service(name)
    weight = await _weight(server, count)
    latencies = await _latencies(stage, name, server, count)
    stage.stop(server)
    servers = {title: await stage.service(name) for title in (ALONE, CROWD, MUTE)}
    seconds = BRIEF_S if stage.quick else 3.0
    plan = Plan(0, "delivery", seconds, CONNECTIONS, at_most=int(4000 * seconds))
    races = {title: Race(one, plan, stage.database) for title, one in servers.items()}
    async with streams(servers[CROWD].port, count, IDLE), stage.connect(name) as connection:
        filler = Writer(connection, {"note": "x" * 20_000})
        for _ in range(50 if stage.quick else 500):  # more than the buffers on the way hold
            await filler.write()
        mute = asyncio.create_task(_mute(servers[MUTE].port))
        writer = Writer(connection)

        async def beside(title: str) -> Sample:
            writing = asyncio.create_task(writer.pace(5 * PER_S, seconds))  # changes keep coming, whoever listens
            sample = await races[title]()
            await writing
            return sample

        contest = {title: (lambda title=title: beside(title)) for title in races}
        samples = await interleave(contest, 1 if stage.quick else 5)
        mute.cancel()
    stage.stop_all()
    return Section(
        "feed",
        "The event feed: from commit to consumer, and webhook intake beside its listeners",
        COST_COLUMNS,
        cost_rows(samples)
        + [(f"ms from commit: {title}", ["", "", "", "", *_percentiles(found)]) for title, found in latencies.items()],
        [
            at_most("p50 from commit to stream", float(_percentiles(latencies["stream"])[0]), 10, "ms"),
            at_most("p99 from commit to stream", float(_percentiles(latencies["stream"])[1]), 50, "ms"),
            at_most("p50 from commit to long poll", float(_percentiles(latencies["long poll"])[0]), 15, "ms"),
            at_most("an idle stream", weight, 48, "KiB"),
            at_most(f"CPU per delivery beside {count:,} idle streams", ratio(samples, CROWD, ALONE), 1.1),
            at_most("CPU per delivery beside a consumer that does not read", ratio(samples, MUTE, ALONE), 1.1),
            at_most("p99 of a delivery beside it", ratio(samples, MUTE, ALONE, "p99_ms"), 1.2),
        ],
        {"intake": samples, "latencies": latencies},
    )
