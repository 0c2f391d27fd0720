"""Owns putting events back into the inbox: one on a caller's request, many on an operator's.

A replayed event goes through the same handler again. What it counted is not counted twice, because the event's row
says that its effects were committed, and everything else it says is old news to the ledger.
"""

from collections.abc import Collection
from dataclasses import dataclass

from app.db import audit, documents, replays
from app.db.documents import EVENT
from app.db.engine import Database
from app.db.replays import Wanted
from app.domain.errors import NotFound
from app.domain.json import JsonView
from app.services.operations import Operation


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
            await replays.requeue(connection, [event_id], self.handled, livemode=self.livemode)
            document = await documents.read(connection, EVENT, event_id)
            if document is None:
                raise NotFound(f"There is no webhook event {event_id!r}.")
            await operation.finish(connection, 202, document)

    async def matching(self, wanted: Wanted) -> list[str]:
        """The events that are `wanted` and can be replayed, in the order they were received."""
        async with self.database.connection() as connection:
            return await replays.matching(connection, wanted, self.handled, livemode=self.livemode)

    async def requeue(self, events: Collection[str], *, actor: str, request_id: str | None = None) -> list[str]:
        """Have `events` processed again; answers those that will be. The audit log says who wanted that."""
        async with self.database.unit_of_work() as connection:
            queued = await replays.requeue(connection, events, self.handled, livemode=self.livemode)
            await audit.record_each(
                connection, actor=actor, action=self.replay_event.__name__, subjects=queued, request_id=request_id
            )
            return queued
