"""`invoicing actions …`: list and retry fulfillment actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.output import Json, Status, print_json
from app.cli.runner import Advance, ask, progress, run
from app.cli.show import STATE, Cursor, Limit, show_page
from app.domain.actions import ActionStatus
from app.domain.errors import InvalidState
from app.domain.json import JsonObject

if TYPE_CHECKING:
    from app.container import Container

commands = typer.Typer(help="Fulfillment actions: list them, try them again.", no_args_is_help=True)

State = Annotated[ActionStatus | None, STATE]
Action = Annotated[str | None, typer.Option(help="Those of this action, e.g. email.")]


@commands.command("list")
def list_actions(
    status: State = None, action: Action = None, limit: Limit = 50, cursor: Cursor = None, as_json: Json = False
) -> None:
    """List actions, newest first."""
    names = ("id", "invoice", "action", "moment", "status", "attempts", "reason")
    show_page("FULFILLMENT_ACTION", names, limit=limit, cursor=cursor, as_json=as_json, status=status, action=action)


@commands.command()
def retry(
    action_id: Annotated[str | None, typer.Argument(help="One action (`act_…`).")] = None,
    status: State = None,
    action: Action = None,
    as_json: Json = False,
) -> None:
    """Try actions again that failed, were skipped or are dead. An action that is done is never done again."""
    if action_id is None and status is None:
        typer.echo("Say which actions: an id, or --status.", err=True)
        raise typer.Exit(Status.WRONG)
    with progress("retried") as advance:
        retried = run(lambda container: _retry(container, action_id, status, action, advance), as_json=as_json)
    print_json({"retried": retried}) if as_json else typer.echo(f"{len(retried)} actions will be tried again.")


async def _retry(
    container: Container, action_id: str | None, status: str | None, action: str | None, advance: Advance
) -> list[str]:
    """Retry actions as the API would, with audit log entries. Returns their ids."""
    if action_id:
        await ask(container, container.actions.retry_fulfillment_action, action_id)
        return [action_id]
    retried = []
    found = await _matching(container, status, action)
    for tried, one in enumerate(found):
        advance(tried, len(found))
        try:
            await ask(container, container.actions.retry_fulfillment_action, one["id"])
            retried.append(one["id"])
        except InvalidState as moved_on:
            typer.echo(f"{one['id']}: {moved_on.detail}", err=True)
    return retried


async def _matching(container: Container, status: str | None, action: str | None) -> list[JsonObject]:
    from app.db import documents
    from app.db.resources import FULFILLMENT_ACTION

    found: list[JsonObject] = []
    wanted, cursor = {"status": status, "action": action}, None
    while True:
        async with container.database.connection() as connection:
            page = await documents.page(connection, FULFILLMENT_ACTION, wanted, limit=100, cursor=cursor)
        decoded = msgspec.json.decode(page)
        found += decoded["data"]
        cursor = decoded["next_cursor"]
        if cursor is None:
            return found
