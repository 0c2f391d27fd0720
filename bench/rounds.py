"""Runs the contestants in rounds, in a rotating order, so that a slow minute affects all alike."""

import asyncio
import itertools
import random
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from bench.cpu import Meter
from bench.load import Plan, Result
from bench.stage import PROJECT, Server

numbers = itertools.count(1, 1_000_000)
"""Where each round's deliveries and writes begin to count, so that none of them ever repeats."""

LEAST = 0.001
"""What a figure counts as that is too small to be measured, in milliseconds."""


class Sample(msgspec.Struct):
    """One contestant in one round. Milliseconds of processor time are per request."""

    requests: int
    per_s: float
    server_ms: float
    postgres_ms: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int] = {}
    generator_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        """Processor time of server and database."""
        return self.server_ms + self.postgres_ms


Samples = dict[str, list[Sample]]
Contest = Mapping[str, Callable[[], Awaitable[Sample]]]


@dataclass(frozen=True, slots=True)
class Race:
    """Load on one server, measured."""

    server: Server
    plan: Plan
    database: Path | None
    expect: str = "200"

    async def __call__(self) -> Sample:
        sample, _ = await self.run()
        return sample

    async def run(self) -> tuple[Sample, Result]:
        """One round; refuses to measure a server that answers anything but what is expected."""
        plan = msgspec.structs.replace(self.plan, first=next(numbers), port=self.server.port)
        meter = Meter(self.server.pids, self.database)
        result = await generate(plan, meter.start)
        server_s, postgres_s = meter.stop()
        if set(result.statuses) != {self.expect}:
            raise RuntimeError(f"{self.server.name} answered {result.statuses}, not {self.expect}")
        count = result.requests
        return Sample(
            requests=count,
            per_s=count / result.elapsed_s,
            server_ms=server_s * 1000 / count,
            postgres_ms=postgres_s * 1000 / count,
            p50_ms=result.p50_ms,
            p99_ms=result.p99_ms,
            statuses=result.statuses,
            generator_ms=result.cpu_s * 1000 / count,
        ), result


class Generator:
    """The load generator's process; it is started once and ends with its standard input."""

    process: asyncio.subprocess.Process | None = None

    @classmethod
    async def pipes(cls) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        """Where plans go in, and results come out."""
        if cls.process is None or cls.process.returncode is not None:
            cls.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.load",
                cwd=PROJECT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**26,
            )
        if cls.process.stdin is None or cls.process.stdout is None:
            raise RuntimeError("the load generator has no pipes")
        return cls.process.stdin, cls.process.stdout


async def generate(plan: Plan, before: Callable[[], None]) -> Result:
    """Have the load generator send `plan`; `before` is called when it is ready to."""
    plans, results = await Generator.pipes()
    plans.write(msgspec.json.encode(plan) + b"\n")
    await results.readline()
    before()
    plans.write(b"\n")
    said = await results.readline()
    if not said:
        raise RuntimeError("the load generator failed: see above")
    return msgspec.json.decode(said, type=Result)


async def interleave(contest: Contest, rounds: int) -> Samples:
    """Every contestant in every round; where there are several, after one each that does not count."""
    samples: Samples = defaultdict(list)
    if rounds > 1:
        for race in contest.values():
            await race()
    for number in range(rounds):
        order = list(contest)
        random.Random(number).shuffle(order)
        for name in order:
            samples[name].append(await contest[name]())
    return {name: samples[name] for name in contest}


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each figure."""
    figures = ("per_s", "server_ms", "postgres_ms", "p50_ms", "p99_ms", "generator_ms")
    found = {name: median(getattr(sample, name) for sample in samples) for name in figures}
    return Sample(requests=sum(sample.requests for sample in samples), **found)


def ratio(samples: Samples, name: str, other: str, figure: str = "total_ms") -> float:
    """The median over the rounds of `name`'s figure divided by `other`'s.

    The clock of processor time ticks every 10 ms: a quick round may cost nothing by it.
    """
    pairs = zip(samples[name], samples[other], strict=True)
    return float(median(getattr(one, figure) / (getattr(reference, figure) or LEAST) for one, reference in pairs))
