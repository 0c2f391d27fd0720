"""Erases the personal data of deleted customers from everything stored here.

The unit of work calls `forget` in the transaction that stores the deletion, whoever deleted the customer at Stripe.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta

import msgspec

from app.access import audit, portal_statements
from app.db import coverage
from app.db.engine import Connection, Database
from app.domain.erasure import pseudonymised
from app.domain.json import JsonObject
from app.projection import erasure_statements
from app.stripe.mapping import FIELDS, Kind

OF_CUSTOMERS = (Kind.INVOICE, Kind.PAYMENT_METHOD, Kind.TAX_ID)
"""The kinds whose documents say who a customer is, or how it pays."""
NAME = "erasure_5"
"""Name of the row in `coverage` that says up to when all events are swept.

The number in it rises whenever more is not to be stored, so that everything is swept once more. An older release goes
on with its own row.
"""
HELD = timedelta(hours=1)
"""How far each sweep looks back: longer than any process holds an event's row, and longer than clocks differ."""


async def forget(connection: Connection, customers: Mapping[str, str | None]) -> None:
    """Remove the personal data in what is stored about `customers`, end their portal links, and record it in the audit log.

    `customers` maps the id of each to the actor who deleted it; None stands for the service.
    """
    await erasure_statements.forget(connection, sorted(customers), _scrubbed)
    for customer, cause in sorted(customers.items()):
        await portal_statements.revoke_all(connection, customer)
        await audit.record(
            connection, actor=cause or "service", action="erase_customer", subject=customer, outcome="done"
        )


async def blank(connection: Connection, kind: Kind, rows: Collection[JsonObject]) -> None:
    """Remove personal data from those of `rows` whose customer is erased, whatever Stripe still sends."""
    personal = FIELDS[kind].blank
    customers = {row["customer"] for row in rows if row["customer"]} if personal else ()
    erased = await erasure_statements.erased_among(connection, customers)
    for row in rows if erased else ():
        if row["customer"] in erased:
            row.update(personal)


async def sweep(database: Database, *, everything: bool = False) -> int:
    """Remove personal data of erased customers that arrived late or was locked when they were erased.

    It also removes what lets its holder pay, which older releases stored. It reads the events received since the last
    sweep, or all stored events if there was none or with `everything`. Returns how many documents changed.
    """
    async with database.connection() as connection:
        started = await coverage.now(connection)
        swept = None if everything else await coverage.read(connection, NAME)
        since = swept.complete_until if swept else coverage.EVER
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
        await coverage.extend(connection, NAME, started - HELD, repaired=changed)
    return changed


def _scrubbed(document: str) -> str:
    return msgspec.json.encode(pseudonymised(msgspec.json.decode(document))).decode()
