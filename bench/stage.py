"""Starts and stops what a benchmark needs: PostgreSQL as in production, the service, the baselines."""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import asyncpg

from bench import events
from bench.baselines import statements
from dev.postgres import PostgresServer
from dev.processes import Child, describe_exit
from dev.warm import POSSIBLE, Warm, WarmChild

PROJECT = Path(__file__).resolve().parents[1]
API_KEY = "ik_test_the_key_of_the_bench_0123456789"

POSTGRES = {
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",
    "track_commit_timestamp": "on",
}
"""Durable as in production (fsync and synchronous_commit are on); what runs by the clock waits, for it would strike
one contestant and not the other."""

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""In a quick round the disk is not waited for, as figures mean nothing."""

BRIEF_S = 0.05
"""How long such a round sends."""

MIGRATED = "migrated"
"""The database that the others are copies of."""

RUN = ("app.cli", "uvicorn")
IMPORTED = ("app.cli.processes", "app.cli.migrate", "app.main", "sqlalchemy.ext.asyncio")
"""What contestants run, and what they import. Where figures mean nothing, they are forked from one that has it: starts are most
of what is left of a quick round."""

_LISTENS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN %'"


@dataclass(frozen=True, slots=True)
class Server:
    """A running contestant."""

    name: str
    port: int
    child: Child

    @property
    def pids(self) -> tuple[int, ...]:
        return (self.child.pid,)


@dataclass(slots=True)
class Stage:
    """What stands there for a scenario."""

    folder: Path
    postgres: PostgresServer
    quick: bool
    powers: int = 6
    """Growth is measured up to ten to this power of rows."""
    soak: int = 100_000
    """Events of a soak."""
    _children: list[Child] = field(default_factory=list)
    _migrated: bool = False
    _parent: Warm | None = None

    @property
    def database(self) -> Path:
        return self.postgres.data

    def url(self, database: str) -> str:
        """The address of a database."""
        return self.postgres.url(database)

    def connect(self, database: str) -> contextlib.AbstractAsyncContextManager["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to a database."""
        return _connected(self.url(database))

    async def create(self, database: str) -> str:
        """A migrated database that also has the baselines' tables; its name."""
        if not self._migrated:
            await self._migrate(MIGRATED)
            self._migrated = True
        async with self.connect("postgres") as connection:
            await connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{MIGRATED}"')
        return database

    async def _migrate(self, database: str) -> None:
        self.postgres.create_database(database)
        migrating = self._start("migrate", ["app.cli", "migrate"], self.settings(database))
        if await asyncio.to_thread(migrating.wait, 60):
            raise RuntimeError("\n".join(migrating.last_lines()))
        self.stop(migrating)
        async with self.connect(database) as connection:
            await connection.execute(statements.SCHEMA)

    def settings(self, database: str, **more: str) -> dict[str, str]:
        """The environment of the service and of the baselines."""
        return _inherited() | {
            "DATABASE_URL": self.url(database),
            "DATA_DIR": str(self.folder),
            "API_BOOTSTRAP_KEY": API_KEY,
            "RATE_LIMIT_CALLER": "1000000",  # counted as ever, and never reached
            "RATE_LIMIT_ADDRESS": "1000000",
            "STRIPE_RATE_PER_S": "1000000",
            "STRIPE_ENDPOINT_RATE_PER_S": "1000000",
            "STRIPE_SECRET_KEY": "sk_test_bench",
            "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody: where Stripe is wanted, a scenario brings a stub
            "STRIPE_WEBHOOK_SECRETS": f"{events.SECRET},whsec_that_is_being_rolled",
            "BENCH_WEBHOOK_SECRET": events.SECRET,
            **more,
        }

    async def service(self, database: str, module: str = "app.cli", **more: str) -> Server:
        """The API, as `make run` and the image start it; `module` is another than the service's own command line."""
        port = _free_port()
        return await self._up("ours", port, [module, "serve"], self.settings(database, PORT=str(port), **more))

    async def collector(self) -> str:
        """The address of an OTLP collector that keeps nothing."""
        port = _free_port()
        command = ["uvicorn", "bench.baselines.collector:app", "--port", str(port), "--log-level", "warning"]
        await self._up("collector", port, [*command, "--no-access-log", "--lifespan", "off"], _inherited())
        return f"http://127.0.0.1:{port}"

    def port(self) -> int:
        """A port for something else."""
        return _free_port()

    async def sandbox(self, port: int, deliver_to: int) -> None:
        """The offline Stripe on `port`, delivering to the API on `deliver_to`."""
        where = ["--port", str(port), "--webhook-url", f"http://127.0.0.1:{deliver_to}/webhooks/stripe"]
        self._start("sandbox", ["offline_stripe", *where, "--webhook-secret", events.SECRET], _inherited())
        await ready(f"http://127.0.0.1:{port}/_sandbox/health")

    async def worker(self, database: str, **more: str) -> Child:
        """The worker, once it listens."""
        child = self._start("worker", ["app.cli", "worker"], self.settings(database, **more))

        async def listens() -> object:
            self._require_alive(child)
            return await connection.fetchval(_LISTENS, database)

        async with self.connect(database) as connection:
            await until(listens)
        return child

    async def baseline(self, module: str, database: str, name: str = "", **more: str) -> Server:
        """One of bench/baselines, under the same server as the service."""
        port = _free_port()
        command = ["uvicorn", f"bench.baselines.{module}:app", "--port", str(port), "--log-level", "warning"]
        command += ["--no-access-log", "--timeout-keep-alive", "600"]  # longer than the others' turns take
        command += ["--timeout-graceful-shutdown", "1"]  # one hangs on purpose
        return await self._up(name or module, port, command, self.settings(database, **more))

    async def program(self, name: str, command: list[str], settings: Mapping[str, str]) -> Server:
        """Another program that serves, on the port that PORT names, what the service does; none of ours."""
        port = _free_port()
        settings = {**settings, "PORT": str(port)}
        return await self._up(name, port, [part.format(port=port) for part in command], settings)

    def stop(self, *children: Child | Server) -> None:
        """End these, side by side."""
        ending = [one.child if isinstance(one, Server) else one for one in children]
        for child in ending:
            child.ask_to_stop()
        for child in ending:
            child.stop()
            self._children.remove(child)

    def stop_all(self) -> None:
        """End everything but PostgreSQL."""
        self.stop(*self._children.copy())

    def _start(self, name: str, command: list[str], settings: Mapping[str, str]) -> Child:
        log = self.folder / f"{name}.log"
        child: Child
        if self.quick and POSSIBLE and command[0] in RUN and _may_be_warm(settings):
            if self._parent is None:
                self._parent = Warm(*RUN, *IMPORTED, env=_inherited(), cwd=PROJECT)
            child = WarmChild(self._parent, name, command, env=settings, cwd=PROJECT, log=log)
        else:
            command = command if Path(command[0]).is_absolute() else [sys.executable, "-m", *command]
            child = Child(name, command, env=settings, cwd=PROJECT, log=log)
        self._children.append(child)
        return child

    async def _up(self, name: str, port: int, command: list[str], settings: Mapping[str, str]) -> Server:
        child = self._start(name, command, settings)

        async def serves() -> bool:
            self._require_alive(child)
            return await asyncio.to_thread(answers, f"http://127.0.0.1:{port}/healthz")

        await until(serves)
        return Server(name, port, child)

    def _require_alive(self, child: Child) -> None:
        if child.exit_status is not None:
            raise RuntimeError("\n".join([f"{child.name} {describe_exit(child.exit_status)}", *child.last_lines()]))

    @classmethod
    @contextlib.contextmanager
    def set_up(cls, *, quick: bool, powers: int, soak: int = 0) -> Iterator[Self]:
        """Start PostgreSQL in a folder of its own; remove everything at the end."""
        below = PROJECT / ".data"
        below.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=below))
        postgres = PostgresServer(folder / "postgres", options=POSTGRES | (FORGETFUL if quick else {}))
        try:
            postgres.start()
            stage = cls(folder, postgres, quick, powers, soak)
            try:
                yield stage
            finally:
                stage.stop_all()
        finally:
            postgres.stop()
            postgres.clean_up()
            shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(reached: Callable[[], Awaitable[object]], every_s: float = 0.02) -> None:
    """Return when `reached`: what is waited for happens in another process, and nothing tells us."""
    while not await reached():  # noqa: ASYNC110 -- see above
        await asyncio.sleep(every_s)


async def ready(url: str) -> None:
    """Return when a GET of `url` is answered with 200."""
    await until(lambda: asyncio.to_thread(answers, url))


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with 200."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _may_be_warm(settings: Mapping[str, str]) -> bool:
    """Whether nothing of it is read while importing."""
    return settings.get("WORKERS", "1") == "1" and "PROMETHEUS_MULTIPROC_DIR" not in settings


def _inherited() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "NO_PROXY": "*"}
