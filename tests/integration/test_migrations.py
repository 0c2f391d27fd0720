import asyncio
import inspect

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from app.db import migrations
from app.db.schema import metadata
from tests.fixtures.postgres import Database


def differences(connection: Connection) -> list[object]:
    return list(
        compare_metadata(
            MigrationContext.configure(connection, opts={"include_name": migrations.is_modelled}), metadata
        )
    )


async def test_the_migrations_build_what_the_models_say(database: Database) -> None:
    engine = create_async_engine(database.url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_every_migration_goes_back_and_forth(empty_database: Database) -> None:
    for step in ("head", "base", "head"):
        action = migrations.downgrade if step == "base" else migrations.upgrade
        await asyncio.to_thread(action, empty_database.url, step)
    connection = await empty_database.connect()
    assert await migrations.revision(connection) == migrations.head()
    await connection.close()


async def test_a_migration_that_was_broken_off_is_begun_anew(empty_database: Database) -> None:
    """What stands before an autocommit_block is committed by it; the revision is written down at the end alone."""
    connection = await empty_database.connect()
    scripts = ScriptDirectory.from_config(migrations.config()).walk_revisions()
    for script in reversed([one for one in scripts if "autocommit_block" in inspect.getsource(one.module)]):
        for _ in range(2):
            await asyncio.to_thread(migrations.upgrade, empty_database.url, script.revision)
            await connection.execute("UPDATE alembic_version SET version_num = $1", script.down_revision)
    await asyncio.to_thread(migrations.upgrade, empty_database.url)
    await connection.close()
    await test_the_migrations_build_what_the_models_say(empty_database)


def test_the_migrations_are_one_line() -> None:
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1
