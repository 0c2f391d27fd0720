import asyncio

from alembic import command
from alembic.script import ScriptDirectory

from app.db import schema
from tests.fixtures.postgres import Database


async def test_the_migrations_build_what_the_models_say(database: Database) -> None:
    await asyncio.to_thread(command.check, schema.config(database.url))


async def test_every_migration_goes_back_and_forth(empty_database: Database) -> None:
    for step in ("head", "base", "head"):
        action = schema.downgrade if step == "base" else schema.upgrade
        await asyncio.to_thread(action, empty_database.url, step)
    connection = await empty_database.connect()
    assert await schema.revision(connection) == schema.head()
    await connection.close()


def test_the_migrations_are_one_line() -> None:
    assert len(ScriptDirectory.from_config(schema.config()).get_heads()) == 1
