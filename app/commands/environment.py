"""Owns how a command reads the settings, and what it says where they are not safe or not complete."""

import getpass
import secrets

import typer
from pydantic import Field, SecretStr, ValidationError

from app.db import keys
from app.domain.errors import DatabaseUnavailable
from app.settings import Settings, SigningSecrets
from app.wiring import database_of


class BeforeTheEndpoint(Settings):
    """The settings while there is no webhook endpoint yet, and so no signing secret: one that nobody knows stands in."""

    stripe_webhook_secrets: SigningSecrets = Field(default_factory=lambda: (SecretStr(secrets.token_hex()),))


def settings(kind: type[Settings] = Settings) -> Settings:
    """The settings of this environment; where they are not safe or not complete, say which and stop."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper() or "settings"
            typer.echo(f"{name}: {problem['msg']}", err=True)
        raise typer.Exit(2) from None


def operator() -> str:
    """Who runs the command, as the audit log names them."""
    return f"cli:{getpass.getuser()}"


async def require_somebody(found: Settings) -> None:
    """Stop where this is production and nobody could call: no bootstrap key, no identity provider, no key in force.

    A database that is away is no reason to stop: the service starts without it.
    """
    if found.environment != "production" or found.api_bootstrap_key or found.oidc_issuer:
        return
    database = database_of(found)
    await database.open()
    try:
        async with database.connection() as connection:
            somebody = await keys.any_in_force(connection, livemode=found.livemode)
    except DatabaseUnavailable:
        return
    finally:
        await database.close()
    if not somebody:
        typer.echo("Nobody could call: make a key (`invoicing keys create`), or set API_BOOTSTRAP_KEY.", err=True)
        raise typer.Exit(2)
