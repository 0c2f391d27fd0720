"""Owns how a command reads the settings, and what it says where they are not safe or not complete."""

import getpass
import secrets
import socket

import typer
from pydantic import Field, SecretStr, ValidationError

from app.cli.output import Status
from app.setting_values import SigningSecrets
from app.settings import Settings


class BeforeTheEndpoint(Settings):
    """The settings while there is no webhook endpoint yet, and so no signing secret: one that nobody knows stands in."""

    stripe_webhook_secrets: SigningSecrets = Field(default_factory=lambda: (SecretStr(secrets.token_hex()),))


class WithoutStripe(BeforeTheEndpoint):
    """The settings of what never calls Stripe: it needs no key, and STRIPE_MODE says of which mode the deployment is."""

    stripe_secret_key: SecretStr = SecretStr("")


STAND_INS = {
    "database_url": "postgresql://localhost/none",
    "stripe_secret_key": "sk_test_none",
    "stripe_webhook_secrets": (SecretStr("whsec_" + 32 * "0"),),
}
"""What stands in for a required setting that is wrong, so that what else is wrong is found as well."""

NOT_SET = "must be set; .env.example says to what"


def settings(kind: type[Settings] = Settings) -> Settings:
    """The settings of this environment; where they are not safe or not complete, say which and stop."""
    try:
        return kind()
    except ValidationError:
        for why in complaints(kind):
            typer.echo(why, err=True)
        raise typer.Exit(Status.WRONG) from None


def complaints(kind: type[Settings] = Settings) -> list[str]:
    """Everything that is wrong with the settings of this environment, each with its setting's name."""
    found: list[str] = []
    instead: dict[str, object] = {}
    while True:
        try:
            kind(**instead)  # type: ignore[arg-type]
        except ValidationError as error:
            problems = error.errors()
        else:
            return found
        named = [problem for problem in problems if problem["loc"]]
        for problem in problems:
            name = "_".join(str(part) for part in problem["loc"]).upper()
            why = f"{name} {NOT_SET}" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
            found += [line if name in line else f"{name}: {line}" for line in why.splitlines()]
        if not named:
            return found
        for problem in named:
            field = str(problem["loc"][0])
            instead[field] = STAND_INS.get(field, kind.model_fields[field].default)


def require_free(host: str, port: int, name: str) -> None:
    """Stop where nobody can listen at this address: the server would say so, but not which setting that is."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        hosted = name.replace("PORT", "HOST")
        typer.echo(f"Cannot listen on {host}, port {port} ({hosted}, {name}): {error.strerror}.", err=True)
        raise typer.Exit(Status.WRONG) from None


def operator() -> str:
    """Who runs the command, as the audit log names them."""
    return f"cli:{getpass.getuser()}"
