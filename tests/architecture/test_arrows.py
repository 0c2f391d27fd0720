"""The arrows of docs/contributing/architecture.md: held by import-linter (contracts in pyproject.toml) and by reading the source."""

import ast
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from stripe.params import WebhookEndpointCreateParams

PROJECT = Path(__file__).resolve().parents[2]
HANDLERS = Path("app/inbox/handlers.py")
STATEMENTS = {
    "app/access/audit.py",
    "app/access/ownership.py",
    "app/admin/models.py",
    "app/admin/overview.py",
    "app/admin/read_sessions.py",
    "app/idempotency/references.py",
    "app/inbox/drift.py",
    "app/inbox/signers.py",
    "app/jobs/leadership.py",
    "app/scraping/gauges.py",
    "app/projection/tombstones.py",
}
"""Modules that hold statements besides those called so."""
LONGEST = 350
MOST_OF_UVICORN = 105
SQL_OPENINGS = (
    "select ",
    "insert into ",
    "update ",
    "delete from ",
    "with ",
    "truncate ",
    "lock table ",
    "create table ",
)


@cache
def modules(package: str) -> dict[Path, ast.Module]:
    root = PROJECT / "sandbox" if package == "offline_stripe" else PROJECT
    found = sorted((root / package).rglob("*.py"))
    return {path.relative_to(root): ast.parse(path.read_bytes(), str(path)) for path in found}


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def importers(package: str, imported: str) -> set[Path]:
    return {
        path
        for path, tree in modules(package).items()
        if any(name == imported or name.startswith(f"{imported}.") for name in imports(tree))
    }


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    docstrings = {
        id(node.body[0].value)
        for node in nodes(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def event_types() -> set[str]:
    """Collect every event type that the pinned Stripe SDK knows."""
    listed = WebhookEndpointCreateParams.__annotations__["enabled_events"]  # List[Literal[…]]
    (literal,) = typing.get_args(listed)
    return {name for name in typing.get_args(literal) if "." in name}


def test_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def needed(package: str) -> dict[str, set[str]]:
    """Which modules of `package` each of them imports: anywhere in it, for types alone as well."""
    named = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in modules(package).items()
    }
    found: dict[str, set[str]] = {}
    for name, tree in named.items():
        asked = {
            alias for node in nodes(tree) if isinstance(node, ast.Import) for alias in (it.name for it in node.names)
        }
        for node in nodes(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                asked |= whole & named.keys() or {node.module}
        found[name] = asked & named.keys() - {name}
    return found


@pytest.mark.parametrize("package", ["app", "offline_stripe", "dev"])
def test_no_modules_need_each_other(package: str) -> None:
    left = needed(package)
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    assert not left


def test_only_the_gateway_imports_stripe() -> None:
    assert not {path for path in importers("app", "stripe") if path.parts[1] != "stripe"}


def asks_the_database(path: Path) -> bool:
    """Whether `path` is one of the modules that hold statements."""
    return path.parts[1] == "db" or path.stem.endswith("statements") or str(path) in STATEMENTS


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic"])
def test_only_statement_modules_import_sqlalchemy(library: str) -> None:
    assert not {path for path in importers("app", library) if not asks_the_database(path)}


def test_only_statement_modules_write_sql() -> None:
    found = [
        f"{path}:{literal.lineno}"
        for path, tree in modules("app").items()
        if not asks_the_database(path)
        for literal in strings(tree)
        if str(literal.value).lstrip().lower().startswith(SQL_OPENINGS)
        and str(literal.value).lstrip().split(" ", 1)[0].isupper()
    ]
    assert not found


def test_each_event_type_stands_once_in_the_service_and_that_is_in_the_handlers() -> None:
    known = event_types()
    places: dict[str, list[str]] = {}
    for path, tree in modules("app").items():
        for literal in strings(tree):
            if literal.value in known:
                places.setdefault(str(literal.value), []).append(f"{path}:{literal.lineno}")
    assert "invoice.paid" in places
    wrong = {name: where for name, where in places.items() if len(where) > 1 or not where[0].startswith(str(HANDLERS))}
    assert not wrong


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("app", ("offline_stripe", "dev", "tests")),
        ("offline_stripe", ("app", "dev", "tests")),
        ("dev", ("app", "offline_stripe", "tests")),
    ],
)
def test_service_sandbox_and_supervisor_share_only_processes_and_http(package: str, others: tuple[str, ...]) -> None:
    assert not {other: found for other in others if (found := importers(package, other))}


def test_the_service_never_asks_whether_it_talks_to_the_sandbox() -> None:
    found = [
        f"{path}:{literal.lineno}"
        for path, tree in modules("app").items()
        if path.parts[1] != "cli"  # the demo pays the way Stripe.js would
        for literal in strings(tree)
        if "sandbox" in str(literal.value).lower()
    ]
    assert not found


@pytest.mark.parametrize("package", ["app", "offline_stripe", "dev", "migrations", "tests/fixtures"])
def test_every_module_has_a_docstring(package: str) -> None:
    silent = {path for path, tree in modules(package).items() if tree.body and ast.get_docstring(tree) is None}
    assert not {path for path in silent if "versions" not in path.parts}


@pytest.mark.parametrize("package", ["app", "offline_stripe", "dev"])
def test_no_module_is_named_after_nothing(package: str) -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
    assert not {path for path in modules(package) if vague & {path.stem, *path.parts}}


def test_no_module_of_the_service_is_past_350_lines() -> None:
    lengths = {path: len((PROJECT / path).read_bytes().splitlines()) for path in modules("app")}
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


def test_one_short_module_uses_what_uvicorn_does_not_document() -> None:
    module = Path("app/http/protocol.py")
    assert importers("app", "uvicorn.protocols") == {module}
    assert len((PROJECT / module).read_bytes().splitlines()) <= MOST_OF_UVICORN
