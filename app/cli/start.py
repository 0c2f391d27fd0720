"""`invoicing serve`, `worker`, `console` and `migrate`. What they need is imported when they start, for that takes a second."""

import os
from typing import Annotated

import typer

from app.cli.output import Json


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen, instead of HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Which port, instead of PORT.")] = None,
) -> None:
    """Serve the API."""
    for name, value in (("HOST", host), ("PORT", port)):
        if value is not None:
            os.environ[name] = str(value)  # child processes read it, too
    from app.cli import processes

    processes.serve()


def worker() -> None:
    """Process Stripe's events, finish interrupted writes, send mails and webhooks, and do the periodic tasks."""
    from app.cli import processes

    processes.worker()


def console() -> None:
    """Serve the operators' console at /console, on CONSOLE_HOST and CONSOLE_PORT."""
    from app.cli import processes

    processes.console()


def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to migrate to.")] = "head",
    wait_s: Annotated[float, typer.Option(help="How long to wait for the database.")] = 60.0,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", help="The database was restored from a backup. Say this once, before any process starts."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the database's schema to a revision. If the database is not up yet, wait for it."""
    from app.cli.migrate import migrate as run

    run(revision, wait_s, restored=restored, as_json=as_json)
