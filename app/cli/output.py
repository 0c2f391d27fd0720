"""The output of commands: JSON for programs, aligned columns for people, exit statuses for both."""

import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any

import msgspec
import typer

from app.domain.json import JsonView

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for programs.")]


class Status(IntEnum):
    """The exit status of a command; `doctor` and `upgrade-rehearsal` have their own."""

    DONE = 0
    FAILED = 1
    """The command was refused, or found something wrong."""
    WRONG = 2
    """The command or the settings are wrong; nothing was tried."""
    UNAVAILABLE = 3
    """The database or Stripe could not be reached: try again."""


def print_json(document: object) -> None:
    print_encoded(msgspec.json.encode(document))


def print_encoded(document: bytes | str) -> None:
    """Print a document that is JSON already."""
    encoded = document.encode() if isinstance(document, str) else document
    sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")


def print_columns(rows: Iterable[JsonView], names: Sequence[str]) -> None:
    """Print a table: one line per row, a dash for missing values, columns as wide as their widest value."""
    lines = [[name.replace("_", " ") for name in names]]
    lines += [[_written(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def print_fields(document: JsonView, *, err: bool = False) -> None:
    """Print one object: one line per field."""
    width = max(len(name) for name in document)
    for name, value in document.items():
        typer.echo(f"{name.replace('_', ' ').ljust(width)}  {_written(value)}", err=err)


def first_of(things: Sequence[object], most: int = 50) -> list[str]:
    """A line for each of the first `most`, and one that says how many more there are."""
    lines = [str(thing) for thing in things[:most]]
    return [*lines, f"… and {len(things) - most} more"] if len(things) > most else lines


def _written(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list, bool)) else str(value)
