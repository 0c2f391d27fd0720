"""Taking a delivery in, against other programs that do: dj-stripe, and the sync engine in its two lines.

Each is set as cheap as its own settings make it, in one process, on a database of its own in the same PostgreSQL.
What each does and does not do for its time stands in docs/contributing/performance.md.
"""

import asyncio
import shutil
from dataclasses import dataclass

import asyncpg

from bench import events, rows
from bench.cpu import Meter
from bench.load import Plan
from bench.peers.install import FOLDER, install, python
from bench.report import COST_COLUMNS, Section, Target, at_least, cost_rows
from bench.rounds import Contest, Race, Sample, Samples, interleave, ratio
from bench.scenarios.worker import DONE
from bench.stage import PROJECT, Server, Stage, until
from dev.processes import Child

CONNECTIONS = 32
PER_S = 5000
OURS, WORKED, BARE = "ours", "ours, and processed by its worker", "bare ASGI, one statement"
HERE = PROJECT / "bench" / "peers"
GUNICORN = ["-m", "gunicorn", "bench.peers.djstripe_site:application", "--bind", "127.0.0.1:{port}", "--workers", "1"]
THREADS = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "75", "--log-level", "warning"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with: how it is started, how many of its events a CPU-second of ours is to take, what it stored."""

    title: str
    by: str
    command: tuple[str, ...]
    at_least: float
    stored: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def database(self) -> str:
        """Its database."""
        return "peer_" + "".join(letter for letter in self.title if letter.isalnum())


def _node(script: str) -> tuple[str, ...]:
    return (shutil.which("node") or "node", str(HERE / script))


DJANGO = (str(python()), *GUNICORN, *THREADS)
STORES_ONLY = (("BENCH_PEER_STORES_ONLY", "yes"),)
PEERS = (
    Peer("sync-engine 0.48.5 (npm, Supabase)", "npm", _node("fastify.mjs"), 2.5, "SELECT count(*) FROM stripe.invoices"),
    Peer("sync-engine 1.0.32 (npm, Stripe)", "npm", _node("express.mjs"), 4, "SELECT count(*) FROM stripe.invoices"),
    Peer("dj-stripe 2.11, stores and syncs", "pip", DJANGO, 45, "SELECT count(*) FROM djstripe_invoice"),
    Peer("dj-stripe 2.11, stores", "pip", DJANGO, 12, "SELECT count(*) FROM djstripe_webhookeventtrigger", STORES_ONLY),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worked:
    """Deliveries, until the worker is done with them."""

    race: Race
    worker: Child
    connection: "asyncpg.Connection[asyncpg.Record]"

    async def __call__(self) -> Sample:
        meter = Meter((*self.race.server.pids, self.worker.pid), self.race.database)
        meter.start()
        sample = await self.race()
        await until(lambda: self.connection.fetchval(DONE), every_s=0.05)
        server_s, postgres_s = meter.stop()
        sample.server_ms, sample.postgres_ms = (s * 1000 / sample.requests for s in (server_s, postgres_s))
        return sample


async def run(stage: Stage) -> Section:
    """Intake beside the peers that can be had here."""
    wanting = await asyncio.to_thread(install)
    peers = [peer for peer in PEERS if peer.by not in wanting]
    seconds, rounds = (0.5, 1) if stage.quick else (2.0, 5)
    name, worked = await stage.create("peers"), await stage.create("peers_worked")
    stub = await stage.baseline("stripe_stub", name, BENCH_LATENCY_S="0")
    servers = {OURS: await stage.service(name), BARE: await stage.baseline("bare", name, BENCH_INTAKE="mirror")}
    servers |= {peer.title: await _started(stage, peer, stub) for peer in peers}

    def race(server: Server) -> Race:
        return Race(server, Plan(0, "delivery", seconds, CONNECTIONS, at_most=int(PER_S * seconds)), stage.database)

    async with stage.connect(worked) as connection:
        await rows.customers(connection)
        both = Worked(race(await stage.service(worked)), await stage.worker(worked), connection)
        contest: Contest = {title: race(server) for title, server in servers.items()} | {WORKED: both}
        await interleave(contest, 1)
        await asyncio.gather(
            *(_vacuumed(stage, database) for database in (name, worked, *(one.database for one in peers)))
        )
        samples = await interleave(contest, rounds)
    for peer in peers:
        await _require_stored(stage, peer, samples)
    stage.stop_all()
    return Section(
        "peers",
        f"Peers: an `invoice.paid` of {len(events.payload(0)) / 1000:.1f} KB, {CONNECTIONS} connections, one process each",
        [*COST_COLUMNS, "total × ours", "total × ours and its worker"],
        [
            (title, [*cells, *(ratio(samples, title, us) for us in (OURS, WORKED))])
            for title, cells in cost_rows(samples)
        ],
        [_target(peer, samples) for peer in peers],
        {"rounds": samples},
        [
            f"Left out: what comes by {program}, since it could not be installed here: {why}"
            for program, why in wanting.items()
        ],
    )


async def _started(stage: Stage, peer: Peer, stub: Server) -> Server:
    """The peer, on a database that it has made ready itself."""
    stage.postgres.create_database(peer.database)
    files = {"BENCH_PACKAGES": str(FOLDER / "npm" / "package.json"), "BENCH_EVENT": str(events.FILE)}
    stripe = {"STRIPE_API_BASE": f"http://127.0.0.1:{stub.port}"}
    settings = stage.settings(peer.database, **stripe, **files, **dict(peer.settings))
    if peer.by == "pip":
        command = [str(python()), "-m", "bench.peers.djstripe_site"]
        preparing = Child(f"prepare {peer.title}", command, env=settings, cwd=PROJECT, log=stage.folder / "prepare.log")
        if await asyncio.to_thread(preparing.wait, 120):
            raise RuntimeError("\n".join(preparing.last_lines()))
    return await stage.program(peer.title, [*peer.command], settings)


async def _vacuumed(stage: Stage, database: str) -> None:
    """As autovacuum would: plans made on empty tables stay."""
    async with stage.connect(database) as connection:
        await connection.execute("VACUUM (ANALYZE)", timeout=120)


async def _require_stored(stage: Stage, peer: Peer, samples: Samples) -> None:
    """An answer of 200 is worth what was stored."""
    sent = sum(sample.requests for sample in samples[peer.title])
    async with stage.connect(peer.database) as connection:
        stored = await connection.fetchval(peer.stored)
    if stored < sent:
        raise RuntimeError(f"{peer.title} answered {sent:,} deliveries and has {stored:,}")


def _target(peer: Peer, samples: Samples) -> Target:
    return at_least(f"events per CPU-second, of those of {peer.title}", ratio(samples, peer.title, OURS), peer.at_least)
