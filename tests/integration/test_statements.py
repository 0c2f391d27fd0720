"""Every statement that the service can send is prepared against the migrated schema.

Core statements are known by their class. Text is found as the modules have it: constants of a module, and literals within
functions.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType

import asyncpg

import app
from app.db import partitions
from app.db.statement import Statement
from app.events import feed_statements
from tests.fixtures.postgres import Database

OPENINGS = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH ")
FRAGMENTS = ("SELECT d.id, row_to_json(d)::text",)
"""How text begins that is a part of statements."""


def modules() -> list[ModuleType]:
    names = (found.name for found in pkgutil.walk_packages(app.__path__, "app."))
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def is_statement(value: object) -> bool:
    if not isinstance(value, str) or len(value.split()) < 3:
        return False
    return value.lstrip().startswith(OPENINGS) and not value.lstrip().startswith(FRAGMENTS)


def literals(module: ModuleType) -> Iterator[str]:
    """The statements that stand in functions of `module`, without those that are a part of another."""
    tree = ast.parse(Path(str(module.__file__)).read_bytes())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = [node for function in functions for node in ast.walk(function)]
    parts = {id(part) for node in found if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in found:
        if isinstance(node, ast.Constant) and id(node) not in parts and is_statement(node.value):
            yield str(node.value)


def texts() -> dict[str, str]:
    """Every statement written as text, with the name of a module that has it."""
    found: dict[str, str] = {}
    for module in modules():
        constants = [value for value in vars(module).values() if is_statement(value)]
        found |= dict.fromkeys([*constants, *literals(module)], module.__name__)
    return found


async def refused(connection: "asyncpg.Connection[asyncpg.Record]", statements: dict[str, str]) -> dict[str, str]:
    """Those of `statements` (text: where it stands) that PostgreSQL does not take, with what it says."""
    found = {}
    for text, where in statements.items():
        try:
            await connection.prepare(text)
        except asyncpg.PostgresError as error:
            found[f"{where}: {' '.join(text.split())[:200]}"] = str(error)
    return found


async def test_every_text_is_a_statement_of_this_schema(database: Database) -> None:
    connection = await database.connect()
    found = texts()
    assert len(found) > 20
    assert await refused(connection, found) == {}
    await connection.close()


async def test_every_core_statement_is_one_of_this_schema(database: Database) -> None:
    connection = await database.connect()
    modules()
    built = [feed_statements._read(types=a, invoice=b, customer=c) for a, b, c in product([True, False], repeat=3)]
    built += [build(f"{partitions.TABLE}_default") for build in (partitions._fill, partitions._holds_unprocessed)]
    found = {statement.text: statement.text for statement in {*built, *Statement.declared}}
    assert found
    assert await refused(connection, found) == {}
    await connection.close()


def test_statements_are_built_where_this_test_knows_it() -> None:
    """One that is built within a function is not declared before it is sent: it must be built above."""
    built = {
        f"{module.__name__}.{function.name}"
        for module in modules()
        for function in ast.walk(ast.parse(Path(str(module.__file__)).read_bytes()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Statement"
    }
    assert built == {
        "app.db.partitions._fill",
        "app.db.partitions._holds_unprocessed",
        "app.events.feed_statements._read",
    }
