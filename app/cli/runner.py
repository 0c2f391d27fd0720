"""Runs commands: with the services, with errors reported, and with a progress bar for long work."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Protocol, TypeVar

import typer

if TYPE_CHECKING:
    from app.container import Container
    from app.db.engine import Connection
    from app.domain.json import JsonView
    from app.idempotency.operations import Answer, UseCase
    from app.settings import Settings

T = TypeVar("T")
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")]


class Advance(Protocol):
    """Reports how much is done, and of how much if that is known."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


def _begin() -> None:
    """Everything is imported; the work may last."""
    from app.observability import logs

    logs.configure("error")  # what goes wrong is told by what is raised, once
    gc.freeze()
    gc.enable()


def run(work: Callable[[Container], Awaitable[T]], kind: type[Settings] | None = None, *, as_json: bool = False) -> T:
    """Run `work` with the services. Reports a known error and exits."""
    from app.cli.environment import settings
    from app.cli.errors import errors_told
    from app.container import built

    async def running() -> T:
        found = settings(kind) if kind else settings()
        _begin()
        async with built(found) as container:
            return await work(container)

    with errors_told(as_json=as_json):
        return asyncio.run(running())


def read(work: Callable[[Connection], Awaitable[T]], *, as_json: bool = False) -> T:
    """Run `work` on a connection to the database. Needs no key of Stripe's, and imports half as much as `run`."""
    from app.cli.environment import WithoutStripe, settings
    from app.cli.errors import errors_told
    from app.db.engine import Database

    async def running() -> T:
        found = settings(WithoutStripe)
        _begin()
        async with Database(found.server_url).session() as connection:
            return await work(connection)

    with errors_told(as_json=as_json):
        return asyncio.run(running())


async def ask(
    container: Container, use_case: UseCase, subject: str | None = None, params: JsonView | None = None
) -> Answer:
    """Run a use case as the API would, so that the audit log names the operator."""
    from app.cli.environment import operator
    from app.idempotency.operations import Call

    call = Call(caller=operator(), target=f"cli {use_case.__name__}", params=params or {}, subject=subject)
    return await container.operations.run(call, use_case)


def utc(moment: datetime | None) -> datetime | None:
    """A time given on the command line, in UTC."""
    return moment.replace(tzinfo=UTC) if moment else None


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Show a progress bar on standard error while the block runs, if that is a terminal."""
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
