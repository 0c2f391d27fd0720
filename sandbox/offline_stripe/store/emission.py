"""Stores an event when something happens, and a row for each of its deliveries.

`webhooks.delivery` sends them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from offline_stripe.documents import Document, to_text
from offline_stripe.settings import API_VERSION
from offline_stripe.store.clock import Clock
from offline_stripe.store.database import Database


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What happened: the type, the object as it is shown now, the object before, and the call that did it."""

    type: str
    snapshot: Document
    previous: Document | None
    cause: Document


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How deliveries of events made from now on misbehave, on request."""

    hold: bool = False
    duplicate: int = 0
    shuffle: bool = False
    shuffle_ms: int = 250
    drop: float = 0.0
    delay_ms: int = 0
    seed: int | None = None


class Emission:
    """Records events, with the requested misbehaviour of their deliveries."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.misbehaviour = Misbehaviour()
        self._random = random.Random()

    def misbehave(self, **changes: object) -> Misbehaviour:
        self.misbehaviour = replace(self.misbehaviour, **changes)  # type: ignore[arg-type]
        if changes.get("seed") is not None:
            self._random.seed(self.misbehaviour.seed)
        return self.misbehaviour

    def behave(self) -> None:
        self.misbehaviour = Misbehaviour()

    def record(self, event_id: str, created: int, happened: Occurrence, endpoints: Sequence[Document]) -> int:
        """Record an event. Returns the number of `endpoints` it goes to."""
        wanting = [
            endpoint
            for endpoint in endpoints
            if endpoint["status"] == "enabled" and _wants(endpoint["enabled_events"], happened.type)
        ]
        data: Document = {"object": happened.snapshot}
        if happened.previous is not None:
            data["previous_attributes"] = happened.previous
        event: Document = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(wanting),
            "request": happened.cause,
            "type": happened.type,
        }
        self._database.execute(
            "INSERT INTO events (id, type, created, pending, doc) VALUES (?, ?, ?, ?, ?)",
            (event_id, happened.type, created, len(wanting), to_text(event)),
        )
        for endpoint in wanting:
            self._queue(event_id, endpoint["id"])
        return len(wanting)

    def _queue(self, event: str, endpoint: str) -> None:
        mode = self.misbehaviour
        now = self._clock.now()
        due_at = now + mode.delay_ms / 1000
        if mode.shuffle:
            due_at += self._random.random() * mode.shuffle_ms / 1000
        state = "held" if mode.hold else "pending"
        if mode.drop and self._random.random() < mode.drop:
            state = "dropped"
        self._database.execute(
            "INSERT INTO deliveries (event, endpoint, state, created_at, due_at, copies) VALUES (?, ?, ?, ?, ?, ?)",
            (event, endpoint, state, now, due_at, mode.duplicate),
        )


def _wants(enabled_events: list[str], kind: str) -> bool:
    return "*" in enabled_events or kind in enabled_events
