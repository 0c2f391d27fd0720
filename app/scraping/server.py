"""Serves the metrics to Prometheus, on an address of their own, in every kind of process.

A second uvicorn serves prometheus-client's ASGI application in its own thread. The process's counts are current. The
state of the queues is read with one statement and kept for KEPT_S, however many ask. If the database is away,
`invoicing_database_up` is 0 and the scrape does not wait.

Several API processes share their counts in files, and also the address: whichever is asked answers for all.
"""

import asyncio
import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Event

import structlog
import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry, make_asgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.container import Container
from app.domain.errors import DatabaseUnavailable
from app.http.connections import Connections
from app.http.protocol import BoundedProtocol
from app.observability import metrics
from app.scraping import gauges
from app.stripe.circuit import CircuitState

log = structlog.get_logger(__name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder that several processes share. prometheus-client reads it when it is imported."""
PREFIX, HELD = "invoicing-metrics-", "held"
"""How such folders begin to be called, and the file in each that is locked as long as it is used."""
STARTING_S = 60.0
"""Seconds within which a new folder may not be locked yet."""
KEPT_S = 3.0
MOST_SCRAPES = 100
"""Connections to the metrics, besides the reserved ones."""
WITHIN_S = 2.0
EVERY_S = 5
"""Seconds between samples of a process's state, and between attempts to listen."""
CIRCUIT = {CircuitState.CLOSED: 0, CircuitState.HALF_OPEN: 1, CircuitState.OPEN: 2}


@contextmanager
def shared_by(processes: int) -> Iterator[None]:
    """Let the processes started in this block share their counts, if there are several."""
    if processes == 1:
        yield
        return
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / HELD).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.environ[FOLDER] = str(folder)
        try:
            yield
        finally:
            del os.environ[FOLDER]
            shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of processes that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another one's, or held, or gone meanwhile
            found = folder.lstat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > STARTING_S:
                with (folder / HELD).open() as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)


@asynccontextmanager
async def scraped(container: Container, port: int, version: str) -> AsyncIterator[None]:
    """Serve `GET /metrics` on METRICS_HOST and `port` while the block runs. Port 0 means not to."""
    if not port:
        yield
        return
    metrics.BUILD.labels(version).set(1)
    scrape = Scrape(container)
    config = uvicorn.Config(
        scrape.application(),
        loop="asyncio",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        callback_notify=scrape.sample,
        timeout_notify=EVERY_S,
        timeout_graceful_shutdown=1,
    )
    server, stopping = uvicorn.Server(config), Event()
    serving = asyncio.create_task(asyncio.to_thread(_serve, server, container.settings.metrics_host, port, stopping))
    try:
        yield
    finally:
        server.should_exit = True
        stopping.set()
        await serving


def _serve(server: uvicorn.Server, host: str, port: int, stopping: Event) -> None:
    """Serve until stopped. If the address is taken, log that and try again: the process works on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while not stopping.is_set():
        try:
            listening = socket.create_server((host, port), family=family, reuse_port=FOLDER in os.environ)
        except OSError as error:
            log.error("metrics_not_served", host=host, port=port, error=str(error))  # noqa: TRY400
            stopping.wait(EVERY_S)
        else:
            server.run([listening])


class Scrape(Collector):
    def __init__(self, container: Container) -> None:
        self._container = container
        self._loop = asyncio.get_running_loop()
        self._folder = os.environ.get(FOLDER)
        self._asked_at = float("-inf")
        self._standing: list[Metric] | None = None
        self._asking = asyncio.Lock()
        registry = CollectorRegistry(support_collectors_without_names=True)
        registry.register(self)
        self._exposition = make_asgi_app(registry)

    def application(self) -> Starlette:
        served = Starlette(routes=[Route("/metrics", self, methods=["GET"])])
        served.state.connections = Connections(MOST_SCRAPES)
        return served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with all metrics, in the format that is asked for."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._ask(), self._loop))
        await self.sample()
        await self._exposition(scope, receive, send)

    async def sample(self) -> None:
        pool, gateway = self._container.database.pool_state, self._container.gateway.state
        metrics.POOL("in_use").set(pool.in_use)
        metrics.POOL("idle").set(pool.idle)
        metrics.POOL("most").set(pool.most)
        metrics.STRIPE_CIRCUIT.set(CIRCUIT[gateway.circuit])
        metrics.STRIPE_RATE.set(gateway.rate_per_s)
        metrics.STRIPE_IN_FLIGHT.set(gateway.in_flight)
        metrics.STRIPE_WAITING.set(gateway.waiting)
        metrics.INTAKE_WAITING.set(self._container.inbox.waiting)
        metrics.LISTENERS.set(self._container.live.listening)

    async def _ask(self) -> None:
        """Read the state of the queues, unless it was read within KEPT_S."""
        async with self._asking:
            if time.monotonic() - self._asked_at < KEPT_S:
                return
            reading = asyncio.create_task(self._read())
            done, _ = await asyncio.wait({reading}, timeout=WITHIN_S)
            reading.cancel()  # it goes on beside until its connection has been given back: a server that hangs takes long
            self._standing, self._asked_at = reading.result() if done else None, time.monotonic()

    async def _read(self) -> list[Metric] | None:
        with suppress(DatabaseUnavailable):
            async with self._container.database.spare() as connection:
                return await gauges.standing(connection)
        return None

    def collect(self) -> Iterator[Metric]:
        """The metrics: counts, and the state of the queues if it is known."""
        yield from _counted(self._folder)
        found = self._standing
        up = "Whether the database answered the question how everything stands."
        yield GaugeMetricFamily("invoicing_database_up", up, value=found is not None)
        yield from found or ()


def _counted(folder: str | None) -> Iterable[Metric]:
    """The counts of this process, or of all that share the folder."""
    if folder is None:
        return REGISTRY.collect()
    _bury_the_dead(Path(folder))
    files = [str(file) for file in Path(folder).glob("*.db") if _is_begun(file)]
    counted: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    return counted


def _is_begun(file: Path) -> bool:
    """Whether there is something to read: a process that starts makes an empty file, and another scrape may delete one."""
    with suppress(FileNotFoundError):
        return file.stat().st_size > 0
    return False


def _bury_the_dead(folder: Path) -> None:
    """Delete the gauges of processes that have ended. Their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)  # another process may answer a scrape, too
