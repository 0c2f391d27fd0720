"""Owns the migrations as the service sees them: which revision it needs, which one the database has, and applying them."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from app.db.engine import Connection
from app.db.partitions import PARTITION

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "migrations"


@cache
def known() -> frozenset[str]:
    """Every revision this code knows."""
    texts = (path.read_text() for path in (MIGRATIONS / "versions").glob("*.py"))
    return frozenset(found[1] for text in texts if (found := re.search(r'^revision = "(\w+)"', text, re.MULTILINE)))


@cache
def head() -> str:
    """The revision this code needs: the one that no other follows. Read from the files: alembic takes a second to load."""
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("*.py")]
    revisions = known()
    followed = {found[1] for text in texts if (found := re.search(r'^down_revision = "(\w+)"', text, re.MULTILINE))}
    (last,) = revisions - followed
    return last


async def revision(connection: Connection) -> str | None:
    """The revision the database has; None where it has none."""
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return found


def serves(applied: str | None) -> bool:
    """Whether this code works on a database at `applied`: at its own head, or at one that only newer code knows.

    A release's migrations leave room for the code before it (docs/scaling.md), which goes on while they are rolled out.
    """
    return applied == head() or newer(applied)


def newer(applied: str | None) -> bool:
    """Whether the database was migrated by a release after this one: there is nothing for this code to do about it."""
    return applied is not None and applied not in known()


def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Whether the models speak of it: of a partitioned table, not of its partitions."""
    return kind != "table" or name is None or not PARTITION.fullmatch(name)


def config(url: str = "") -> "Config":
    """Alembic's configuration for the database at `url`."""
    from alembic.config import Config  # noqa: PLC0415 -- only migrating needs it

    found = Config(ROOT / "alembic.ini")
    found.set_main_option("script_location", str(MIGRATIONS))
    found.attributes["url"] = url
    return found


def upgrade(url: str, to: str = "head") -> None:
    """Migrate the database at `url` up to `to`. Raises ValueError where there is no such revision."""
    from alembic import command  # noqa: PLC0415 -- only migrating needs it
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(config(url), to)
    except CommandError as error:
        raise ValueError(str(error)) from None


def downgrade(url: str, to: str) -> None:
    """Migrate the database at `url` down to `to`."""
    from alembic import command  # noqa: PLC0415 -- only migrating needs it

    command.downgrade(config(url), to)
