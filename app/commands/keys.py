"""Owns `invoicing keys …`: what an operator does to API keys from a shell beside the database."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from app.commands.environment import operator, settings
from app.db import documents, keys
from app.db.documents import Filter
from app.domain.access import Scope
from app.domain.errors import InvoicingError
from app.domain.json import JsonView
from app.services.operations import Answer, Call, UseCase
from app.wiring import Parts, built

commands = typer.Typer(help="API keys: make, list, rotate, revoke.", no_args_is_help=True)

DAY_S = 24 * 3600
Named = Annotated[str, typer.Argument(help="The key's id, or how the key begins.")]
Days = Annotated[float | None, typer.Option(min=0.001, help="After how many days the key ends by itself.")]


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; give it several times.")],
    expires_in_days: Days = None,
) -> None:
    """Make a key and print it: the only time it is shown."""
    params = {"name": name, "scopes": [one.value for one in scope], "expires_at": _expiry(expires_in_days)}
    _show(_run(lambda parts: parts.keys.create_api_key, params))


@commands.command("list")
def list_keys(prefix: Annotated[str, typer.Option(help="How the keys begin.")] = "") -> None:
    """List keys, newest first, without what is secret of them."""
    asyncio.run(_list(prefix))


@commands.command()
def rotate(
    key: Named,
    overlap_s: Annotated[int, typer.Option(min=0, help="For how long the old key works on, in seconds.")] = DAY_S,
    expires_in_days: Days = None,
) -> None:
    """Make a key that takes over from another, and print it."""
    params = {"overlap_s": overlap_s, "expires_at": _expiry(expires_in_days)}
    _show(_run(lambda parts: parts.keys.rotate_api_key, params, key))


@commands.command()
def revoke(key: Named) -> None:
    """End a key at once, in every process."""
    _show(_run(lambda parts: parts.keys.revoke_api_key, {}, key))


def _expiry(days: float | None) -> str | None:
    return None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()


def _run(use_case: Callable[[Parts], UseCase], params: JsonView, named: str | None = None) -> Answer:
    """Run a use case as the API would, so that the audit log knows of it; a refusal is told and ends the command."""

    async def run() -> Answer:
        async with built(settings()) as parts:
            subject = await _identified(parts, named) if named else None
            chosen = use_case(parts)
            call = Call(caller=operator(), target=f"cli {chosen.__name__}", params=params, subject=subject)
            return await parts.operations.run(call, chosen)

    try:
        return asyncio.run(run())
    except InvoicingError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from None


async def _identified(parts: Parts, named: str) -> str:
    async with parts.database.connection() as connection:
        found = await keys.identify(connection, named)
    if len(found) == 1:
        return found[0]
    typer.echo(f"{len(found) or 'No'} keys are called {named!r}, or begin so.", err=True)
    raise typer.Exit(1)


def _show(answer: Answer) -> None:
    document = msgspec.json.decode(answer.body)
    for name in ("id", "name", "prefix", "status", "scopes", "expires_at"):
        value = document[name]
        typer.echo(f"{name:10} {' '.join(value) if isinstance(value, list) else value or '-'}", err=True)
    if answer.secret:
        typer.echo(answer.secret)


async def _list(prefix: str) -> None:
    async with built(settings()) as parts, parts.database.connection() as connection:
        cursor = None
        while True:
            wanted = Filter()
            wanted.add("starts_with(row.prefix, {})", prefix)
            page = await documents.page(connection, documents.API_KEY, wanted, limit=100, cursor=cursor)
            found = msgspec.json.decode(page)
            for key in found["data"]:
                used = key["last_used_at"] or "never used"
                typer.echo(
                    "\t".join([key["id"], key["prefix"], key["status"], ",".join(key["scopes"]), used, key["name"]])
                )
            cursor = found["next_cursor"]
            if cursor is None:
                return
