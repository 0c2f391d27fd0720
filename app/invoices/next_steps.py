"""Finds the next step of invoices that the release before wrote, which does not know it."""

from app.db.engine import Database
from app.invoices import stuck_statements
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.mapping import Kind

TOGETHER = 50
MOST = 2000
"""How many invoices one run takes; the next one takes the rest."""


async def find_missing(database: Database) -> int:
    """Find the next step of drafts and open invoices that lack it. Returns how many."""
    async with database.connection() as connection:
        ids = await stuck_statements.without_next_step(connection, MOST)
    for start in range(0, len(ids), TOGETHER):
        subjects = [Subject(Kind.INVOICE, one) for one in ids[start : start + TOGETHER]]
        async with database.unit_of_work() as connection:
            await (await UnitOfWork.of(connection, subjects)).flush()
    return len(ids)
