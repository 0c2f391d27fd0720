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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
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
from app.scraping.gauges import Standing
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
        self._standing: Standing | None = None
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

    async def _read(self) -> Standing | None:
        with suppress(DatabaseUnavailable):
            async with self._container.database.connection() as connection:
                return await gauges.standing(connection)
        return None

    def collect(self) -> Iterator[Metric]:
        """The metrics: counts, and the state of the queues if it is known."""
        yield from _counted(self._folder)
        found = self._standing
        up = "Whether the database answered the question how everything stands."
        yield GaugeMetricFamily("invoicing_database_up", up, value=found is not None)
        if found is None:
            return
        yield from _inbox(found)
        yield _gauge("operations_unanswered", "Writes that are under way or left behind.", found.unanswered)
        yield _gauge("operations_oldest_seconds", "How old the oldest of them is.", found.unanswered_oldest_s)
        yield from _outside(found)
        differing = "Amounts that differ from Stripe's balance, as it was compared last."
        yield _gauge("balance_differences", differing, found.balance_differences)
        waits = "Invoices about which a person must do something."
        yield _gauge("stuck_invoices", waits, found.stuck.invoices)
        yield _gauge("stuck_oldest_seconds", "How old the oldest money among them is.", found.stuck.oldest_s)
        back = found.returns
        yield _gauge("disputes_to_answer", "Disputes that wait for evidence.", back.disputes_to_answer)
        yield _gauge("disputes_due_soon", "Those whose evidence is due within three days.", back.evidence_due_soon)
        yield _gauge("refunds_failed", "Refunds that failed in the last seven days.", back.refunds_failed)
        covered = found.coverage
        if covered:
            yield _gauge("coverage_age_seconds", "Up to how long ago no event can be missing.", covered.age_s)
            yield _gauge(
                "coverage_updated_seconds", "When the reconciler last wrote how far it got.", covered.updated_s
            )
            yield _counter("coverage_compared", "Events compared with the inbox.", covered.compared)
            yield _counter("coverage_missed", "Events that had never arrived.", covered.missed)
            yield _counter("coverage_repaired", "Objects that had drifted from Stripe's.", covered.repaired)


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


def _inbox(found: Standing) -> Iterator[Metric]:
    events = GaugeMetricFamily("invoicing_inbox_events", "Events that are not at their end.", labels=["status"])
    for status in ("received", "processing", "failed", "dead"):
        events.add_metric([status], getattr(found, status))
    yield events
    yield _gauge("inbox_lag_seconds", "How late the most overdue event is: what to scale workers on.", found.lag_s)
    yield _gauge("inbox_oldest_seconds", "Since when the oldest unfinished event is here.", found.oldest_s)
    yield _gauge("inbox_most_attempts", "How often the most unlucky waiting event was tried.", found.most_attempts)


def _outside(found: Standing) -> Iterator[Metric]:
    held = "For how long an event waits for a transaction to end."
    yield _gauge("feed_held_seconds", held, found.feed_held_s)
    yield _gauge("push_waiting", "Webhooks that wait for their delivery.", found.outgoing)
    yield _gauge("push_lag_seconds", "How late the most overdue of them is.", found.outgoing_lag_s)
    yield _gauge("push_endpoints_failing", "Enabled endpoints that do nothing but fail.", found.endpoints_failing)
    yield _gauge("fulfillment_actions_waiting", "Fulfillment actions that are not at their end.", found.actions)
    yield _gauge("fulfillment_actions_lag_seconds", "How late the most overdue of them is.", found.actions_lag_s)
    yield _gauge("push_dead", "Webhooks that were given up and not asked for again.", found.outgoing_dead)
    said = "Actions that were given up and not tried again."
    dead = GaugeMetricFamily("invoicing_fulfillment_actions_dead", said, labels=["action"])
    for action, count in found.actions_dead.items():
        dead.add_metric([action], count)
    yield dead


def _gauge(name: str, said: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"invoicing_{name}", said, value=value)


def _counter(name: str, said: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"invoicing_{name}", said, value=value)


def _bury_the_dead(folder: Path) -> None:
    """Delete the gauges of processes that have ended. Their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)  # another process may answer a scrape, too
