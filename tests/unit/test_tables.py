import subprocess
import sys
from pathlib import Path

import pytest

from app.db import tables
from app.db.models import Model
from app.db.tables import Table

PROJECT = Path(__file__).resolve().parents[2]
ALL = [value for value in vars(tables).values() if isinstance(value, Table)]

LOADED = "import sys, app.cli, app.main, app.container; print(*(name for name in sys.argv[1:] if name in sys.modules))"


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_a_table_has_the_columns_that_its_model_has(table: Table) -> None:
    model = Model.metadata.tables[table.name]
    assert sorted(table.columns) == sorted(column.name for column in model.columns)
    assert [table.key] == [column.name for column in model.primary_key]


def test_the_service_starts_without_what_only_migrations_need() -> None:
    command = [sys.executable, "-c", LOADED, "sqlalchemy", "alembic", "mako"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
