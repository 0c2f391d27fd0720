import asyncio

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


def test_the_migrations_are_one_line() -> None:
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1
