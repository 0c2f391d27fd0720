"""What a command imports: `invoicing --help` hardly anything, the others what they need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from app.cli.main import cli
try:
    cli(sys.argv[1:])
finally:
    print("\\n" + json.dumps(sorted({name for name in sys.modules})))
"""
HEAVY = {
    "aiohttp", "alembic", "asyncpg", "cryptography", "fastapi", "httpx", "jinja2", "jwt", "msgspec", "opentelemetry",
    "prometheus_client", "pydantic", "rich", "sqladmin", "sqlalchemy", "starlette", "stripe", "structlog", "uvicorn",
}  # fmt: skip


def imported(*words: str) -> set[str]:
    command = [sys.executable, "-c", SCRIPT, *words, "--help"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_no_heavy_module_and_none_of_ours() -> None:
    modules = imported()
    assert not modules & HEAVY
    assert {name for name in modules if name.startswith("app.")} == {"app.cli", "app.cli.main"}


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("migrate", {"aiohttp", "fastapi", "httpx", "jwt", "sqladmin", "starlette", "stripe", "uvicorn"}),
        ("demo", HEAVY - {"httpx", "msgspec", "pydantic", "rich"}),
        ("serve", {"alembic", "opentelemetry.sdk", "sqladmin"}),
        ("worker", {"alembic", "opentelemetry.sdk", "sqladmin"}),
    ],
)
def test_a_command_imports_nothing_it_does_not_need(command: str, needless: set[str]) -> None:
    assert not imported(command) & needless
