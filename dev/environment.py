"""The settings of the children: the caller's environment, then `.env`, then defaults for a newcomer.

It knows which settings of the service the supervisor needs, and keeps secrets and files under DATA_DIR. It never writes
a secret of the caller's to a file.
"""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

SANDBOX_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 - the sandbox takes any test key
SANDBOX_PUBLISHABLE_KEY = "pk_test_sandbox"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound


class SettingsError(ValueError):
    """A setting with which the stack cannot start. The message names it."""


def read_settings(env_file: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Merge `.env` below the caller's environment. An empty value counts as not set."""
    try:
        merged = {**dotenv_values(env_file), **environ}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} cannot be read: {error}") from None
    return {name: value for name, value in merged.items() if value}


def past_the_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Compute NO_PROXY in both its spellings: what it says already, and loopback.

    A machine behind HTTP_PROXY often has no NO_PROXY. Programs differ in which spelling they prefer.
    """
    said = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in said.split(",") if host.strip()]
    value = "*" if "*" in hosts else ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return {"NO_PROXY": value, "no_proxy": value}


def _port(settings: Mapping[str, str], name: str, default: int) -> int:
    text = settings.get(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise SettingsError(f"{name} must be a port number between 1 and 65535, not {text!r}")
    return int(text)


def _kept_secret(path: Path, prefix: str) -> str:
    """Return the secret in the file, made on first use, readable by its owner alone."""
    if path.exists():
        return path.read_text().strip()
    made = prefix + secrets.token_urlsafe(32)
    _write_private(path, made + "\n")
    return made


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.rename(path)


@dataclass(frozen=True)
class Environment:
    """What the caller set (`given`), and the settings that follow from it."""

    project: Path
    given: Mapping[str, str] = field(repr=False)

    @property
    def data_dir(self) -> Path:
        return (self.project / self.given.get("DATA_DIR", ".data")).absolute()

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def run_env(self) -> Path:
        return self.data_dir / "run.env"

    @property
    def host(self) -> str:
        return self.given.get("HOST", "127.0.0.1")

    @property
    def port(self) -> int:
        return _port(self.given, "PORT", 8000)

    @property
    def sandbox_port(self) -> int:
        return _port(self.given, "SANDBOX_PORT", 8001)

    @property
    def api_url(self) -> str:
        """The API's URL on this machine, whatever address it listens on."""
        host = _WILDCARDS.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def embedded_database(self) -> bool:
        return "DATABASE_URL" not in self.given

    @property
    def sandboxed(self) -> bool:
        return "STRIPE_SECRET_KEY" not in self.given

    @property
    def livemode(self) -> bool:
        return self.given.get("STRIPE_SECRET_KEY", "").startswith(("sk_live_", "rk_live_"))

    @property
    def webhook_secret(self) -> str:
        """The secret with which the sandbox signs."""
        return _kept_secret(self.webhook_secret_file, "whsec_")

    @property
    def webhook_secret_file(self) -> Path:
        """The file of that secret, made on first use.

        A program gets its path, as all users can see a program's arguments.
        """
        file = self.data_dir / "sandbox-webhook-secret"
        _kept_secret(file, "whsec_")
        return file

    @property
    def api_key(self) -> str:
        return self.given.get("API_BOOTSTRAP_KEY") or _kept_secret(self.data_dir / "dev-api-key", "ik_test_")

    def check(self, *, main_job_required: bool) -> None:
        """Refuse what would fail later with a less clear error."""
        if self.livemode and main_job_required:
            raise SettingsError("STRIPE_SECRET_KEY is a live key: the main job would move real money")
        if not self.sandboxed and "STRIPE_WEBHOOK_SECRETS" not in self.given:
            raise SettingsError(
                "STRIPE_SECRET_KEY is set, so STRIPE_WEBHOOK_SECRETS must be too (`stripe listen` prints one)"
            )
        if self.sandboxed and self.port == self.sandbox_port:
            raise SettingsError(f"PORT and SANDBOX_PORT are both {self.port}")

    def made(self, embedded_url: str | None) -> dict[str, str]:
        """Compute the settings that the caller did not bring."""
        made = {"DATA_DIR": str(self.data_dir), "HOST": self.host, "PORT": str(self.port)}
        made["PUBLIC_BASE_URL"] = self.given.get("PUBLIC_BASE_URL", self.api_url)
        if "API_BOOTSTRAP_KEY" not in self.given:
            made["API_BOOTSTRAP_KEY"] = self.api_key
        if "LINK_SIGNING_KEY" not in self.given:
            made["LINK_SIGNING_KEY"] = _kept_secret(self.data_dir / "link-signing-key", "")
        if "SECRETS_KEY" not in self.given:
            made["SECRETS_KEY"] = _kept_secret(self.data_dir / "secrets-key", "")
        if "OUTGOING_PRIVATE_NETWORKS" not in self.given and not self.livemode:
            made["OUTGOING_PRIVATE_NETWORKS"] = "127.0.0.0/8,::1/128"  # a newcomer's endpoints are on this machine
        if embedded_url is not None:
            made["DATABASE_URL"] = embedded_url
        if self.sandboxed:
            made |= {
                "SANDBOX_PORT": str(self.sandbox_port),
                "STRIPE_SECRET_KEY": SANDBOX_SECRET_KEY,
                "STRIPE_PUBLISHABLE_KEY": SANDBOX_PUBLISHABLE_KEY,
                "STRIPE_WEBHOOK_SECRETS": self.webhook_secret,
                "STRIPE_API_BASE": self.sandbox_url,
                "STRIPE_JS_URL": f"{self.sandbox_url}/stripe.js",
            }
        return made

    def for_children(self, made: Mapping[str, str]) -> dict[str, str]:
        return {**self.given, **made, **past_the_proxy(self.given), "PYTHONUNBUFFERED": "1"}

    def write_run_env(self, made: Mapping[str, str]) -> None:
        """Write the settings to a file for a second terminal: `set -a; . .data/run.env; set +a; invoicing …`."""
        lines = [
            "# The running stack. In another terminal: set -a; . this-file; set +a",
            *map(_assignment, {**made, **past_the_proxy(self.given)}.items()),
        ]
        _write_private(self.run_env, "\n".join(lines) + "\n")


def _assignment(item: tuple[str, str]) -> str:
    name, value = item
    return f"{name}={shlex.quote(value)}"
