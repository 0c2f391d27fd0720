"""Fulfillments and the inbox: what came of a payment, and what Stripe told us."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.api.parameters import IdWanted, TimeWanted
from app.api.queries import Paging
from app.api.schemas.shared import Shown
from app.domain.fulfillment import FulfillmentStatus

Status = Literal["awaiting_payment", "processing", "payment_failed", "fulfilled", "canceled", "written_off"]
EventStatus = Literal["received", "processing", "processed", "ignored", "failed", "dead"]


class PaymentFailure(Shown):
    """Why the last attempt failed, in Stripe's codes and its words for the customer."""

    code: str | None = Field(examples=["card_declined"])
    decline_code: str | None = Field(examples=["insufficient_funds"])
    message: str | None


class FulfillmentRead(Shown):
    id: str = Field(examples=["ful_0d8c"])
    invoice: str
    customer: str | None
    status: FulfillmentStatus
    amount_paid: int
    currency: str
    payment_intent: str | None
    paid_out_of_band: bool
    attempts: int = Field(description="Failed attempts to pay.")
    failure: PaymentFailure | None
    fulfilled_at: datetime | None
    created_at: datetime
    updated_at: datetime


class EventListed(Shown):
    """An event Stripe delivered, as lists show it."""

    id: str = Field(examples=["evt_1Pgf"])
    type: str = Field(description="Stripe's event type.")
    object: str | None = Field(description="The id of the object the event is about.")
    api_version: str | None
    livemode: bool
    status: EventStatus
    attempts: int
    last_error: str | None
    verified_by: str | None = Field(description="Which signing secret verified it, by a name that gives nothing away.")
    source: str
    request_id: str | None
    created_at: datetime
    received_at: datetime
    next_attempt_at: datetime | None
    processed_at: datetime | None


class EventRead(EventListed):
    payload: dict[str, Any]


class FulfillmentsWanted(Paging):
    """Which fulfillments are listed."""

    status: Status | None = None
    customer: IdWanted = None
    updated_after: TimeWanted = None


class EventsWanted(Paging):
    """Which events of the inbox are listed."""

    status: EventStatus | None = None
    type: IdWanted = None
