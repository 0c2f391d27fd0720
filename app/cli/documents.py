"""`invoicing documents`: make missing documents, and renew those of older releases."""

import typer

from app.cli.output import Json, print_json
from app.cli.runner import progress, run

documents = typer.Typer(help="Rebuild the stored answers of the API.", no_args_is_help=True)


@documents.callback()
def _documents() -> None:
    """Make `rebuild` a subcommand, so that others can be added."""


@documents.command()
def rebuild(as_json: Json = False) -> None:
    """Make all stored answers (documents) now that are missing or of an older release. The worker makes them in the background.

    You may stop it at any time: the next run continues. It asks Stripe for objects that no stored event shows, at most 25
    times a second.
    """
    with progress("documents made") as advance:
        done = run(lambda container: container.documents().rebuild(again=True, progress=advance), as_json=as_json)
    if as_json:
        print_json({"filled": done.filled, "derived": done.derived, "fetched": done.fetched})
    else:
        typer.echo(
            f"{done.total} documents made: {done.filled} of columns, {done.derived} of stored events, "
            f"{done.fetched} of what Stripe answered."
        )
