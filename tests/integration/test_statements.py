"""Every statement that the service can send is prepared against the migrated schema."""

import ast
import re
from pathlib import Path

import asyncpg

from app.rebuild import rebuild_statements
from tests.fixtures.postgres import Database
from tests.fixtures.statements import core, modules, texts


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
    assert await refused(connection, dict.fromkeys(core(), "Core")) == {}
    await connection.close()


def test_no_subselect_reads_a_table_once_more_that_its_statement_reads() -> None:
    listed = re.compile(r"\bFROM \w+(?: AS \w+)?(?:, \w+(?: AS \w+)?)+\s*(?:\n|WHERE|\)|$)")
    assert [text for text in core() if listed.search(text)] == []


async def test_what_a_rebuild_compares_is_a_statement_of_this_schema(database: Database) -> None:
    connection = await database.connect()
    await rebuild_statements.open_projection(connection)
    compared = {
        rebuild_statements.differences_statement(table).text: table.name for table in rebuild_statements.COMPARED
    }
    assert await refused(connection, compared) == {}
    await connection.close()


def test_statements_are_built_where_this_test_knows_it() -> None:
    """One that is built within a function is not declared before it is sent: it must be built in tests/fixtures/statements.py."""
    built = {
        f"{module.__name__}.{function.name}"
        for module in modules()
        for function in ast.walk(ast.parse(Path(str(module.__file__)).read_bytes()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Statement"
    }
    assert built == {
        "app.db.documents.one_statement",
        "app.db.documents.page_statement",
        "app.db.documents.several_statement",
        "app.db.partitions._fill",
        "app.db.partitions._holds_unprocessed",
        "app.db.rows.load_statement",
        "app.db.rows.store_statement",
        "app.events.feed_statements._read",
        "app.rebuild.document_statements.erased_statement",
        "app.rebuild.document_statements.fill_statement",
        "app.rebuild.document_statements.older_statement",
        "app.rebuild.document_statements.take_statement",
        "app.rebuild.rebuild_statements.differences_statement",
    }
