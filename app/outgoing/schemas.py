"""Webhook endpoints of others, and the deliveries to them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.domain.events import TYPES
from app.domain.outgoing import DeliveryStatus, DisabledReason, EndpointStatus, Failure
from app.http.parameters import IdQuery
from app.http.queries import Paging
from app.http.schema_rules import SchemaKeywords
from app.http.schemas import Create, Request, Shown, Text, Time, Update

DAY_S = 24 * 3600


def _known(value: str) -> str:
    if value not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return value


EventType = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(TYPES)})]
Url = Annotated[
    str,
    Field(
        max_length=2000,
        examples=["https://shop.example/hooks/invoicing"],
        description="Where deliveries are sent: https, on port 443 or from 1024 on, and no address of a private network.",
    ),
    SchemaKeywords({"pattern": "^https?://[!-~]+$"}),
]
Types = Annotated[
    list[EventType],
    Field(max_length=len(TYPES), examples=[[TYPES[0]]], description="Of which events; of all, where it is empty."),
]
Ordered = Annotated[
    bool,
    Field(
        description="One after the other, in the order of the feed: an event waits until the one before it is delivered, "
        "or given up. Otherwise many at once, so that one that fails holds up none."
    ),
]
Description = Annotated[Text | None, Field(max_length=500)]


class WebhookEndpointCreate(Create):
    url: Url
    description: Description = None
    types: Types = []
    ordered: Ordered = False


class WebhookEndpointUpdate(Update):
    """`types` counts for events from now on. An endpoint that is enabled again continues where it stopped."""

    url: Url = ""
    description: Description = None
    types: Types = []
    ordered: Ordered = False
    status: Annotated[EndpointStatus, Field(strict=False)] = EndpointStatus.ENABLED


class WebhookSecretRotate(Request):
    overlap_s: int = Field(
        default=DAY_S, ge=0, le=7 * DAY_S, description="For how long the secrets before sign beside the new one."
    )


class SecretRead(Shown):
    """When a signing secret was made, and when it ends. The secret itself was shown when it was made."""

    created_at: datetime
    expires_at: datetime | None


class WebhookEndpointRead(Shown):
    id: str = Field(examples=["whe_0d8c"])
    url: str = Field(examples=["https://shop.example/hooks/invoicing"])
    description: str | None
    types: list[str] = Field(examples=[[TYPES[0]]])
    ordered: bool
    status: EndpointStatus
    disabled_reason: DisabledReason | None = Field(
        description="`caller`: somebody said so; `gone`: it answered 410; `failing`: it did nothing but fail for days."
    )
    disabled_at: datetime | None
    failing_since: datetime | None = Field(description="Since when it accepted nothing; null while it accepts.")
    secrets: list[SecretRead] = Field(description="The secrets that sign now, the newest first.")
    created_at: datetime
    updated_at: datetime


class WebhookEndpointMade(WebhookEndpointRead):
    secret: str | None = Field(
        description="The signing secret, shown in this answer only; null where the answer is a replay.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class PingData(Shown):
    endpoint: str = Field(examples=["whe_0d8c"])


class PingEvent(Shown):
    """A CloudEvent (1.0) that is in no feed."""

    specversion: Literal["1.0"]
    id: str = Field(examples=["ping_0d8c"])
    source: str = Field(examples=["https://billing.example.com"])
    type: Literal["ping"]
    subject: str = Field(description="The endpoint.", examples=["whe_0d8c"])
    time: datetime
    datacontenttype: Literal["application/json"]
    data: PingData


class AttemptRead(Shown):
    """One attempt. What the endpoint answered beyond its status is not kept."""

    at: datetime
    status: int | None = Field(description="The HTTP status, where there was one.", examples=[503])
    error: Failure | None = Field(
        description="Why it did not count as received; null where it did.", examples=[Failure.STATUS]
    )
    ms: int | None = Field(description="How long it took; null where its worker died.", examples=[41])


class DeliveryRead(Shown):
    """One event for one endpoint."""

    id: str = Field(examples=["dlv_7c1e"])
    endpoint: str = Field(examples=["whe_0d8c"])
    event: str = Field(examples=["iev_0661"], description="The `id` of the event, and its `webhook-id`.")
    type: str = Field(examples=[TYPES[0]])
    invoice: str | None
    status: DeliveryStatus
    attempts: int = Field(description="Since it was made, or last asked for again.")
    last_status: int | None = Field(description="The HTTP status of the last attempt.")
    last_error: Failure | None
    next_attempt_at: datetime | None
    log: list[AttemptRead] = Field(description="The last 20 attempts, oldest first.")
    created_at: datetime
    delivered_at: datetime | None = Field(description="When it was first received.")


class Redeliver(Request):
    since: Time = Field(description="Deliveries made at this time or later.", examples=["2026-11-22T00:00:00Z"])
    until: Time | None = Field(default=None, description="Deliveries made before this time. Without it: until now.")
    statuses: list[Annotated[DeliveryStatus, Field(strict=False)]] = Field(
        default=[DeliveryStatus.DEAD, DeliveryStatus.FAILED],
        min_length=1,
        max_length=len(DeliveryStatus),
        description="In which states. Add `delivered` for events that you received and lost.",
    )


class Redelivered(Shown):
    endpoint: str = Field(examples=["whe_0d8c"])
    redelivered: int = Field(description="How many; at most 10,000 at once, oldest first.")


class EndpointsQuery(Paging):
    """Which endpoints are listed."""

    status: Literal["enabled", "disabled"] | None = None


class DeliveriesQuery(Paging):
    """Which of an endpoint's deliveries are listed."""

    status: Literal["pending", "delivering", "delivered", "failed", "dead", "canceled"] | None = None
    type: IdQuery = None
    event: IdQuery = None
    invoice: IdQuery = None
