"""Fulfillments and the inbox: what came of a payment, and what Stripe told us."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.domain.fulfillment import FulfillmentStatus
from app.http.parameters import IdQuery, TimeQuery
from app.http.queries import Paging
from app.http.schemas import Shown

Status = Literal["awaiting_payment", "processing", "payment_failed", "fulfilled", "canceled", "written_off"]
ActionStatus = Literal["pending", "running", "failed", "done", "skipped", "dead"]
EventStatus = Literal["received", "processing", "processed", "ignored", "failed", "dead"]


class PaymentFailure(Shown):
    """Why the last attempt failed, in Stripe's codes and its words for the customer."""

    code: str | None = Field(examples=["card_declined"])
    decline_code: str | None = Field(examples=["insufficient_funds"])
    message: str | None


class FulfillmentState(Shown):
    """A fulfillment after the change."""

    id: str = Field(examples=["ful_1PgF"])
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


class FulfillmentRead(FulfillmentState):
    """A fulfillment as it is. What is added here is not in events: those are kept as they were told."""


class FulfillmentActionRead(Shown):
    """What is done when a fulfillment gets somewhere: once for each moment of it."""

    id: str = Field(
        description="The same for every try: a mail's Message-ID begins with it, a hook gets it as idempotency_id.",
        examples=["act_5d0c1e"],
    )
    fulfillment: str = Field(examples=["ful_1PgF"])
    invoice: str
    action: str = Field(description="`email`, or the name of a hook.", examples=["email"])
    moment: Literal["processing", "fulfilled"]
    status: ActionStatus = Field(description="`failed` is tried again, `dead` waits for a person.")
    attempts: int
    reason: str | None = Field(
        description="Why the last try failed, or why it was skipped.",
        examples=["The mail server answered 451 4.3.0 to DATA."],
    )
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None


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


class FulfillmentsQuery(Paging):
    """Which fulfillments are listed."""

    status: Status | None = None
    customer: IdQuery = None
    updated_after: TimeQuery = None


class FulfillmentActionsQuery(Paging):
    """Which actions are listed."""

    status: ActionStatus | None = None
    action: IdQuery = None
    fulfillment: IdQuery = None
    invoice: IdQuery = None


class EventsQuery(Paging):
    """Which events of the inbox are listed."""

    status: EventStatus | None = None
    type: IdQuery = None
