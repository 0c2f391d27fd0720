"""`invoicing upgrade-rehearsal`: what another version of Stripe's API would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.output import first_of
from app.cli.runner import run

if TYPE_CHECKING:
    from app.container import Container
    from app.rebuild.rehearsal import Rehearsed

SHOWN = 50


def upgrade_rehearsal(
    api_version: Annotated[str, typer.Option(help="The version to rehearse. Default: the version of this build.")] = "",
    events: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            help="Events that were delivered in that version: a file with one event, or one a line, or a folder of such files.",
        ),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the last stored events are rehearsed.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Read Stripe's objects in another API version, and say how they differ from what is stored.

    Writes nothing, here or at Stripe. Exit status: 0 nothing differs, 1 something does, 2 it could not be rehearsed.
    """
    from app.stripe.client import API_VERSION

    api_version = api_version or API_VERSION
    try:
        found = run(lambda container: _rehearse(container, api_version, last, events))
    except typer.Exit:
        raise typer.Exit(2) from None
    typer.echo(_document(found, api_version) if as_json else _lines(found, api_version))
    if events and not (found.compared or found.read or found.gone or found.divergences):
        raise typer.Exit(2)  # there was no event in the files
    raise typer.Exit(1 if found.divergences else 0)


async def _rehearse(container: Container, api_version: str, last: int, events: Path | None) -> Rehearsed:
    async with container.rehearsal(api_version) as rehearsal:
        if events:
            return await rehearsal.read(_bodies(events))
        return await rehearsal.ask(last, lambda count: typer.echo(f"{count} objects asked for", err=True))


def _bodies(place: Path) -> Iterator[bytes]:
    """The events in a file, or in the files of a folder."""
    for file in sorted(place.iterdir()) if place.is_dir() else [place]:
        whole = file.read_bytes()
        try:
            msgspec.json.decode(whole)
        except msgspec.DecodeError:
            yield from (line for line in whole.splitlines() if line.strip())
        else:
            yield whole


def _lines(found: Rehearsed, api_version: str) -> str:
    lines = first_of(found.divergences, SHOWN)
    lines += [f"{about}: is not as Stripe has it in our own version either" for about in found.drifted[:SHOWN]]
    if found.drifted:
        lines.append("Run `invoicing reconcile` for those, then rehearse again.")
    fields = Counter(name.partition("[")[0] for divergence in found.divergences for name in divergence.fields)
    if fields:  # those of all items together
        lines.append("By field: " + ", ".join(f"{name} {count}" for name, count in fields.most_common()))
    rest = f", {found.read} could only be read, {found.gone} are gone"
    lines.append(f"{api_version}: {found.compared} compared{rest}: {len(found.divergences)} differences")
    return "\n".join(lines)


def _document(found: Rehearsed, api_version: str) -> str:
    document = {
        "api_version": api_version,
        "compared": found.compared,
        "read": found.read,
        "gone": found.gone,
        "drifted": found.drifted,
        "differences": [
            {
                "about": divergence.about,
                "problem": divergence.problem,
                "fields": {
                    name: {"stored": known, "candidate": told} for name, (known, told) in divergence.fields.items()
                },
            }
            for divergence in found.divergences
        ],
    }
    return msgspec.json.encode(document).decode()
