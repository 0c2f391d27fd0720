"""Owns how a command works: with the service's parts, told what goes wrong, and seen to make progress where it is long."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Protocol, TypeVar

import typer

from app.cli.environment import operator, settings
from app.cli.output import tell_error
from app.container import Parts, built
from app.domain.errors import InvoicingError
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Call, UseCase
from app.observability import logs
from app.settings import Settings

T = TypeVar("T")
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")]


class Advance(Protocol):
    """Tells how far it got, and of how many where that is known."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


def run(work: Callable[[Parts], Awaitable[T]], kind: type[Settings] = Settings, *, as_json: bool = False) -> T:
    """Run `work` with the service's parts; a failure that has a name is told and ends the command."""

    async def running() -> T:
        found = settings(kind)
        logs.configure("error")  # what goes wrong is told by what is raised, once
        async with built(found) as parts:
            return await work(parts)

    try:
        return asyncio.run(running())
    except InvoicingError as error:
        raise typer.Exit(tell_error(error, as_json=as_json)) from None


async def ask(parts: Parts, use_case: UseCase, subject: str | None = None, params: JsonView | None = None) -> Answer:
    """Run a use case as the API would on a caller's request, so that the audit log knows who wanted it."""
    call = Call(caller=operator(), target=f"cli {use_case.__name__}", params=params or {}, subject=subject)
    return await parts.operations.run(call, use_case)


def utc(moment: datetime | None) -> datetime | None:
    """A time as it was given on the command line."""
    return moment.replace(tzinfo=UTC) if moment else None


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """A bar on standard error while the block runs, where a person looks; nothing where a program does."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
