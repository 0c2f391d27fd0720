"""`invoicing doctor`: what is wrong with this deployment, and what to do about it."""

import asyncio

import typer

from app.cli.checks.findings import Finding, Level, fail, ok, warn, worst
from app.cli.output import Json, print_json

COLORS = {Level.OK: typer.colors.GREEN, Level.WARN: typer.colors.YELLOW, Level.FAIL: typer.colors.RED}
EXIT = {Level.OK: 0, Level.WARN: 1, Level.FAIL: 2}
WIDTH = 18


def doctor(as_json: Json = False) -> None:
    """Check everything that the service needs, and say what to do about each problem. Changes nothing.

    Exit status: 0 all is well, 1 something is worth a look, 2 something must be corrected.
    """
    from app.observability import logs

    logs.configure("error")
    findings = asyncio.run(_examine(tell=not as_json))
    level = worst(findings)
    if as_json:
        print_json({"status": level, "findings": findings})
    raise typer.Exit(EXIT[level])


async def _examine(*, tell: bool) -> list[Finding]:
    """Check the settings first, because the other checks need them."""
    from app.cli.checks.checklist import examine
    from app.cli.environment import complaints, misspelt, settings

    wrong = [fail("settings", why, "Correct it where the service gets its environment.") for why in complaints()]
    findings = wrong or [ok("settings", "complete and safe")]
    findings += [warn("settings", why, "Correct the name, or take it out.") for why in misspelt()]
    if tell:
        for finding in findings:
            _tell(finding)
    if not wrong:
        async for finding in examine(settings()):
            findings.append(finding)
            if tell:
                _tell(finding)
    return findings


def _tell(finding: Finding) -> None:
    word = finding.level.value.upper() if finding.level is Level.FAIL else finding.level.value
    level = typer.style(f"{word:4}", fg=COLORS[finding.level], bold=finding.level is not Level.OK)
    typer.echo(f"{level}  {finding.check:{WIDTH}}{finding.says}")
    if finding.advice:
        typer.echo(f"      {'':{WIDTH}}-> {finding.advice}")
