"""How alembic reaches the database: asynchronously, with the address the service uses."""

import asyncio
import os
import sys

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import asyncpg_dsn
from app.db.migrations import is_modelled
from app.db.schema import metadata

ALONE = text("SELECT pg_try_advisory_lock(7410002)")
WAIT_S = 1.0


async def _connect() -> "asyncpg.Connection[asyncpg.Record]":
    """A connection that reads the address as the service does: SQLAlchemy takes no `sslmode`, and no second host."""
    return await asyncpg.connect(asyncpg_dsn(context.config.attributes.get("url") or os.environ["DATABASE_URL"]))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        include_name=is_modelled,
        transaction_per_migration=True,  # what one has locked is free again before the next one waits
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    """Migrate alone: who begins beside another, or after one that was killed and whose statement still runs, waits for it.

    It asks again and again. A statement that waits would be waited for by an index that the other builds.
    """
    engine = create_async_engine("postgresql+asyncpg://", async_creator=_connect, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        told = False
        while not await connection.scalar(ALONE):
            if not told:
                print("Another migration is under way: waiting for its end …", file=sys.stderr)  # noqa: T201
            told = True
            await connection.rollback()
            await asyncio.sleep(WAIT_S)
        await connection.rollback()
        await connection.run_sync(_migrate)
    await engine.dispose()


asyncio.run(_run())
