"""`invoicing migrate`: the schema's revision, the roles' rights, the inbox's partitions, the feed after a restore."""

import asyncio
from datetime import timedelta

import typer

from app.cli.environment import WithoutStripe, settings
from app.cli.errors import errors_told, wrong_database
from app.cli.output import Status, print_json
from app.db import migrations, roles
from app.db.engine import Database
from app.domain.errors import DatabaseContention, DatabaseUnavailable
from app.events import feed_statements
from app.observability import logs
from app.retention import make_partitions

WAIT_STEP_S = 1.0


def migrate(revision: str, wait_s: float, *, restored: bool, as_json: bool) -> None:
    """Bring the database's schema to a revision, waiting for the database where it is not up yet."""
    found = settings(WithoutStripe)
    logs.configure("error")
    url = found.server_url
    with errors_told(as_json=as_json):
        reached = _upgraded(url, asyncio.run(_applied(url, wait_s)), revision)
        if revision == "head":
            try:
                asyncio.run(_follow(url, found.inbox_retention, restored=restored, as_json=as_json))
            except DatabaseContention as error:
                raise DatabaseUnavailable(migrations.STOPPED.format(error.__cause__)) from error
    print_json({"schema": reached}) if as_json else typer.echo(f"The schema is at {reached}.")


def _upgraded(url: str, applied: str | None, revision: str) -> str:
    """Upgrade the schema. Returns its revision. A newer release's schema stays, as this one works on it, too."""
    if revision == "head" and migrations.newer(applied):
        typer.echo("The schema was made by a later release than this one.", err=True)
        return str(applied)
    try:
        migrations.upgrade(url, revision)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Status.WRONG) from None
    return revision if revision == "head" else str(asyncio.run(_applied(url, 0)))


async def _follow(url: str, retention: timedelta | None, *, restored: bool, as_json: bool) -> None:
    """Do what follows a migration to the newest schema: the feed's base, the roles' rights, the inbox's partitions.

    In another cluster, changes would be numbered below those that are stored or were read, so the feed is rebased. On
    another release's schema, that release has granted its own rights.
    """
    database = Database(url, pool_size=1)
    await database.open()
    try:
        async with database.connection() as connection:
            if await feed_statements.rebase(connection, restored=restored):
                typer.echo("The feed goes on behind what is stored.", err=as_json)
            if await migrations.revision(connection) == migrations.head():
                async with connection.transaction():
                    await roles.grant(connection)
        await make_partitions(database, retention)
    finally:
        await database.close()


async def _applied(url: str, wait_s: float) -> str | None:
    """The database's revision, once the database is up."""
    database = Database(url)
    deadline, told = asyncio.get_running_loop().time() + wait_s, False
    while True:
        try:
            async with database.session() as connection:
                return await migrations.revision(connection)
        except DatabaseUnavailable as error:
            if wrong_database(error):
                raise
            if asyncio.get_running_loop().time() > deadline:
                raise DatabaseUnavailable(
                    f"The database could not be reached for {wait_s:.0f} s: {error.__cause__}"
                ) from None
            if not told:
                typer.echo(f"Waiting for the database … ({error.__cause__})", err=True)
            told = True
            await asyncio.sleep(WAIT_STEP_S)
