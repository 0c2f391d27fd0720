"""`invoicing keys …`: create, list, rotate and revoke API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.output import Json, print_fields, print_json
from app.cli.runner import ask, run
from app.cli.show import Cursor, Limit, show_page
from app.domain.access import Scope
from app.domain.errors import InvalidState, NotFound
from app.domain.json import JsonView

if TYPE_CHECKING:
    from app.container import Container
    from app.idempotency.operations import Answer

commands = typer.Typer(help="API keys: make, list, rotate, revoke.", no_args_is_help=True)

DAY_S = 24 * 3600
LONGEST_NAME = 200
SHOWN = ("id", "name", "prefix", "status", "scopes", "expires_at")
Named = Annotated[str, typer.Argument(help="The key's id, or how the key begins.")]
Days = Annotated[float | None, typer.Option(min=0.001, max=36_500, help="After how many days the key ends by itself.")]


@commands.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; give it several times.")],
    expires_in_days: Days = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it: the only time it is shown."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise typer.BadParameter(f"1 to {LONGEST_NAME} characters", param_hint="--name")
    params = {"name": name, "scopes": [one.value for one in scope], "expires_at": _expiry(expires_in_days)}
    made = run(lambda container: ask(container, container.keys.create_api_key, None, params), as_json=as_json)
    _show(made, as_json=as_json)


@commands.command("list")
def list_keys(
    prefix: Annotated[str, typer.Option(help="How the keys begin.")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List keys, newest first, without what is secret of them."""
    names = ("id", "prefix", "status", "scopes", "last_used_at", "expires_at", "name")
    show_page("API_KEY", names, limit=limit, cursor=cursor, as_json=as_json, prefix=prefix)


@commands.command()
def rotate(
    key: Named,
    overlap_s: Annotated[
        int, typer.Option(min=0, max=30 * DAY_S, help="For how long the old key works on, in seconds.")
    ] = DAY_S,
    expires_in_days: Days = None,
    as_json: Json = False,
) -> None:
    """Make a key that replaces another, and print it."""
    params = {"overlap_s": overlap_s, "expires_at": _expiry(expires_in_days)}
    rotated = run(lambda container: _named(container, key, revoked=False, params=params), as_json=as_json)
    _show(rotated, as_json=as_json)


@commands.command()
def revoke(key: Named, as_json: Json = False) -> None:
    """End a key at once, in every process."""
    _show(run(lambda container: _named(container, key, revoked=True), as_json=as_json), as_json=as_json)


def _expiry(days: float | None) -> str | None:
    return None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def _named(container: Container, named: str, *, revoked: bool, params: JsonView | None = None) -> Answer:
    """Rotate or revoke the key with this id or prefix. Raises NotFound and InvalidState."""
    from app.access import key_statements

    async with container.database.connection() as connection:
        found = await key_statements.identify(connection, named) if named else []
    if not found:
        raise NotFound(f"No key is called {named!r}, or begins so.")
    if len(found) > 1:
        raise InvalidState(f"{len(found)} keys are called {named!r}, or begin so.")
    use_case = container.keys.revoke_api_key if revoked else container.keys.rotate_api_key
    return await ask(container, use_case, found[0], params)


def _show(answer: Answer, *, as_json: bool) -> None:
    """Print the key on standard output. Its fields then go to standard error."""
    document = msgspec.json.decode(answer.body)
    if as_json:
        print_json(document | ({"key": answer.secret} if answer.secret else {}))
        return
    print_fields({name: document[name] for name in SHOWN}, err=bool(answer.secret))
    if answer.secret:
        typer.echo(answer.secret)
