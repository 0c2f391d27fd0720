"""Owns what is told of a change of an invoice or of its fulfillment: the state it led to, and what it was before. Pure.

No people's data: who a customer is, is asked of the API by whoever may know. So events need no erasure.
"""

import os
import time
from dataclasses import dataclass, replace

from app.domain.events import DELETED, FULFILLMENT, SCHEMA_VERSION, event_type
from app.domain.json import JsonObject, JsonView
from app.domain.sources import shown_time

_FULFILLMENT = (
    "id", "invoice", "customer", "status", "amount_paid", "currency", "payment_intent", "paid_out_of_band", "attempts",
)  # fmt: skip
_FULFILLMENT_TIMES = ("fulfilled_at", "created_at", "updated_at")
_FULFILLMENT_COLUMNS = (*_FULFILLMENT, "failure_code", "failure_decline_code", "failure_message", "fulfilled_at")


def invoice_status(row: JsonView) -> str:
    """The status that an invoice is shown with; a deleted draft has one of its own."""
    return DELETED if row["deleted_at"] else str(row["status"])


def fulfillment_state(row: JsonView) -> JsonObject:
    """What is told of a fulfillment, of its row."""
    failure = {name: row.get(f"failure_{name}") for name in ("code", "decline_code", "message")}
    return {
        **{name: row.get(name) for name in _FULFILLMENT},
        "failure": failure if failure["code"] or failure["message"] else None,
        **{name: shown_time(row.get(name)) for name in _FULFILLMENT_TIMES},
    }


def differs(before: JsonView, after: JsonView) -> bool:
    """Whether something that is told of a fulfillment differs between two of its rows."""
    return any(before.get(name) != after.get(name) for name in _FULFILLMENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what `subject` (invoice or fulfillment) of an invoice was, and the state it is in now."""

    subject: str
    was: str | None
    state: JsonObject
    cause: str | None

    @property
    def became(self) -> str:
        """The status it has now."""
        return str(self.state["status"])

    @property
    def invoice(self) -> str:
        """The id of the invoice that it is about."""
        return str(self.state["invoice" if self.subject == FULFILLMENT else "id"])

    def row(self, invoice: JsonObject) -> JsonObject:
        """The row that keeps it, as an event; `invoice` is the state its invoice is in now."""
        data: JsonObject = {"previous_status": self.was, "invoice": invoice, self.subject: self.state}
        return {
            "event": _new_id(),
            "type": event_type(self.subject, self.was, self.became),
            "schema_version": SCHEMA_VERSION,
            "invoice": self.invoice,
            "customer": self.state["customer"],
            "subject": self.subject,
            "was": self.was,
            "became": self.became,
            "cause": self.cause,
            "data": data,
        }


def note(changes: list[Change], change: Change) -> None:
    """Add `change`. One that leaves the status as it is becomes part of the one before it: nobody saw what was between."""
    if change.was == change.became:
        for index in range(len(changes) - 1, -1, -1):
            before = changes[index]
            if before.invoice == change.invoice:
                changes[index] = replace(before, state=change.state)
                return
    changes.append(change)


def _new_id() -> str:
    """A new event's id. Ids grow with time, so that their index is written at its end."""
    return f"iev_{time.time_ns() // 1000:014x}{os.urandom(9).hex()}"
