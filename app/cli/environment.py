"""Reads the settings for commands, and reports those that are unsafe or missing."""

import getpass
import secrets
import socket

import typer
from pydantic import Field, SecretStr, ValidationError

from app.cli.output import Status
from app.setting_values import SigningSecrets
from app.settings import Settings


class BeforeTheEndpoint(Settings):
    """Settings before the webhook endpoint exists. A random signing secret stands in for the missing one."""

    stripe_webhook_secrets: SigningSecrets = Field(default_factory=lambda: (SecretStr(secrets.token_hex()),))


class WithoutStripe(BeforeTheEndpoint):
    """Settings for commands that never call Stripe. They need no key; STRIPE_MODE names the mode."""

    stripe_secret_key: SecretStr = SecretStr("")


STAND_INS = {
    "database_url": "postgresql://localhost/none",
    "stripe_secret_key": "sk_test_none",
    "stripe_webhook_secrets": (SecretStr("whsec_" + 32 * "0"),),
}
"""Stand-ins for required settings that are wrong, so that other problems are found, too."""

NOT_SET = "must be set; .env.example says to what"


def settings(kind: type[Settings] = Settings) -> Settings:
    """The settings. If they are unsafe or incomplete, report that and exit."""
    try:
        return kind()
    except ValidationError:
        for why in complaints(kind):
            typer.echo(why, err=True)
        raise typer.Exit(Status.WRONG) from None


def complaints(kind: type[Settings] = Settings) -> list[str]:
    """The problems of the settings, each with its setting's name."""
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
    """Exit if the address cannot be listened on. The server's own error does not name the setting."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        hosted = name.replace("PORT", "HOST")
        typer.echo(f"Cannot listen on {host}, port {port} ({hosted}, {name}): {error.strerror}.", err=True)
        raise typer.Exit(Status.WRONG) from None


def operator() -> str:
    """The person who runs the command, as the audit log names them."""
    return f"cli:{getpass.getuser()}"
