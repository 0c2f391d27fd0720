"""Queues events that another release ignored because it did not know their type.

During a roll-out two releases run side by side, and a delivery reaches either. An event of an unknown type is stored as
`ignored` without attempts, or with UNKNOWN_TYPE as its reason. The search goes through the inbox by time of arrival. It
keeps its place in `coverage` for each set of handled types, so a release that handles more types starts from the first
event.
"""

import hashlib
from collections.abc import Collection
from datetime import timedelta

from app.db import coverage
from app.db.engine import Database
from app.inbox import replay_statements

WINDOW = timedelta(days=1)
"""How much of the inbox one statement searches."""
PORTION = 1000
"""How many events one transaction queues."""
OVERLAP = timedelta(hours=2)
"""How far back the next search looks again: a release that did not know the type may have worked until then."""


async def queue_ignored(database: Database, handled: Collection[str], *, livemode: bool) -> int:
    """Queue the events of `handled` types that were ignored as unknown. Returns how many."""
    place, queued = _name(handled), 0
    async with database.connection() as connection:
        until = await coverage.now(connection)
        searched = await coverage.read(connection, place)
        since = searched.complete_until if searched else await replay_statements.first_received(connection) or until
    while since < until:
        end = min(since + WINDOW, until)
        async with database.connection() as connection:
            found = await replay_statements.ignored(connection, since, end, handled, livemode=livemode)
            for start in range(0, len(found), PORTION):
                portion = found[start : start + PORTION]
                queued += len(await replay_statements.requeue(connection, portion, handled, livemode=livemode))
        since = end
    async with database.connection() as connection:
        await coverage.extend(connection, place, until - OVERLAP, repaired=queued)
    return queued


def _name(handled: Collection[str]) -> str:
    """The name in `coverage` of the place for this set of types."""
    return f"types:{hashlib.sha256(' '.join(sorted(handled)).encode()).hexdigest()[:16]}"
