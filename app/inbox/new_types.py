"""Events that another release ignored, because it did not know their type, are processed by a release that knows it.

Two releases run side by side while one is rolled out or rolled back, and each delivery reaches either of them. An event
of an unknown type is stored as `ignored`, and nobody has looked at it: it has no attempts, or the worker that gave it up
left UNKNOWN_TYPE as its reason. The search goes through the inbox by the time of arrival. It keeps its place for each set
of handled types in `coverage`, so that a release that handles more types begins at the first event once.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from app.db.engine import Database
from app.inbox import replay_statements

WINDOW = timedelta(days=1)
"""How much of the inbox one statement looks at."""
OVERLAP = timedelta(hours=2)
"""So far back the next search looks once more: a release that does not know the type may have worked until then."""


async def queue_ignored(database: Database, handled: Collection[str], *, livemode: bool) -> int:
    """Queue the events of `handled` types that were ignored because their type was not known; how many."""
    place, until = _name(handled), datetime.now(UTC)
    queued = 0
    async with database.connection() as connection:
        since = await replay_statements.ignored_since(connection, place) or until
    while since < until:
        async with database.unit_of_work() as connection:
            end = min(since + WINDOW, until)
            found = await replay_statements.ignored(connection, since, end, handled, livemode=livemode)
            queued += len(await replay_statements.requeue(connection, found, handled, livemode=livemode))
        since = end
    async with database.connection() as connection:
        await replay_statements.note_ignored(connection, place, until - OVERLAP, queued)
    return queued


def _name(handled: Collection[str]) -> str:
    """Under which name of `coverage` the place is kept for this set of types."""
    return f"types:{hashlib.sha256(' '.join(sorted(handled)).encode()).hexdigest()[:16]}"
