"""`invoicing check`: the settings alone. Nothing is started, and nothing is connected to."""

import typer

from app.cli.output import Json, Status, print_json


def check(as_json: Json = False) -> None:
    """Check the settings, and nothing else: nothing is started, and nothing is connected to.

    Exit status: 0 the service would start with them, 2 it would not.
    """
    from app.cli.environment import complaints, misspelt

    problems, warnings = complaints(), misspelt()
    if as_json:
        print_json({"problems": problems, "warnings": warnings})
    for line in () if as_json else (*problems, *warnings):
        typer.echo(line, err=True)
    if problems:
        raise typer.Exit(Status.WRONG)
    if not as_json:
        typer.echo("The settings are complete and safe. `invoicing doctor` looks at what they lead to.")
