"""Owns the migrations as the service sees them: which revision it needs, which one the database has, and applying them."""

from functools import cache
from pathlib import Path
from typing import cast

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.db.engine import Connection

ROOT = Path(__file__).resolve().parents[2]


def config(url: str = "") -> Config:
    """Alembic's configuration for the database at `url`."""
    found = Config(ROOT / "alembic.ini")
    found.set_main_option("script_location", str(ROOT / "migrations"))
    found.attributes["url"] = url
    return found


@cache
def head() -> str:
    """The revision this code needs."""
    return cast("str", ScriptDirectory.from_config(config()).get_current_head())


async def revision(connection: Connection) -> str | None:
    """The revision the database has; None where it has none."""
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return found


def upgrade(url: str, to: str = "head") -> None:
    """Migrate the database at `url` up to `to`."""
    command.upgrade(config(url), to)


def downgrade(url: str, to: str) -> None:
    """Migrate the database at `url` down to `to`."""
    command.downgrade(config(url), to)
