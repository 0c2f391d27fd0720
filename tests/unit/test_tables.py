import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Table

from app.db.schema import metadata

PROJECT = Path(__file__).resolve().parents[2]

LOADED = (
    "import sys, app.cli.main, app.main, app.container; print(*(name for name in sys.argv[1:] if name in sys.modules))"
)


def test_the_service_starts_without_orm_and_migrations() -> None:
    command = [sys.executable, "-c", LOADED, "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "alembic", "mako"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_no_column_is_called_as_a_method_of_its_collection_is(table: Table) -> None:
    assert not {"items", "keys", "values"} & {column.name for column in table.columns}
