"""One write with one call to Stripe, many at a time: what the service adds to Stripe's latency."""

import asyncio
import urllib.request

import msgspec

from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_least, at_most, cost_rows
from bench.rounds import Race, interleave, ratio
from bench.stage import API_KEY, Server, Stage

LATENCY_S = 0.05
IN_FLIGHT = 100
PER_S = 2000


async def run(stage: Stage) -> Section:
    """POST /v1/customers against the same call made raw."""
    name = await stage.create("writes")
    stub = await stage.baseline("stripe_stub", name, BENCH_LATENCY_S=str(LATENCY_S))
    stripe = f"http://127.0.0.1:{stub.port}"
    raw = await stage.baseline("bare", name, BENCH_STRIPE=stripe)
    ours = await stage.service(name, STRIPE_API_BASE=stripe)
    seconds, rounds = (0.2, 1) if stage.quick else (2.5, 5)

    def race(server: Server, connections: int) -> Race:
        plan = Plan(
            0, "write", seconds, connections, at_most=int(PER_S * seconds), paths=["/v1/customers"], key=API_KEY
        )
        return Race(server, plan, stage.database, "201" if server is ours else "200")

    most: dict[str, int] = {}

    async def counted() -> object:
        await asyncio.to_thread(_counts, stub)
        sample = await race(ours, IN_FLIGHT)()
        most["ours"] = max(most.get("ours", 0), (await asyncio.to_thread(_counts, stub))["most"])
        return sample

    samples = await interleave(
        {
            f"raw aiohttp, {IN_FLIGHT} in flight": race(raw, IN_FLIGHT),
            f"ours, {IN_FLIGHT} in flight": counted,  # type: ignore[dict-item]
            "raw aiohttp, alone": race(raw, 1),
            "ours, alone": race(ours, 1),
        },
        rounds,
    )
    stage.stop_all()
    crowd, reference = f"ours, {IN_FLIGHT} in flight", f"raw aiohttp, {IN_FLIGHT} in flight"
    targets = [
        at_most("CPU of the server per write, of raw aiohttp's", ratio(samples, crowd, reference, "server_ms"), 3),
        at_most("CPU of server and database per write, of raw aiohttp's", ratio(samples, crowd, reference), 4),
        at_least("calls at Stripe at once, from one process", most["ours"], 35, ""),
    ]
    title = f"Writes: a customer created, Stripe answers in {LATENCY_S * 1000:.0f} ms"
    return Section("writes", title, COST_COLUMNS, cost_rows(samples), targets, {"rounds": samples})


def _counts(stub: Server) -> dict[str, int]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{stub.port}/counts", timeout=5) as answer:
        return msgspec.json.decode(answer.read(), type=dict[str, int])
