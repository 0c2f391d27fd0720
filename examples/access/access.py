"""A hook that gives access to what was paid, takes it back when the money comes back, and restores it.

Access is a row in a SQLite file, ACCESS_DB; put your own system in the place of `set_access`. It runs in the worker, once or
more for each moment of each fulfillment, so it must not matter how often it runs.
"""

import asyncio
import os
import sqlite3

from app.hooks import FulfillmentAction, Moment

GIVEN = "fulfilled"
CHANGES = {Moment.FULFILLED, Moment.REINSTATED, Moment.DISPUTED, Moment.REVERSED}
"""The moments after which access may be another. A part that came back takes none away: that is the policy's to decide."""


async def access(action: FulfillmentAction) -> None:
    """Give or take access, as the fulfillment stands now."""
    if action.moment not in CHANGES:
        return
    given = action.fulfillment["status"] == GIVEN
    if not given and not action.before:
        return  # nothing was ever given, so there is nothing to take back
    await asyncio.to_thread(set_access, action, given=given)


def set_access(action: FulfillmentAction, *, given: bool) -> None:
    """Store whether the customer has access to what the invoice was for, and why."""
    connection = sqlite3.connect(os.environ["ACCESS_DB"])
    try:
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS access (invoice TEXT PRIMARY KEY, customer TEXT, given INTEGER, because TEXT)"
            )
            connection.execute(
                "INSERT INTO access VALUES (?, ?, ?, ?) ON CONFLICT (invoice) "
                "DO UPDATE SET given = excluded.given, because = excluded.because",
                (action.invoice["id"], action.invoice["customer"], given, action.moment.value),
            )
    finally:
        connection.close()
