"""Stripe's events, as they are shown."""

from datetime import datetime
from typing import Any

from pydantic import Field
from typing_extensions import TypeAliasType

from app.http.parameters import IdQuery
from app.http.queries import Paging
from app.http.schemas import Shown
from app.inbox.envelope import EventStatus
from app.inbox.handlers import HANDLERS

StripeEventStatus = TypeAliasType("StripeEventStatus", EventStatus)
"""EventStatus, with a name in the contract."""


class StripeEventListed(Shown):
    """An event Stripe delivered, as lists show it."""

    id: str = Field(examples=["evt_1Pgf"])
    type: str = Field(description="Stripe's event type.", examples=[min(HANDLERS)])
    object: str | None = Field(description="The id of the object the event is about.")
    api_version: str | None
    livemode: bool
    status: StripeEventStatus
    attempts: int
    last_error: str | None
    verified_by: str | None = Field(
        description="The name of the signing secret that verified it. It does not reveal the secret."
    )
    source: str
    request_id: str | None
    created_at: datetime
    received_at: datetime
    next_attempt_at: datetime | None
    processed_at: datetime | None


class StripeEventRead(StripeEventListed):
    payload: dict[str, Any]


class EventsQuery(Paging):
    """Which events of the inbox are listed."""

    status: StripeEventStatus | None = None
    type: IdQuery = None
