"""Owns the erasure of customers here: what is left of their rows, and of all that was stored about them.

A customer is erased when it is deleted at Stripe, whoever did that: the ledger calls `forget` in the same transaction.
"""

from collections.abc import Sequence

import msgspec

from app.db import audit, erasure
from app.db.engine import Connection, Database
from app.domain.erasure import pseudonymised


async def forget(connection: Connection, customers: Sequence[str], cause: str | None) -> None:
    """Take out what is personal of what is stored about `customers`, and note it in the audit log."""
    await erasure.forget(connection, customers, _scrubbed)
    for customer in customers:
        await audit.record(
            connection, actor=cause or "service", action="erase_customer", subject=customer, outcome="done"
        )


async def sweep(database: Database) -> None:
    """Take out what came late, or came about other objects, of customers that are erased; reads every stored event."""
    after: str | None = ""
    while after is not None:
        async with database.unit_of_work() as connection:
            after = await erasure.forget_mentions(connection, after, _scrubbed)


def _scrubbed(document: str) -> str:
    return msgspec.json.encode(pseudonymised(msgspec.json.decode(document))).decode()
