"""Migrations as the service sees them: the revision it needs, the one the database has, and upgrading."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from app.db.engine import NOT_NOW, Connection
from app.db.partitions import PARTITION
from app.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
"""A link in the project, so that a wheel has them, too."""
STOPPED = "The database stopped the migration ({}). What was done stays done: run `invoicing migrate` again."


@cache
def known() -> frozenset[str]:
    texts = (path.read_text() for path in (MIGRATIONS / "versions").glob("*.py"))
    return frozenset(found[1] for text in texts if (found := re.search(r'^revision = "(\w+)"', text, re.MULTILINE)))


@cache
def head() -> str:
    """The newest revision. It is read from the files, because Alembic takes a second to import."""
    texts = [path.read_text() for path in (MIGRATIONS / "versions").glob("*.py")]
    revisions = known()
    followed = {found[1] for text in texts if (found := re.search(r'^down_revision = "(\w+)"', text, re.MULTILINE))}
    (last,) = revisions - followed
    return last


async def revision(connection: Connection) -> str | None:
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return found


def serves(applied: str | None) -> bool:
    """Whether this code works on a database at `applied`: at our newest revision, or at one that only newer code knows.

    A release's migrations keep the release before it working during a roll-out (docs/contributing/scaling.md).
    """
    return applied == head() or newer(applied)


def newer(applied: str | None) -> bool:
    return applied is not None and applied not in known()


def is_modelled(name: str | None, kind: str, _parents: object) -> bool:
    """Whether the schema declares the table: partitions are not declared, only their parent."""
    return kind != "table" or name is None or not PARTITION.fullmatch(name)


def config(url: str = "") -> "Config":
    from alembic.config import Config  # noqa: PLC0415 -- only migrating needs it

    found = Config()
    found.set_main_option("path_separator", "os")
    found.set_main_option("script_location", str(MIGRATIONS))
    found.attributes["url"] = url
    return found


def upgrade(url: str, to: str = "head") -> None:
    """Migrate the database at `url` up to `to`.

    Raises ValueError if there is no such revision, DatabaseUnavailable if the same may go through later, and the other
    errors of asyncpg.
    """
    from alembic import command  # noqa: PLC0415 -- only migrating needs it
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        command.upgrade(config(url), to)
    except CommandError as error:
        raise ValueError(str(error)) from None
    except DBAPIError as error:
        met = (error.orig and error.orig.__cause__) or error
        if isinstance(met, NOT_NOW):
            raise DatabaseUnavailable(STOPPED.format(str(met).partition("\n")[0])) from met
        raise met from None


def downgrade(url: str, to: str) -> None:
    from alembic import command  # noqa: PLC0415 -- only migrating needs it

    command.downgrade(config(url), to)
