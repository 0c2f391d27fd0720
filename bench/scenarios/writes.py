"""One write with one call to Stripe, many at a time: what the service adds to Stripe's latency."""

import asyncio
import urllib.request

import msgspec

from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_least, at_most, cost_rows
from bench.rounds import Race, Sample, interleave, ratio
from bench.stage import API_KEY, BRIEF_S, Server, Stage

LATENCY_S = 0.05
IN_FLIGHT = 100
PER_S = 2000


CLIENTS = {
    "raw aiohttp": "aiohttp",
    "raw httpx": "httpx",
    "SDK over aiohttp, raw request": "sdk_raw",
    "SDK over aiohttp, objects": "sdk_objects",
    "SDK over httpx, objects": "sdk_default",
}
"""What is called with, and its name in baselines/clients.py."""


async def run(stage: Stage) -> Section:
    """POST /v1/customers against the same call made without the service, by one client or another."""
    name = await stage.create("writes")
    stub = await stage.baseline("stripe_stub", name, BENCH_LATENCY_S=str(LATENCY_S))
    stripe = f"http://127.0.0.1:{stub.port}"
    servers = {
        title: await stage.baseline("bare", name, client, BENCH_STRIPE=stripe, BENCH_CLIENT=client)
        for title, client in CLIENTS.items()
    }
    ours = await stage.service(name, STRIPE_API_BASE=stripe)
    seconds, rounds = (BRIEF_S, 1) if stage.quick else (2.0, 5)

    def race(server: Server, connections: int = IN_FLIGHT) -> Race:
        plan = Plan(
            0, "write", seconds, connections, at_most=int(PER_S * seconds), paths=["/v1/customers"], key=API_KEY
        )
        return Race(server, plan, stage.database, "201" if server is ours else "200")

    most = 0

    async def counted() -> Sample:
        nonlocal most
        await asyncio.to_thread(_counts, stub)
        sample = await race(ours)()
        most = max(most, (await asyncio.to_thread(_counts, stub))["most"])
        return sample

    crowd = {f"{title}, {IN_FLIGHT} in flight": race(server) for title, server in servers.items()}
    alone = {"raw aiohttp, alone": race(servers["raw aiohttp"], 1), "ours, alone": race(ours, 1)}
    us, reference = f"ours, {IN_FLIGHT} in flight", f"raw aiohttp, {IN_FLIGHT} in flight"
    samples = await interleave({us: counted, **crowd, **alone}, rounds)
    stage.stop_all()
    targets = [
        at_most("CPU of the server per write, of raw aiohttp's", ratio(samples, us, reference, "server_ms"), 3),
        at_most("CPU of server and database per write, of raw aiohttp's", ratio(samples, us, reference), 4.2),
        at_least("calls at Stripe at once, from one process", most, 35, ""),
    ]
    title = f"Writes: a customer created, Stripe answers in {LATENCY_S * 1000:.0f} ms"
    return Section("writes", title, COST_COLUMNS, cost_rows(samples), targets, {"rounds": samples})


def _counts(stub: Server) -> dict[str, int]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{stub.port}/counts", timeout=5) as answer:
        return msgspec.json.decode(answer.read(), type=dict[str, int])
