"""Makes the documents of the rows that hold none, in the background: those that the release before wrote."""

import asyncio
import time

from app.db.engine import Database
from app.jobs.housekeeper import Task
from app.projection import document_statements
from app.stripe.mapping import Kind

EVERY_S = 60.0
BATCH = 200


async def fill(database: Database) -> int:
    """Make all documents that are missing, of the rows' columns; how many. Half of the time it leaves to others."""
    filled = 0
    for kind in Kind:
        while True:
            started = time.perf_counter()
            async with database.unit_of_work() as connection:
                done = await document_statements.fill(connection, kind, BATCH)
            filled += done
            if done < BATCH:
                break
            await asyncio.sleep(time.perf_counter() - started)
    return filled


def fill_documents(database: Database) -> Task:
    """The task that does it."""

    async def work() -> int:
        return await fill(database)

    return Task("fill_documents", EVERY_S, work)
