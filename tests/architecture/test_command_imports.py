"""What starts import and build: `invoicing --help` hardly anything, the others what they need."""

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


COLLECTIONS = """
import gc, json, sys
from app.cli.main import main
def collected():
    return sum(generation["collections"] for generation in gc.get_stats())
before = collected()
sys.argv[1:] = ["worker"]
try:
    main()
except SystemExit:
    pass
assert "app.container" in sys.modules, "it ended before it had imported anything"
print(collected() - before)
"""
BUILT = """
import app.main
from app.http.schemas import Page, Request, Shown
def below(kind):
    for one in kind.__subclasses__():
        yield one
        yield from below(one)
schemas = {*below(Request), *below(Shown)} - {Page}
assert len(schemas) > 200
print([one.__name__ for one in schemas if one.__pydantic_complete__])
"""


def said(script: str, cwd: Path = PROJECT) -> str:
    command = [sys.executable, "-c", script]
    env = {"PATH": "", "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=True).stdout


def test_a_process_collects_no_garbage_while_it_imports(tmp_path: Path) -> None:
    assert said(COLLECTIONS, tmp_path) == "0\n", "the settings are missing, so it ends once all is imported"


def test_no_schema_of_a_request_or_an_answer_is_built_before_it_is_used() -> None:
    assert said(BUILT) == "[]\n"
