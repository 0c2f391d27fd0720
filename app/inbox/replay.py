"""Owns putting events back into the inbox: one on a caller's request, many on an operator's.

A replayed event goes through the same handler again. What it counted is not counted twice, because the event's row
says that its effects were committed, and everything else it says is old news to the ledger.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.access import audit
from app.db.engine import Database
from app.domain.errors import NotFound
from app.domain.json import JsonView
from app.idempotency.operations import Operation
from app.inbox import replay_statements
from app.inbox.replay_statements import Wanted


@dataclass(frozen=True, slots=True)
class Replaying:
    """Replays events of the types that are `handled` and of this deployment's mode."""

    database: Database
    handled: Collection[str]
    livemode: bool

    async def replay_event(self, operation: Operation, _params: JsonView) -> None:
        """Process one event again. One that waits already, or that nothing handles, stays as it is."""
        event_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            document = await replay_statements.requeue_one(connection, event_id, self.handled, livemode=self.livemode)
            if document is None:
                raise NotFound(f"There is no webhook event {event_id!r}.")
            await operation.finish(connection, 202, document)

    async def matching(self, wanted: Wanted) -> list[str]:
        """The events that are `wanted` and can be replayed, in the order they were received."""
        async with self.database.connection() as connection:
            return await replay_statements.matching(connection, wanted, self.handled, livemode=self.livemode)

    async def requeue(
        self, events: Collection[str], wanted: Wanted, *, actor: str, request_id: str | None = None
    ) -> list[str]:
        """Have `events` processed again, which are those `wanted`, or a portion; answers those that will be.

        The audit log says who wanted that, in one entry however many they are.
        """
        async with self.database.unit_of_work() as connection:
            queued = await replay_statements.requeue(connection, events, self.handled, livemode=self.livemode)
            if queued:
                one = next(iter(queued)) if len(queued) == 1 else None
                await audit.record(
                    connection,
                    actor=actor,
                    action=self.replay_event.__name__,
                    subject=one,
                    outcome="done",
                    request_id=request_id,
                    detail=None if one else _told(queued.values(), wanted),
                )
            return list(queued)


def _told(made: Collection[datetime], wanted: Wanted) -> str:
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (min(made), max(made)))
    return f"{len(made)} events that Stripe made from {first} to {last}; asked for: {wanted}"
