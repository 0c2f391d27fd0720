"""What a command says of an error that has a name: one line on standard error, and an exit status."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import msgspec
import typer
from asyncpg.exceptions import ClientConfigurationError

from app.cli.output import Status
from app.db.engine import AWAY, NOT_NOW
from app.domain.errors import DatabaseUnavailable, InvoicingError, Unavailable

NOT_MIGRATED = "The database lacks tables of this release: run `invoicing migrate`."
UNKNOWN = "The database does not know a part of DATABASE_URL ({}): correct it."
WRONG_DATABASE: tuple[tuple[type[BaseException], str], ...] = (
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "The database refuses the user or the password: correct DATABASE_URL.",
    ),
    (asyncpg.InvalidCatalogNameError, "The server has no database of this name: create it, or correct DATABASE_URL."),
    (
        asyncpg.InsufficientPrivilegeError,
        "The user of DATABASE_URL may not do this ({}): see the roles in docs/operations.md.",
    ),
    (asyncpg.UndefinedTableError, NOT_MIGRATED),
    (asyncpg.UndefinedColumnError, "The database lacks columns of this release: run `invoicing migrate`."),
    (asyncpg.UndefinedObjectError, UNKNOWN),
    (ClientConfigurationError, UNKNOWN),
)
"""What PostgreSQL says where the settings or the schema are wrong, and what to do about it; {} is its own message."""


def wrong_database(error: BaseException) -> str | None:
    """What to do about a database that is there and cannot be used so, in one line; None where `error` says nothing such."""
    for kind, says in WRONG_DATABASE:
        for one in (error, error.__cause__):
            if isinstance(one, kind):
                return says.format(str(one).partition("\n")[0])
    return None


def away(error: BaseException) -> str | None:
    """Why the database cannot be used right now, as it or the system says; None where `error` says nothing such."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) and error.detail == AWAY else error
    if not isinstance(cause, NOT_NOW):
        return None
    return f"The database cannot be used right now: {str(cause).partition(chr(10))[0] or type(cause).__name__}"


def tell_error(error: BaseException, *, as_json: bool) -> Status:
    """Say on standard error what went wrong; the exit status that goes with it. Raises `error` where it has no name."""
    says = wrong_database(error)
    why = says or away(error)
    named = DatabaseUnavailable(why) if why else error
    if not isinstance(named, InvoicingError):
        raise error
    typer.echo(msgspec.json.encode(named.to_document()).decode() if as_json else named.detail, err=True)
    if says:
        return Status.WRONG
    return Status.UNAVAILABLE if isinstance(named, Unavailable) else Status.FAILED


@contextmanager
def errors_told(*, as_json: bool = False) -> Iterator[None]:
    """End the command with a line and an exit status where the block raises an error that has a name."""
    try:
        yield
    except (InvoicingError, asyncpg.PostgresError, asyncpg.InterfaceError, ExceptionGroup) as error:
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):  # of a worker, whose jobs run side by side
            first = first.exceptions[0]
        raise typer.Exit(tell_error(first, as_json=as_json)) from None
