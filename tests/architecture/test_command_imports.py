"""What a command imports: `invoicing --help` hardly anything, the others what they need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SHOW = "\nprint('\\n' + json.dumps(sorted(sys.modules)))"
HELP = """
import json, sys
from app.cli.main import cli
try:
    cli(["--help"])
except SystemExit:
    pass
"""
OPTIONS = """
import json, sys
from typer.main import get_command
from app.cli.main import cli
for command in get_command(cli).commands.values():
    command.loaded
"""
"""All commands with their options, as parsing, help and completion need them."""
HEAVY = {
    "aiohttp", "alembic", "asyncpg", "cryptography", "fastapi", "httpx", "jinja2", "jwt", "msgspec", "opentelemetry",
    "prometheus_client", "pydantic", "rich", "sqladmin", "sqlalchemy", "starlette", "stripe", "structlog", "uvicorn",
}  # fmt: skip


def imported(script: str) -> set[str]:
    command = [sys.executable, "-c", script + SHOW]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_module_and_none_of_ours() -> None:
    modules = imported(HELP)
    assert not modules & HEAVY
    assert {name for name in modules if name.startswith("app.")} == {"app.cli", "app.cli.main"}


def test_options_of_commands_import_no_heavy_module() -> None:
    assert imported(OPTIONS) & HEAVY == {"msgspec"}


@pytest.mark.parametrize(
    ("used", "needless"),
    [
        ("app.cli.environment", HEAVY - {"msgspec", "pydantic"}),
        ("app.cli.migrate", {"aiohttp", "fastapi", "httpx", "jwt", "sqladmin", "starlette", "stripe", "uvicorn"}),
        ("app.cli.processes", {"alembic", "opentelemetry.sdk", "sqladmin"}),
    ],
)
def test_a_command_imports_nothing_it_does_not_need(used: str, needless: set[str]) -> None:
    assert not imported(f"import json, sys, {used}") & needless
