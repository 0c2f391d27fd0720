"""Changes of invoices, fulfillments and what came back, as the feed tells them: the new state and the status before. Pure.

They hold no personal data, so events need no erasure. A consumer that may know a customer asks the API.
"""

import os
import time
from dataclasses import dataclass, field, replace
from typing import cast

from app.domain.events import DELETED, INVOICE, SCHEMA_VERSION, event_type
from app.domain.fulfillment import Attempt, Fulfillment, FulfillmentStatus
from app.domain.json import JsonObject, JsonView
from app.domain.payment_attempts import advice
from app.domain.sources import shown_time

_FULFILLMENT = (
    "id", "invoice", "customer", "status", "amount_paid", "amount_refunded", "amount_credited", "amount_disputed",
    "currency", "payment_intent", "paid_out_of_band", "attempts",
)  # fmt: skip
_FULFILLMENT_TIMES = ("fulfilled_at", "created_at", "updated_at")
_FAILED = frozenset({FulfillmentStatus.PAYMENT_FAILED, FulfillmentStatus.REVERSED, FulfillmentStatus.WRITTEN_OFF})
"""The statuses that a failed attempt may be the reason for."""


def invoice_status(row: JsonView) -> str:
    """The status shown for an invoice; a deleted draft is `deleted`."""
    return DELETED if row["deleted_at"] else str(row["status"])


def fulfillment_state(row: Fulfillment) -> JsonObject:
    """The fulfillment's state in events, from its row."""
    waits, columns = row["status"] == FulfillmentStatus.ACTION_REQUIRED, cast("JsonView", row)
    return {
        **{name: columns[name] for name in _FULFILLMENT},
        "amount_kept": amount_kept(row),
        "required_action": row["required_action"] if waits else None,
        "failure": _failure(row),
        **{name: shown_time(columns[name]) for name in _FULFILLMENT_TIMES},
    }


def payment_state(invoice: JsonView, attempt: JsonView, status: str, required_action: str | None = None) -> JsonObject:
    """What events tell of one payment of an invoice, from an entry of its attempts."""
    return {
        "id": attempt["payment_intent"],
        "invoice": invoice["id"],
        "customer": invoice["customer"],
        "status": status,
        "amount": invoice["amount_remaining"] if attempt["amount"] is None else attempt["amount"],
        "currency": invoice["currency"],
        "at": shown_time(attempt["at"]),
        "required_action": required_action,
        "what_to_do": advice(status, attempt["payment_intent"]),
    }


def amount_kept(row: Fulfillment) -> int:
    """What was paid, less what came back of it."""
    return int(row["amount_paid"] - row["amount_refunded"] - row["amount_credited"] - row["amount_disputed"])


def _failure(row: Fulfillment) -> JsonObject | None:
    """Why the last attempt failed; None where none did, or another one came after it."""
    failure = {name: row.get(f"failure_{name}") for name in ("code", "decline_code", "message")}
    current = row["attempt"] == Attempt.FAILED and row["status"] in _FAILED
    return failure if current and (failure["code"] or failure["message"]) else None


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `subject` is one of events.SUBJECTS, `was` its status before, `state` its state now.

    named: what happened, where the status does not show it. beside: what the event's data says of that.
    """

    subject: str
    was: str | None
    state: JsonObject
    cause: str | None
    named: str | None = None
    beside: JsonObject = field(default_factory=dict)

    @property
    def became(self) -> str:
        return str(self.state["status"])

    @property
    def invoice(self) -> str:
        return str(self.state["id" if self.subject == INVOICE else "invoice"])

    @property
    def of(self) -> tuple[str, str]:
        """What changed: the subject and its id."""
        return self.subject, str(self.state["id"])

    def row(self, invoice: JsonObject) -> JsonObject:
        """The row that stores the change as an event. `invoice` is the invoice's state now."""
        data: JsonObject = {"previous_status": self.was, "invoice": invoice, self.subject: self.state, **self.beside}
        return {
            "event": _new_id(),
            "type": event_type(self.subject, self.was, self.became, named=self.named),
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
    """Add `change`.

    If it has no name and its status stayed the same, it replaces the state in the last change of the same object, because
    nobody saw the state between.
    """
    if change.was == change.became and not change.named:
        for index in range(len(changes) - 1, -1, -1):
            before = changes[index]
            if before.of == change.of:
                changes[index] = replace(before, state=change.state)
                return
    changes.append(change)


def _new_id() -> str:
    """Return a new event id. Ids grow with time, so that their index is written at its end."""
    return f"iev_{time.time_ns() // 1000:014x}{os.urandom(9).hex()}"
