"""Events as rows: what is recorded when something happens, and whom it will be delivered to.

Owns the event document and the rows of its deliveries. Must not send anything: `webhooks.delivery`
takes the rows from here on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.documents import Document, to_text
from sandbox.settings import API_VERSION

if TYPE_CHECKING:
    from sandbox.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How deliveries of events made from now on go wrong, on request."""

    hold: bool = False
    duplicate: int = 0
    shuffle: bool = False
    shuffle_ms: int = 250
    drop: float = 0.0
    delay_ms: int = 0
    seed: int | None = None


class Emission:
    """Records events; remembers how their deliveries shall misbehave."""

    def __init__(self) -> None:
        self.misbehaviour = Misbehaviour()
        self._random = random.Random()

    def misbehave(self, **changes: object) -> Misbehaviour:
        self.misbehaviour = replace(self.misbehaviour, **changes)  # type: ignore[arg-type]
        if changes.get("seed") is not None:
            self._random.seed(self.misbehaviour.seed)
        return self.misbehaviour

    def behave(self) -> None:
        self.misbehaviour = Misbehaviour()

    def record(self, tx: Transaction, kind: str, snapshot: Document, previous: Document | None, cause: Document) -> int:
        """The number of endpoints the event goes to."""
        endpoints = [
            endpoint
            for endpoint in tx.endpoints()
            if endpoint["status"] == "enabled" and _wants(endpoint["enabled_events"], kind)
        ]
        data: Document = {"object": snapshot}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Document = {
            "id": tx.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": tx.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": cause,
            "type": kind,
        }
        tx.store.database.execute(
            "INSERT INTO events (id, type, created, pending, doc) VALUES (?, ?, ?, ?, ?)",
            (event["id"], kind, tx.now, len(endpoints), to_text(event)),
        )
        for endpoint in endpoints:
            self._queue(tx, event["id"], endpoint["id"])
        return len(endpoints)

    def _queue(self, tx: Transaction, event: str, endpoint: str) -> None:
        mode = self.misbehaviour
        now = tx.store.clock.now()
        due_at = now + mode.delay_ms / 1000
        if mode.shuffle:
            due_at += self._random.random() * mode.shuffle_ms / 1000
        state = "held" if mode.hold else "pending"
        if mode.drop and self._random.random() < mode.drop:
            state = "dropped"
        tx.store.database.execute(
            "INSERT INTO deliveries (event, endpoint, state, created_at, due_at, copies) VALUES (?, ?, ?, ?, ?, ?)",
            (event, endpoint, state, now, due_at, mode.duplicate),
        )


def _wants(enabled_events: list[str], kind: str) -> bool:
    return "*" in enabled_events or kind in enabled_events
