"""What a key costs: one write with one call to Stripe, with an operation around it and without, one at a time."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from statistics import median, quantiles

from app.container import Container, built
from app.idempotency.operations import Call
from app.projection import observation
from app.settings import Settings
from app.stripe.mapping import Kind
from bench.report import Section, at_most
from bench.stage import Stage

LATENCIES_S = (0.0, 0.05)
PARAMS = {"name": "Jenny Rosen", "email": "jenny@example.com"}
WITHOUT, KEYLESS, KEYED, REPLAY = "without", "without a key", "with a key", "a replay"

Write = Callable[[int], Awaitable[object]]


async def run(stage: Stage) -> Section:
    """POST of a customer: Stripe's answer written through, and the same as an operation. Interleaved call by call."""
    calls = 20 if stage.quick else 300
    rows: list[tuple[str, list[float | str]]] = []
    targets = []
    for latency in LATENCIES_S:
        name = await stage.create(f"idempotency_{int(latency * 1000)}")
        stub = await stage.baseline("stripe_stub", name, BENCH_LATENCY_S=str(latency))
        times = await _measure(_settings(stage, name, stub.port), calls)
        stage.stop_all()
        base = median(times[WITHOUT])
        for contestant, taken in times.items():
            p99 = quantiles(taken, n=100)[-1]
            what = f"{contestant}, Stripe answers in {latency * 1000:.0f} ms"
            rows.append((what, [median(taken), p99, round(median(taken) / base, 2)]))
        limit = 1.25 if latency else 2
        what = f"p50 with a key, of the p50 without an operation, Stripe answers in {latency * 1000:.0f} ms"
        targets.append(at_most(what, median(times[KEYED]) / base, limit))
    return Section(
        "idempotency", "Idempotency: what it adds to a write", ["p50 ms", "p99 ms", "× without"], rows, targets
    )


def _settings(stage: Stage, database: str, port: int) -> Settings:
    environment = stage.settings(database, STRIPE_API_BASE=f"http://127.0.0.1:{port}")
    known = {name.lower(): value for name, value in environment.items() if name.lower() in Settings.model_fields}
    return Settings(_env_file=None, **known)  # type: ignore[arg-type]


async def _measure(settings: Settings, calls: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by contestant."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    async with built(settings) as container:
        contest = _contest(container)
        for number in range(calls + 10):
            for name, write in contest.items():
                started = time.perf_counter()
                await write(number)
                if number >= 10:
                    times[name].append((time.perf_counter() - started) * 1000)
    return dict(times)


def _contest(container: Container) -> dict[str, Write]:
    writer = container.invoices._writer  # noqa: SLF001 -- the same code, without what is measured

    async def without(number: int) -> None:
        answer = await container.gateway.post("/v1/customers", PARAMS, key=f"bench-{number}")
        await writer.write(observation.snapshot_of(Kind.CUSTOMER, answer), "bench")

    async def operation(key: str | None) -> None:
        call = Call("bench", "POST /v1/customers", PARAMS, key=key)
        await container.operations.run(call, container.customers.create_customer)

    return {
        WITHOUT: without,
        KEYLESS: lambda _: operation(None),
        KEYED: lambda number: operation(f"key-{number}"),
        REPLAY: lambda number: operation(f"key-{number}"),
    }
