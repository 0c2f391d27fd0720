"""Owns the command line `invoicing`: starts the processes of the service and does what a person needs by hand."""

import asyncio
import resource
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import uvicorn

from app import shutdown
from app.cli import actions, doctor, inbox, keys, outgoing, rehearsal, show, webhooks
from app.cli.environment import BeforeTheEndpoint, require_free, require_somebody, settings
from app.cli.output import Json, Status, print_json, tell_error
from app.cli.runner import progress, run
from app.container import Parts, built
from app.customers import erasure
from app.db import migrations, roles
from app.db.engine import ONE_PLAN, Database
from app.domain.actions import Misconfigured
from app.domain.errors import DatabaseUnavailable
from app.events import feed_statements
from app.http.protocol import BoundedProtocol
from app.jobs.retention import make_partitions
from app.observability import logs, scraping, tracing
from app.settings import Settings
from app.version import VERSION

cli = typer.Typer(name="invoicing", help="The invoicing service.", no_args_is_help=True, pretty_exceptions_enable=False)

cli.add_typer(keys.commands, name="keys")
cli.add_typer(inbox.events, name="events")
cli.add_typer(actions.commands, name="actions")
cli.add_typer(webhooks.commands, name="webhooks")
cli.add_typer(show.invoices, name="invoices")
cli.add_typer(show.fulfillments, name="fulfillments")
cli.add_typer(show.operations, name="operations")
cli.add_typer(show.audit, name="audit")
cli.add_typer(outgoing.customers, name="customers")
cli.add_typer(outgoing.endpoints, name="endpoints")
cli.add_typer(outgoing.deliveries, name="deliveries")
cli.command()(inbox.reconcile)
cli.command()(inbox.repair)
cli.command()(inbox.rebuild)
cli.command()(rehearsal.upgrade_rehearsal)
cli.command()(doctor.doctor)

WAIT_STEP_S = 1.0
MOST_CONNECTIONS = 2000
"""Per process, beside streams; whoever comes beyond is told 503 at once."""
MOST_CONSOLE_CONNECTIONS = 100


def application() -> object:
    """The application of this environment, for a server that starts several processes."""
    from app.main import create_app, end_streams

    found = settings()
    logs.configure(found.log_level)
    app = create_app(found)
    shutdown.end_at_second_signal(partial(end_streams, app))  # the server waits for responses, and these have no end
    return app


@cli.command()
def serve() -> None:
    """Serve the API."""
    found = settings()
    asyncio.run(require_somebody(found))
    require_free(found.host, found.port, "PORT")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is a file; a shell's default is 1024
    with scraping.shared_by(found.workers):
        uvicorn.run(
            "app.cli.main:application",
            factory=True,
            host=found.host,
            port=found.port,
            workers=found.workers,
            access_log=False,
            log_level="warning",
            server_header=False,
            http=BoundedProtocol,
            ws="none",
            limit_concurrency=MOST_CONNECTIONS + found.stream_limit,
            proxy_headers=False,  # the gate reads them, from the proxies that are configured
            timeout_keep_alive=found.keep_alive_s,
            timeout_graceful_shutdown=shutdown.DRAIN_S,
            timeout_worker_healthcheck=shutdown.HANGS_S,
        )


@cli.command()
def console() -> None:
    """Serve the operators' console at /console: a process of its own, on an address of its own."""
    from app.admin.application import create_console

    found = settings()
    require_free(found.console_host, found.console_port, "CONSOLE_PORT")
    logs.configure(found.log_level)
    shutdown.end_at_second_signal()
    uvicorn.run(
        create_console(found),
        host=found.console_host,
        port=found.console_port,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=BoundedProtocol,
        ws="none",
        limit_concurrency=MOST_CONSOLE_CONNECTIONS,
        proxy_headers=False,
        timeout_graceful_shutdown=shutdown.DRAIN_S,
    )


@cli.command()
def worker() -> None:
    """Process what Stripe delivered, finish what was interrupted, do the fulfillment actions, keep house."""
    found = settings()
    logs.configure(found.log_level)
    try:
        asyncio.run(_work(found))
    except Misconfigured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def _work(found: Settings) -> None:
    tracing.start(found.otel_exporter_otlp_endpoint, found.otel_service_name or "invoicing-worker")
    try:
        async with built(found, **ONE_PLAN) as parts, scraping.scraped(parts, found.worker_metrics_port, VERSION):
            jobs = parts.background()
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    group.create_task(job.run())
                shutdown.drain_on_signal(*(job.stop for job in jobs))
    finally:
        await asyncio.to_thread(tracing.stop)


@cli.command()
def sweep_erased(as_json: Json = False) -> None:
    """Look through every stored event for what is personal of customers that were deleted, and take it out.

    The worker does it each hour with what came since the last time.
    """

    async def sweep(parts: Parts) -> int:
        with progress("looking through what is stored"):
            return await erasure.sweep(parts.database, everything=True)

    changed = run(sweep, as_json=as_json)
    print_json({"changed": changed}) if as_json else typer.echo(f"{changed} documents changed.")


@cli.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to migrate to.")] = "head",
    wait_s: Annotated[float, typer.Option(help="How long to wait for the database.")] = 60.0,
    restored: Annotated[
        bool, typer.Option("--restored", help="The database comes from a backup: say so once, before anything starts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the database's schema to a revision, waiting for the database where it is not up yet."""
    found = settings(BeforeTheEndpoint)
    logs.configure("error")
    url = found.server_url
    try:
        reached = _upgraded(url, asyncio.run(_applied(url, wait_s)), revision)
    except DatabaseUnavailable as error:
        raise typer.Exit(tell_error(error, as_json=as_json)) from None
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Status.WRONG) from None
    if revision == "head":
        if asyncio.run(_rebase_feed(url, restored=restored)):
            typer.echo("The feed goes on behind what is stored.", err=as_json)
        asyncio.run(_grant(url))
        asyncio.run(_make_partitions(url, found.inbox_retention))
    print_json({"schema": reached}) if as_json else typer.echo(f"The schema is at {reached}.")


def _upgraded(url: str, applied: str | None, revision: str) -> str:
    """Where the schema is now. One that a later release made is left as it is: this one works on it, too."""
    if revision == "head" and migrations.newer(applied):
        typer.echo("The schema was made by a later release than this one.", err=True)
        return str(applied)
    migrations.upgrade(url, revision)
    return revision


async def _rebase_feed(url: str, *, restored: bool) -> bool:
    """A database restored into another cluster would number its changes below what is stored, or was read."""
    connection = await Database(url).dedicated()
    rebased = await feed_statements.rebase(connection, restored=restored)
    await connection.close()
    return rebased


async def _grant(url: str) -> None:
    """Grant what this release needs; what a later one granted on its own schema stays, for it needs it."""
    connection = await Database(url).dedicated()
    if await migrations.revision(connection) == migrations.head():
        async with connection.transaction():
            await roles.grant(connection)
    await connection.close()


async def _make_partitions(url: str, retention: timedelta | None) -> None:
    database = Database(url, pool_size=1)
    await database.open()
    try:
        await make_partitions(database, retention, datetime.now(UTC))
    finally:
        await database.close()


async def _applied(url: str, wait_s: float) -> str | None:
    """The revision that the database has, once it is up."""
    database = Database(url)
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        try:
            connection = await database.dedicated()
        except DatabaseUnavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseUnavailable(f"The database could not be reached for {wait_s:.0f} s.") from None
            typer.echo("Waiting for the database …", err=True)
            await asyncio.sleep(WAIT_STEP_S)
        else:
            try:
                return await migrations.revision(connection)
            finally:
                await connection.close()


@cli.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="A file to write; standard output otherwise.")] = None,
) -> None:
    """Export the contract."""
    from app.main import create_app

    blank = Settings(
        _env_file=None,
        environment="development",
        database_url="postgresql://localhost/none",
        stripe_secret_key="sk_test_none",  # noqa: S106 -- a blank
        stripe_webhook_secrets="whsec_none",
    )
    document = msgspec.json.format(msgspec.json.encode(create_app(blank).openapi(), order="sorted"), indent=2)
    if output:
        output.write_bytes(document + b"\n")
    else:
        sys.stdout.buffer.write(document + b"\n")


@cli.command()
def demo(
    url: Annotated[str | None, typer.Option(help="Where the API is; PUBLIC_BASE_URL otherwise.")] = None,
    another: Annotated[bool, typer.Option(help="Leave one more invoice open, and say where to pay it.")] = True,
) -> None:
    """Run the main job once against the running service: an invoice from draft to fulfilled."""
    found = settings()
    key = found.api_bootstrap_key
    if key is None:
        typer.echo("API_BOOTSTRAP_KEY is not set; the demo calls the API with it.", err=True)
        raise typer.Exit(2)
    from app.cli import demo as main_job

    fulfilled = asyncio.run(main_job.run(url or found.public_base_url, key.get_secret_value(), another=another))
    raise typer.Exit(0 if fulfilled else 1)


def main() -> None:
    """The entry point."""
    cli()


if __name__ == "__main__":
    main()
