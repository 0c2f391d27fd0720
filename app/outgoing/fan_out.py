"""The fan-out: makes one delivery of each event in the feed for each endpoint that wants it.

An endpoint's cursor says how far its deliveries are made; the statement that makes them moves it. Several workers may
run at once: the second one moves nothing.
"""

from collections import defaultdict

from app.db.engine import Database
from app.domain.events import Cursor
from app.events import feed_statements
from app.outgoing import fan_out_statements
from app.outgoing.fan_out_statements import Subscription

BATCH = 500


class FanOut:
    """Makes deliveries. `held` means that a running transaction holds events back: look again soon."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.held = False

    async def run_once(self) -> int:
        """Move every endpoint a step further. Returns the number of deliveries made."""
        made = 0
        self.held = False
        groups: defaultdict[Cursor, list[Subscription]] = defaultdict(list)
        async with self._database.connection() as connection:
            for subscription in await fan_out_statements.subscriptions(connection):
                groups[subscription.after].append(subscription)
            for after, group in groups.items():
                found = await feed_statements.read(connection, after, limit=BATCH)
                self.held = self.held or found.held
                if found.events:
                    wanted = [(one.id, event.cursor.id) for one in group for event in found.events if one.wants(event)]
                    made += await fan_out_statements.fan_out(
                        connection, [one.id for one in group], after, found.upto, wanted
                    )
        return made
