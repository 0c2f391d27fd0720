"""The erasure of customers here: what is left of their rows, and of all that was stored about them.

A customer is erased when it is deleted at Stripe, whoever did that: the unit of work calls `forget` in the same transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from app.access import audit
from app.customers import erasure_statements
from app.db.engine import Connection, Database
from app.domain.erasure import pseudonymised

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything was received."""
HELD = timedelta(hours=1)
"""Longer than anybody holds an event's row, and than clocks differ: so far back the next sweep looks once more."""


async def forget(connection: Connection, customers: Mapping[str, str | None]) -> None:
    """Take out what is personal of what is stored about `customers`, and note it in the audit log with what caused it."""
    await erasure_statements.forget(connection, sorted(customers), _scrubbed)
    for customer, cause in sorted(customers.items()):
        await audit.record(
            connection, actor=cause or "service", action="erase_customer", subject=customer, outcome="done"
        )


async def sweep(database: Database, *, everything: bool = False) -> int:
    """Take out what came late about customers that are erased, and what was held when they were; how many documents.

    Looks at what was received since the last sweep; at every stored event where there was none, or with `everything`.
    """
    started = datetime.now(UTC)
    async with database.connection() as connection:
        known = None if everything else await erasure_statements.swept_until(connection)
        since = known or BEGINNING
        customers = await erasure_statements.erased_since(connection, since)
    changed = 0
    if customers:
        async with database.unit_of_work() as connection:
            changed += await erasure_statements.forget(connection, customers, _scrubbed)
    place: erasure_statements.Place | None = erasure_statements.Place(since)
    while place is not None:
        async with database.unit_of_work() as connection:
            found, place = await erasure_statements.forget_mentions(connection, place, _scrubbed)
            changed += found
    async with database.connection() as connection:
        await erasure_statements.note_swept(connection, started - HELD, changed)
    return changed


def _scrubbed(document: str) -> str:
    return msgspec.json.encode(pseudonymised(msgspec.json.decode(document))).decode()
