"""Owns `invoicing actions …`: what an operator does about fulfillment actions from a shell beside the database."""

from typing import Annotated

import msgspec
import typer

from app.commands.environment import operator
from app.commands.running import run
from app.db import documents
from app.db.documents import FULFILLMENT_ACTION, Filter
from app.domain.errors import InvalidState
from app.domain.json import JsonObject
from app.services.operations import Call
from app.wiring import Parts

commands = typer.Typer(help="Fulfillment actions: list them, try them again.", no_args_is_help=True)

Status = Annotated[str | None, typer.Option(help="Those in this state, e.g. dead.")]
Action = Annotated[str | None, typer.Option(help="Those of this action, e.g. email.")]


@commands.command("list")
def list_actions(status: Status = None, action: Action = None) -> None:
    """List actions, newest first."""
    for found in run(lambda parts: _matching(parts, status, action)):
        told = [found[name] or "-" for name in ("id", "invoice", "action", "moment", "status", "reason")]
        typer.echo("\t".join(told))


@commands.command()
def retry(
    action_id: Annotated[str | None, typer.Argument(help="One action (`act_…`).")] = None,
    status: Status = None,
    action: Action = None,
) -> None:
    """Try actions again that failed, were skipped or were set aside; what is done is never done again."""
    if action_id is None and status is None:
        typer.echo("Say which actions: an id, or --status.", err=True)
        raise typer.Exit(2)
    typer.echo(f"{run(lambda parts: _retry(parts, action_id, status, action))} actions will be tried again.")


async def _retry(parts: Parts, action_id: str | None, status: str | None, action: str | None) -> int:
    """Retry as the API would, so that the audit log knows of it; how many they were."""
    if action_id:
        await _retry_one(parts, action_id)
        return 1
    retried = 0
    for found in await _matching(parts, status, action):
        try:
            await _retry_one(parts, found["id"])
            retried += 1
        except InvalidState as moved_on:
            typer.echo(f"{found['id']}: {moved_on.detail}", err=True)
    return retried


async def _retry_one(parts: Parts, action_id: str) -> None:
    use_case = parts.actions.retry_fulfillment_action
    call = Call(caller=operator(), target=f"cli {use_case.__name__}", params={}, subject=action_id)
    await parts.operations.run(call, use_case)


async def _matching(parts: Parts, status: str | None, action: str | None) -> list[JsonObject]:
    found: list[JsonObject] = []
    cursor = None
    while True:
        wanted = Filter()
        wanted.add("row.status = {}", status)
        wanted.add("row.action = {}", action)
        async with parts.database.connection() as connection:
            page = await documents.page(connection, FULFILLMENT_ACTION, wanted, limit=100, cursor=cursor)
        decoded = msgspec.json.decode(page)
        found += decoded["data"]
        cursor = decoded["next_cursor"]
        if cursor is None:
            return found
