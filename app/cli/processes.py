"""`invoicing serve`, `worker` and `console`: the processes of the service."""

import asyncio
import gc
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
import typer
import uvicorn

from app import shutdown
from app.access import key_statements
from app.cli.environment import WithoutStripe, require_free, settings
from app.cli.errors import NOT_MIGRATED, errors_told, wrong_database
from app.cli.output import Status
from app.clients import database_of
from app.container import built
from app.db import migrations
from app.db.engine import ONE_PLAN, Database
from app.domain.actions import Misconfigured
from app.domain.errors import DatabaseUnavailable
from app.http.connections import Connections
from app.http.protocol import BoundedProtocol
from app.observability import logs, tracing
from app.scraping.server import scraped, shared_by
from app.settings import Settings
from app.version import VERSION

log = structlog.get_logger(__name__)

REACHED_WITHIN_S = 2.0
"""How long the start waits for Stripe to answer a connection, so as to say where it does not."""
MOST_CONSOLE_CONNECTIONS = 100


@contextmanager
def _uncollected() -> Iterator[None]:
    """Run the start without garbage collection, and leave its objects out of all later ones: they live to the end.

    A collection that looks at everything imported takes about 0.1 s, in which no request is served. The entry point has
    switched it off already; a process that uvicorn starts does not come by there.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@_uncollected()
def application() -> object:
    """Build the application, for a server that starts several processes."""
    from app.main import create_app, end_streams

    found = settings()
    logs.configure(found.log_level)
    app = create_app(found)
    shutdown.end_at_second_signal(partial(end_streams, app))  # the server waits for responses, and these have no end
    return app


def serve() -> None:
    found = settings()
    logs.configure(found.log_level)
    with errors_told():
        asyncio.run(_require_somebody(found))
    require_free(found.host, found.port, "PORT")
    asyncio.run(_tell_what_is_away(found))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is a file; a shell's default is 1024
    with shared_by(found.workers):
        _run(
            "app.cli.processes:application",
            factory=True,
            host=found.host,
            port=found.port,
            workers=found.workers,
            timeout_keep_alive=found.keep_alive_s,
            timeout_worker_healthcheck=shutdown.HANGS_S,
        )


class Announced(uvicorn.Server):
    """Says on standard output where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _announce(self.config.host, self.servers[0].sockets[0].getsockname()[1])


def _announce(host: str, port: int) -> None:
    where = f"[{host}]" if ":" in host else host
    typer.echo(f"Listening on http://{where}:{port}. Ctrl-C ends it.")


def _run(app: Any, **options: Any) -> None:
    """Serve until a signal comes."""
    options |= {
        "access_log": False,
        "log_config": None,  # the log is the service's own: JSON, without secrets
        "log_level": "error",  # warnings are about what strangers send, a line each
        "server_header": False,
        "http": BoundedProtocol,
        "ws": "none",
        "proxy_headers": False,  # the middleware reads them, from the configured proxies
        "timeout_graceful_shutdown": shutdown.DRAIN_S,
    }
    if options.get("workers", 1) > 1:
        _announce(options["host"], options["port"])
        gc.enable()
        uvicorn.run(app, **options)
        return
    with suppress(KeyboardInterrupt):
        Announced(uvicorn.Config(app, **options)).run()


def console() -> None:
    found = settings(WithoutStripe)
    require_free(found.console_host, found.console_port, "CONSOLE_PORT")
    logs.configure(found.log_level)
    shutdown.end_at_second_signal()
    with _uncollected():
        from app.admin.application import create_console

        app = create_console(found)
    app.state.connections = Connections(MOST_CONSOLE_CONNECTIONS, proxies=found.trusted_proxies)
    _run(app, host=found.console_host, port=found.console_port, limit_concurrency=MOST_CONSOLE_CONNECTIONS)


def worker() -> None:
    found = settings()
    logs.configure(found.log_level)
    try:
        with errors_told():
            asyncio.run(_work(found))
    except Misconfigured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Status.WRONG) from None


async def _work(found: Settings) -> None:
    from app.background import jobs

    tracing.start(found.otel_exporter_otlp_endpoint, found.otel_service_name or "invoicing-worker")
    try:
        async with built(found, **ONE_PLAN) as container, scraped(container, found.worker_metrics_port, VERSION):
            await _require_tables(container.database)
            with _uncollected():
                running = jobs(container)
            async with asyncio.TaskGroup() as group:
                for job in running:
                    group.create_task(job.run())
                shutdown.drain_on_signal(*(job.stop for job in running))
    finally:
        await asyncio.to_thread(tracing.stop)


async def _require_somebody(found: Settings) -> None:
    """Exit in production if nobody could call. If the database is away, the service starts all the same."""
    if found.environment != "production" or found.api_bootstrap_key or found.oidc_issuer:
        return
    database = database_of(found)
    await database.open()
    try:
        async with database.connection() as connection:
            somebody = await key_statements.any_in_force(connection, livemode=found.livemode)
    except DatabaseUnavailable:
        return
    finally:
        await database.close()
    if not somebody:
        typer.echo("Nobody could call: make a key (`invoicing keys create`), or set API_BOOTSTRAP_KEY.", err=True)
        raise typer.Exit(Status.WRONG)


async def _require_tables(database: Database) -> None:
    """Exit if the database was never migrated: every job would fail. For one that is away jobs wait; an older one is told."""
    with suppress(DatabaseUnavailable):
        async with database.connection() as connection:
            applied = await migrations.revision(connection)
        if applied is None:
            typer.echo(NOT_MIGRATED, err=True)
            raise typer.Exit(Status.WRONG)
        if not migrations.serves(applied):
            log.warning("database_not_migrated", fix="invoicing migrate")


async def _tell_what_is_away(found: Settings) -> None:
    """Write a line of the log where the database cannot be used or Stripe cannot be reached: the service starts all the same."""
    try:
        async with database_of(found).session() as connection:
            if not migrations.serves(await migrations.revision(connection)):
                log.warning("database_not_migrated", fix="invoicing migrate")
    except DatabaseUnavailable as error:
        log.warning("database_not_reached", fix=wrong_database(error) or "Is it up, and is DATABASE_URL right?")
    stripe = urlsplit(found.stripe_api_base)
    try:
        async with asyncio.timeout(REACHED_WITHIN_S):
            port = stripe.port or (443 if stripe.scheme == "https" else 80)
            _, writer = await asyncio.open_connection(stripe.hostname, port)
    except OSError:
        log.warning("stripe_not_reached", url=found.stripe_api_base, fix="May this machine connect there?")
    else:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
