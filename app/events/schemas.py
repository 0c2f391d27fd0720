"""What others are told: the events of the feed, as CloudEvents."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from app.domain.events import FULFILLMENT_TYPES, INVOICE_TYPES, SCHEMA_VERSION, TYPES
from app.domain.fulfillment import FulfillmentStatus
from app.fulfillment.schemas import FulfillmentState
from app.http.parameters import IdWanted
from app.http.schema_rules import Says
from app.http.schemas import Shown

MOST = 500
CURSOR = "0000000000000f3a0000000000000007"


class InvoiceState(Shown):
    """An invoice after the change: what its document shows but for its printed texts, its items, and its addresses."""

    id: str
    number: str | None
    status: Literal["draft", "open", "paid", "void", "uncollectible", "deleted"]
    customer: str | None
    reference: str | None
    collection_method: str
    currency: str
    subtotal: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    due_at: datetime | None
    metadata: dict[str, str]
    payment_intent: str | None
    paid_out_of_band: bool
    livemode: bool
    created_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    marked_uncollectible_at: datetime | None
    updated_at: datetime


class InvoiceEventData(Shown):
    previous_status: str | None = Field(description="Null where the invoice was not known before.")
    invoice: InvoiceState


class FulfillmentEventData(Shown):
    previous_status: FulfillmentStatus | None = Field(description="Null where there was no fulfillment before.")
    fulfillment: FulfillmentState
    invoice: InvoiceState


class FeedEvent(Shown):
    """A CloudEvent (1.0)."""

    specversion: Literal["1.0"]
    id: str = Field(
        description="The event's own id, the same however often and whichever way it is told: drop what you know.",
        examples=["iev_000648a1b2c3d4e5f60718293a4b5c6d"],
    )
    source: str = Field(description="The deployment that tells it.", examples=["https://billing.example.com"])
    subject: str = Field(description="The invoice.", examples=["in_1PgF"])
    time: datetime = Field(description="When it was recorded.", examples=["2026-11-22T10:18:02.000Z"])
    datacontenttype: Literal["application/json"]
    dataschema: str = Field(examples=["https://billing.example.com/openapi.json#/components/schemas/InvoiceEventData"])
    schemaversion: int = Field(description="Of `data`; a higher one breaks with it.", examples=[SCHEMA_VERSION])
    sequence: str = Field(
        description="The cursor that goes on after this event; later events have greater ones, as text.",
        examples=[CURSOR],
    )


class InvoiceEvent(FeedEvent):
    """Something became of an invoice."""

    type: str = Field(json_schema_extra={"enum": list(INVOICE_TYPES)})
    data: InvoiceEventData


class FulfillmentEvent(FeedEvent):
    """Something became of an invoice's fulfillment."""

    type: str = Field(json_schema_extra={"enum": list(FULFILLMENT_TYPES)})
    data: FulfillmentEventData


class FeedPage(Shown):
    """Some events, oldest first."""

    data: list[InvoiceEvent | FulfillmentEvent]
    has_more: bool = Field(description="There is more to be had at once.")
    next_cursor: str = Field(
        description="Where to go on. It is given with an empty page, too; keep it once the page is dealt with.",
        examples=[CURSOR],
    )


def _split(value: Any) -> Any:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


_ONE = "|".join(re.escape(one) for one in TYPES)
Types = Annotated[
    list[str] | None,
    BeforeValidator(_split, json_schema_input_type=str | None),
    Field(description="Only these, separated by commas.", max_length=50),
    Says({"pattern": f"^(({_ONE})?,){{0,49}}({_ONE})?$"}, instead=("maxLength", "maxItems")),
]
After = Annotated[
    str | None,
    Field(max_length=64, description="A cursor of this feed (`next_cursor`, `sequence`), `start`, or `now`."),
]


class StreamWanted(BaseModel):
    """What a stream is to tell."""

    after: After = None
    types: Types = None


class FeedWanted(StreamWanted):
    """Which events are read."""

    invoice: IdWanted = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100
    wait: Annotated[float, Field(ge=0, le=30, description="How many seconds to wait where there is nothing yet.")] = 0
