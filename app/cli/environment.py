"""Reads the settings for commands, and reports those that are unsafe or missing."""

import errno
import getpass
import secrets
import socket
from contextlib import suppress
from difflib import get_close_matches

import typer
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

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

ALIKE = 0.9
"""From which likeness on a name is taken for a misspelt one: STRIPE_WEBHOOK_SECRET, DATABASE_URI."""

UNREADABLE = "`.env` cannot be read: {}"
NOT_SET = "must be set; .env.example says to what"


def settings(kind: type[Settings] = Settings) -> Settings:
    """The settings. If they are unsafe or incomplete, report that and exit."""
    try:
        return kind()
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(UNREADABLE.format(error), err=True)
        raise typer.Exit(Status.WRONG) from None
    except ValidationError:
        for why in (*complaints(kind), *misspelt()):
            typer.echo(why, err=True)
        raise typer.Exit(Status.WRONG) from None


def complaints(kind: type[Settings] = Settings) -> list[str]:
    found: list[str] = []
    instead: dict[str, object] = {}
    while True:
        try:
            kind(**instead)  # type: ignore[arg-type]
        except (OSError, UnicodeDecodeError) as error:
            return [UNREADABLE.format(error)]
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


def misspelt() -> list[str]:
    """Names in the environment and in `.env` that are no settings, and nearly one that is not set."""
    given = dict(EnvSettingsSource(Settings).env_vars)
    with suppress(OSError, UnicodeDecodeError):  # a file that cannot be read is told by the settings themselves
        given |= DotEnvSettingsSource(Settings).env_vars
    unset = [name for name in Settings.model_fields if not given.get(name)]
    near = {name: get_close_matches(name, unset, 1, ALIKE) for name in sorted(given.keys() - Settings.model_fields)}
    return [f"{name.upper()} is no setting: is {found[0].upper()} meant?" for name, found in near.items() if found]


def require_free(host: str, port: int, name: str) -> None:
    """Exit if the address cannot be listened on. The server's own error does not name the setting."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        hosted = name.replace("PORT", "HOST")
        advice = " Stop what listens there, or choose another port." if error.errno == errno.EADDRINUSE else ""
        typer.echo(f"Cannot listen on {host}, port {port} ({hosted}, {name}): {error.strerror}.{advice}", err=True)
        raise typer.Exit(Status.WRONG) from None


def operator() -> str:
    """The person who runs the command, as the audit log names them."""
    return f"cli:{getpass.getuser()}"
