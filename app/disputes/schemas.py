"""Disputes. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.domain.dispute import DisputeStatus
from app.domain.json import JsonView
from app.domain.sources import Feed, From, Identity, Ours, id_of, time
from app.http.schemas import Shown


def is_withdrawn(dispute: JsonView) -> bool:
    """Whether the money is withdrawn. Stripe lists what it took and what it gave back, in the account's currency."""
    moved: list[int] = [entry["amount"] for entry in dispute.get("balance_transactions") or []]
    return sum(amount < 0 for amount in moved) > sum(amount > 0 for amount in moved)


def due_by(details: JsonView | None) -> str | None:
    """Until when evidence may be submitted; null where the bank takes none."""
    return time((details or {}).get("due_by") or None)


def evidence_given(details: JsonView | None) -> bool:
    """Whether evidence was given, submitted or not."""
    return bool((details or {}).get("has_evidence"))


def times_submitted(details: JsonView | None) -> int:
    """How often evidence was submitted."""
    return int((details or {}).get("submission_count") or 0)


class DisputeRead(Shown):
    id: Annotated[str, From("id"), Identity, Feed] = Field(examples=["du_1Pgf"])
    invoice: Annotated[str, Ours, Feed]
    customer: Annotated[str | None, Ours, Feed]
    payment_intent: Annotated[str | None, From("payment_intent", id_of), Feed]
    charge: Annotated[str | None, From("charge", id_of), Feed]
    amount: Annotated[int, From("amount"), Feed]
    currency: Annotated[str, From("currency"), Feed]
    status: Annotated[DisputeStatus, From("status"), Feed] = Field(examples=["needs_response"])
    reason: Annotated[str | None, From("reason"), Feed] = Field(examples=["product_not_received"])
    withdrawn: Annotated[bool, From(is_withdrawn), Feed] = Field(description="Whether the money is withdrawn now.")
    is_charge_refundable: Annotated[bool, From("is_charge_refundable", bool), Feed] = Field(
        description="Whether the payment can still be refunded, which ends an inquiry."
    )
    evidence_due_at: Annotated[datetime | None, From("evidence_details", due_by), Feed] = Field(
        description="Until when evidence may be submitted; null where the bank takes none."
    )
    has_evidence: Annotated[bool, From("evidence_details", evidence_given), Feed]
    submission_count: Annotated[int, From("evidence_details", times_submitted), Feed] = Field(
        description="How often evidence was submitted."
    )
    livemode: Annotated[bool, From("livemode"), Identity, Feed]
    created_at: Annotated[datetime, From("created", time), Identity, Feed]
    updated_at: Annotated[datetime, Ours, Feed]
