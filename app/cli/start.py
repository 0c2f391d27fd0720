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
    """Process what Stripe delivered, finish what was interrupted, do the fulfillment actions, keep house."""
    from app.cli import processes

    processes.worker()


def console() -> None:
    """Serve the operators' console at /console: a process of its own, on an address of its own."""
    from app.cli import processes

    processes.console()


def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to migrate to.")] = "head",
    wait_s: Annotated[float, typer.Option(help="How long to wait for the database.")] = 60.0,
    restored: Annotated[
        bool, typer.Option("--restored", help="The database comes from a backup: say so once, before anything starts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the database's schema to a revision, waiting for the database where it is not up yet."""
    from app.cli.migrate import migrate as run

    run(revision, wait_s, restored=restored, as_json=as_json)
