"""Replays events: one at a caller's request, many at an operator's.

A replayed event goes through its handler again. Its counts are not repeated, because its row says that its effects were
committed. Everything else it says is old to the unit of work.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.access import audit
from app.db.engine import Database
from app.domain.errors import NotFound
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.inbox import replay_statements
from app.inbox.replay_statements import Query


@dataclass(frozen=True, slots=True)
class Replay:
    """Replays events of `handled` types and of this deployment's mode."""

    database: Database
    handled: Collection[str]
    livemode: bool

    async def replay_event(self, operation: Operation, _params: JsonView) -> Answer:
        """Process one event again. An event that waits already or has no handler stays as it is."""
        event_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            document = await replay_statements.requeue_one(connection, event_id, self.handled, livemode=self.livemode)
            if document is None:
                raise NotFound(f"There is no webhook event {event_id!r}.")
            return await operation.finish(connection, 202, document)

    async def matching(self, wanted: Query) -> list[str]:
        """The ids of replayable events matching `wanted`, in the order in which they were received."""
        async with self.database.connection() as connection:
            return await replay_statements.matching(connection, wanted, self.handled, livemode=self.livemode)

    async def requeue(
        self, events: Collection[str], wanted: Query, *, actor: str, request_id: str | None = None
    ) -> list[str]:
        """Queue `events`, which matched `wanted`, with one entry in the audit log. Returns the ids that were queued."""
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


def _told(made: Collection[datetime], wanted: Query) -> str:
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (min(made), max(made)))
    return f"{len(made)} events that Stripe made from {first} to {last}; asked for: {wanted}"
